/** `bench store`: durable writes and checked reads of @pc/store, against LevelDB alone and against what the disk gives. */
import { join } from 'node:path'
import { openStore } from '@pc/store'
import type { Benchmark } from '../benchmark.js'
import type { Near } from '../side.js'
import { storeMeasures } from '../store-load.js'

export const store: Benchmark = {
  name: 'store',
  summary: 'durable writes and reads, against synced batches of classic-level and append with fdatasync',
  placement: 'one process',
  builds: ['packages/store'],
  contestants: {
    ours: import.meta.url,
    raw: new URL('../raw/level.ts', import.meta.url).href,
    fdatasync: new URL('../raw/append.ts', import.meta.url).href,
  },
  figures: [
    { name: 'write1', unit: 'per_s', text: 'durable writes of 200 bytes, one writer' },
    { name: 'write1_p50', unit: 'ms', text: 'one of those' },
    { name: 'write1_p99', unit: 'ms', text: 'the slowest of a hundred of those', tail: true },
    { name: 'write16', unit: 'per_s', text: 'durable writes of 200 bytes, 16 writers' },
    { name: 'write256', unit: 'per_s', text: 'durable writes of 200 bytes, 256 writers' },
    { name: 'get64', unit: 'per_s', text: 'values of 200 bytes read by key, 64 reads at a time' },
    { name: 'scan', unit: 'per_s', text: 'entries walked over, 1,000 at a time' },
  ],
}

export const near: Near = async ({ folder }) => {
  const kept = await openStore({ path: join(folder, 'store') })
  const measures = await storeMeasures({
    joinsWriters: false,
    write: (entries) => kept.write(entries.map(({ key, value }) => ({ type: 'put', key, value }))),
    reads: {
      get: (key) => kept.get(key),
      async scan(from, limit) {
        let found = 0
        for await (const { key, value } of kept.entries({ from, limit })) if (key.length + value.length > 0) found += 1
        return found
      },
    },
  })
  return { measures, close: () => kept.close() }
}
