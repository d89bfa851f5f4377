/**
 * A process that writes numbered entries and prints each number once its write has resolved. With `full` a write that fails ends the
 * limit on file sizes, as when somebody makes space, and it goes on.
 */
import { spawnSync } from 'node:child_process'
import { openStore } from '../../src/index.js'
import { sequenceKey } from '../../src/sequence.js'
import { bytes } from './bytes.js'

const [, , path = '', mode = ''] = process.argv
const store = await openStore({ path })

async function write(number: number): Promise<void> {
  const value = new Uint8Array(mode === 'full' ? 50_000 : 200).fill(number)
  await store.write([{ type: 'put', key: sequenceKey(bytes('n'), number), value }])
  process.stdout.write(`${number}\n`)
}

if (mode === 'full') {
  let failures = 0
  for (let number = 0; number < 60; number++) {
    try {
      await write(number)
    } catch (error) {
      process.stderr.write(`${(error as { code?: string }).code}\n`)
      if (++failures === 2) spawnSync('prlimit', ['--pid', `${process.pid}`, '--fsize=unlimited'])
    }
  }
  await store.close()
} else {
  // Several at a time, so that batches are merged.
  for (let number = 0; ; number += 4) await Promise.all([0, 1, 2, 3].map((next) => write(number + next)))
}
