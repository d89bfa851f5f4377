/**
 * The raw baseline for durable state: classic-level alone, each batch synced, with no checksum and nobody to merge writes: so many
 * writers are one batch of so many entries, which is the best that merging could do. This file is fixed: see the test beside it.
 */
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import type { Near } from '../side.js'
import { storeMeasures } from '../store-load.js'

export const near: Near = async ({ folder }) => {
  const level = new ClassicLevel<Uint8Array, Uint8Array>(join(folder, 'level'), {
    keyEncoding: 'view',
    valueEncoding: 'view',
  })
  await level.open()
  const measures = await storeMeasures({
    joinsWriters: true,
    write: (entries) =>
      level.batch(
        entries.map(({ key, value }) => ({ type: 'put', key, value })),
        { sync: true },
      ),
    reads: {
      get: (key) => level.get(key),
      async scan(from, limit) {
        // Room for all of them in one go.
        const iterator = level.iterator({ gte: from, limit, highWaterMarkBytes: 1_048_576 })
        const found = await iterator.nextv(limit)
        await iterator.close()
        return found.length
      },
    },
  })
  return { measures, close: () => level.close() }
}
