/** The readers of LevelDB's files on real files: every single flipped bit is found, nothing healthy is reported. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openStore } from '../src/index.js'
import { readLevelLog } from '../src/level-log.js'
import { readLevelManifest } from '../src/level-manifest.js'
import { checkLevelTable } from '../src/level-table.js'
import { put } from './_util/read.js'

/** Few: the work of flipping every bit grows with the square. */
const WRITES = 10

let folder: string
const files: Record<'log' | 'longLog' | 'table' | 'manifest', Buffer> = {
  log: Buffer.alloc(0),
  longLog: Buffer.alloc(0),
  table: Buffer.alloc(0),
  manifest: Buffer.alloc(0),
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pc-store-files-'))
  const path = join(folder, 'db')
  const find = async (pattern: RegExp): Promise<Buffer> => {
    const name = (await readdir(path)).find((one) => pattern.test(one))
    return await readFile(join(path, name ?? 'nothing was found'))
  }
  const first = await openStore({ path })
  for (let n = 0; n < WRITES; n++) await first.write([put(`key ${n}`, `${n}`.repeat(40))])
  files.log = await find(/\.log$/)
  await first.close()
  const second = await openStore({ path })
  files.table = await find(/\.ldb$/)
  files.manifest = await find(/^MANIFEST/)
  // Records that go over several blocks of 32 KiB.
  for (let n = 0; n < 4; n++) await second.write([put(`long ${n}`, `${n}`.repeat(50_000))])
  files.longLog = await find(/\.log$/)
  await second.close()
})

afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
})

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

it('reads healthy files without a complaint', () => {
  expect(readLevelLog(files.log).problems).toEqual([])
  expect(readLevelLog(files.log).records).toHaveLength(WRITES)
  expect(readLevelLog(files.longLog).problems).toEqual([])
  expect(readLevelLog(files.longLog).records).toHaveLength(4)
  expect(checkLevelTable(files.table)).toBeUndefined()
  const manifest = readLevelManifest(readLevelLog(files.manifest).records)
  expect(manifest?.tables.size).toBe(1)
  expect(manifest?.log).toBeGreaterThan(0)
})

it('finds every flipped bit of a log', () => {
  const missed: number[] = []
  for (let bit = 0; bit < 8 * files.log.length; bit++) {
    if (readLevelLog(flipped(files.log, bit)).problems.length === 0) missed.push(bit)
  }
  expect(missed).toEqual([])
})

it('finds flipped bits of a log whose records go over blocks', () => {
  const missed: number[] = []
  for (let bit = 0; bit < 8 * files.longLog.length; bit += 9_973) {
    if (readLevelLog(flipped(files.longLog, bit)).problems.length === 0) missed.push(bit)
  }
  expect(missed).toEqual([])
})

it('finds every flipped bit of a table', () => {
  const missed: number[] = []
  // The footer has unused bytes between its handles and its last eight: nothing reads them.
  const unused = files.table.length - 48 + 20
  for (let bit = 0; bit < 8 * files.table.length; bit++) {
    const byte = bit >> 3
    if (byte >= unused && byte < files.table.length - 8) continue
    if (checkLevelTable(flipped(files.table, bit)) === undefined) missed.push(byte - files.table.length)
  }
  expect(missed.filter((fromEnd) => fromEnd < -48)).toEqual([])
})

it('takes a log cut anywhere as a crash leaves it: the whole records before the cut', () => {
  for (let length = 0; length <= files.log.length; length += 7) {
    const { records, problems } = readLevelLog(files.log.subarray(0, length))
    expect(problems).toEqual([])
    expect(records.length).toBeLessThanOrEqual(WRITES)
  }
})

it('takes zeros at the end, which some file systems leave after a power failure, for no damage', () => {
  const { records, problems } = readLevelLog(Buffer.concat([files.log, Buffer.alloc(5_000)]))
  expect(problems).toEqual([])
  expect(records).toHaveLength(WRITES)
})

it('says when only the end does not match, because that may be a cut write', () => {
  const garbage = Buffer.concat([files.log, Buffer.from('00000000100001', 'hex'), Buffer.alloc(50, 1)])
  expect(readLevelLog(garbage).problems).toEqual([expect.stringContaining('a power failure cut, or damage')])
})

it('finds a table that is cut, empty, or something else', () => {
  for (const length of [0, 10, 47, 48, files.table.length - 1]) {
    expect(checkLevelTable(files.table.subarray(0, length))).toBeDefined()
  }
})

it('refuses a manifest with an unknown field', () => {
  expect(readLevelManifest([Uint8Array.of(99)])).toBeUndefined()
  expect(readLevelManifest([Uint8Array.of(2)])).toBeUndefined()
})
