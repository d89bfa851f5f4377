import { expect, test } from 'vitest'
import { FIRST, FULL, fragment, LAST, MIDDLE } from '../test/_util/level-files.js'
import { readLevelLog } from './level-log.js'

const BLOCK = 32_768
const CUT = 'a write that a power failure cut, or damage'

function read(...parts: readonly Buffer[]): { records: string[]; problems: readonly string[] } {
  const { records, problems } = readLevelLog(Buffer.concat(parts))
  return { records: records.map((record) => Buffer.from(record).toString('latin1')), problems }
}

const says = (text: string) => expect.stringContaining(text)

/** A record that leaves `left` bytes of its block, when it comes first in it. */
const filling = (left: number, type = FULL) => fragment(type, 'x'.repeat(BLOCK - 7 - left))

test.each<[string, Buffer[], string[], unknown[]]>([
  ['nothing', [], [], []],
  ['whole records', [fragment(FULL, 'a'), fragment(FULL, ''), fragment(FULL, 'bc')], ['a', '', 'bc'], []],
  ['a record in parts', [fragment(FIRST, 'a'), fragment(MIDDLE, 'b'), fragment(LAST, 'c')], ['abc'], []],
  [
    'two records in parts',
    [fragment(FIRST, 'a'), fragment(LAST, 'b'), fragment(FIRST, 'c'), fragment(LAST, 'd')],
    ['ab', 'cd'],
    [],
  ],
  ['a beginning alone, at the end', [fragment(FULL, 'a'), fragment(FIRST, 'b')], ['a'], []],
  ['a record where another has no end', [fragment(FIRST, 'a'), fragment(FULL, 'b')], ['b'], [says('no end')]],
  [
    'a beginning where another has no end',
    [fragment(FIRST, 'a'), fragment(FIRST, 'b'), fragment(LAST, 'c')],
    ['bc'],
    [says('no end')],
  ],
  ['an end alone', [fragment(LAST, 'a'), fragment(FULL, 'b')], ['b'], [says('no beginning')]],
  ['a middle alone', [fragment(MIDDLE, 'a'), fragment(FULL, 'b')], ['b'], [says('no beginning')]],
  ['an end too many', [fragment(FIRST, 'a'), fragment(LAST, 'b'), fragment(LAST, 'c')], ['ab'], [says('no beginning')]],
  // Their checksums are right: a whole record was written there, and nothing was cut.
  ['an unknown kind at the end', [fragment(FULL, 'a'), fragment(5, 'b')], ['a'], [expect.not.stringContaining(CUT)]],
  ['the kind 0 at the end', [fragment(FULL, 'a'), fragment(0, 'b')], ['a'], [expect.not.stringContaining(CUT)]],
  ['a wrong checksum at the end', [fragment(FULL, 'a'), Buffer.alloc(9, 0).fill(1, 6, 7)], ['a'], [says(CUT)]],
  ['a cut header at the end', [fragment(FULL, 'a'), fragment(FULL, 'b').subarray(0, 6)], ['a'], []],
  ['a cut record at the end', [fragment(FULL, 'a'), fragment(FULL, 'bcd').subarray(0, 9)], ['a'], []],
  ['a header alone at the end', [fragment(FULL, 'a'), fragment(FULL, 'bcd').subarray(0, 7)], ['a'], []],
  ['zeros at the end', [fragment(FULL, 'a'), Buffer.alloc(100)], ['a'], []],
  [
    'a length beyond the end in a record that is whole',
    [fragment(FULL, 'a'), fragment(FULL, 'b', 200)],
    ['a'],
    [says('8 bytes at 8')],
  ],
  [
    'a length beyond the end before a record that is whole',
    [fragment(FULL, 'b', 200), fragment(FULL, 'a')],
    [],
    [expect.not.stringContaining(CUT)],
  ],
  ['a bad record before a good one', [fragment(5, 'b'), fragment(FULL, 'a')], [], [expect.not.stringContaining(CUT)]],
])('a log with %s', (_what, parts, records, problems) => {
  expect(read(...parts)).toEqual({ records, problems })
})

test.each([0, 1, 6])('what does not fit goes on in the next block, behind %i unused bytes', (left) => {
  const { records, problems } = read(
    filling(left, FIRST),
    Buffer.alloc(left),
    fragment(LAST, 'end'),
    fragment(FULL, 'b'),
  )
  expect(problems).toEqual([])
  expect(records.map((record) => record.length)).toEqual([BLOCK - 7 - left + 3, 1])
})

test('a header fits into the last seven bytes of a block', () => {
  const { records, problems } = read(filling(7), fragment(FIRST, ''), fragment(LAST, 'b'))
  expect([records.at(-1), problems]).toEqual(['b', []])
})

test('after damage the rest of the block is left, and the rest of its last record; the next block is read', () => {
  const broken = fragment(5, 'x'.repeat(100))
  const rest = filling(7 + 100, FIRST).subarray(0, BLOCK - broken.length)
  const { records, problems } = read(fragment(5, 'x'.repeat(100)), rest, fragment(LAST, 'lost'), fragment(FULL, 'kept'))
  expect(records).toEqual(['kept'])
  expect(problems).toEqual([says(`${BLOCK} bytes at 0 do not match their checksum`)])
  expect(problems[0]).not.toContain(CUT)
})

test('a record whose middle is damaged is not put together from what is left', () => {
  const { records, problems } = read(filling(0, FIRST), filling(0, 5), fragment(LAST, 'end'), fragment(FULL, 'a'))
  expect(records).toEqual(['a'])
  expect(problems).toHaveLength(1)
})

test('a view into a larger memory is read as its own', () => {
  const memory = Buffer.concat([Buffer.alloc(5, 9), fragment(FULL, 'a'), fragment(FIRST, 'b'), fragment(LAST, 'c')])
  const { records } = readLevelLog(memory.subarray(5))
  expect(records.map((record) => Buffer.from(record).toString())).toEqual(['a', 'bc'])
})
