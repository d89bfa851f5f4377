/** What the disk gives: records appended to one file, and fdatasync. This file is fixed: see the test beside it. */
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Near } from '../side.js'
import { storeMeasures } from '../store-load.js'

export const near: Near = async ({ folder }) => {
  const file = openSync(join(folder, 'log'), 'a')
  const measures = await storeMeasures({
    joinsWriters: true,
    async write(entries) {
      writeSync(file, Buffer.concat(entries.flatMap(({ key, value }) => [key, value])))
      fdatasyncSync(file)
    },
  })
  return { measures, close: () => closeSync(file) }
}
