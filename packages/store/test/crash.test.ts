/** Real processes that die, and a disk that refuses: nothing that was acknowledged is missing afterwards. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStore, readSequence } from '../src/index.js'
import { bytes } from './_util/bytes.js'

const WRITER = fileURLToPath(new URL('_util/writer.ts', import.meta.url))
const ARGUMENTS = ['--conditions=@pc/source', '--import', 'tsx', WRITER]

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pc-store-crash-'))
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

/** The numbers that are there and right; fails on anything damaged. */
async function numbersIn(path: string): Promise<Set<number>> {
  await using store = await openStore({ path })
  expect(store.damage).toEqual([])
  const numbers = new Set<number>()
  for await (const item of readSequence(store, bytes('n'))) {
    expect(item.type).not.toBe('damaged')
    if (item.type !== 'entry') continue
    expect(item.value.every((byte) => byte === (item.number & 0xff))).toBe(true)
    numbers.add(item.number)
  }
  return numbers
}

it('loses nothing that was acknowledged when the process is killed', { timeout: 60_000 }, async () => {
  for (const [round, atLeast] of [40, 400].entries()) {
    const path = join(folder, `killed-${round}`)
    const child = spawn(process.execPath, [...ARGUMENTS, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.setEncoding('utf8')
    for await (const chunk of child.stdout) {
      output += chunk
      if (output.split('\n').length > atLeast && !child.killed) child.kill('SIGKILL')
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    expect(child.signalCode).toBe('SIGKILL')
    const acknowledged = output.split('\n').slice(0, -1).map(Number)
    expect(acknowledged.length).toBeGreaterThanOrEqual(atLeast)
    const there = await numbersIn(path)
    expect(acknowledged.filter((number) => !there.has(number))).toEqual([])
  }
})

// A limit on file sizes cuts a record in the middle as a full disk does, without needing one.
it.skipIf(process.platform !== 'linux')(
  'goes on after the disk refused, and loses nothing that was acknowledged before or after',
  { timeout: 60_000 },
  async () => {
    for (const kib of [400, 455]) {
      const path = join(folder, `full-${kib}`)
      const command = `trap '' XFSZ; ulimit -S -f ${kib}; exec "$0" "$@"`
      const child = spawnSync('bash', ['-c', command, process.execPath, ...ARGUMENTS, path, 'full'], {
        encoding: 'utf8',
      })
      expect(child.status, child.stderr).toBe(0)
      expect(child.stderr.trim().split('\n').length).toBeGreaterThanOrEqual(2)
      const acknowledged = child.stdout.trim().split('\n').map(Number)
      expect(acknowledged.length).toBeGreaterThan(40)
      const there = await numbersIn(path)
      expect(acknowledged.filter((number) => !there.has(number))).toEqual([])
    }
  },
)
