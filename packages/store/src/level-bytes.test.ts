import { expect, test } from 'vitest'
import { LevelBytes } from './level-bytes.js'
import { readLevelManifest } from './level-manifest.js'

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))

test.each([
  ['00', 0],
  ['7f', 127],
  ['8001', 128],
  ['ff01', 255],
  ['ac02', 300],
  ['ffffffff0f', 2 ** 32 - 1],
  ['808080808010', 2 ** 39],
  ['ffffffffffffff0f', Number.MAX_SAFE_INTEGER],
  ['8000', 0],
])('the number %s is %d', (hex, value) => {
  const bytes = new LevelBytes(bytesOf(hex))
  expect([bytes.done, bytes.varint(), bytes.failed, bytes.done]).toEqual([false, value, false, true])
})

test.each([
  ['', 'nothing'],
  ['80', 'a number without its end'],
  ['ffffffffffffff1f', 'more than 2^53 - 1'],
  ['8080808080808080808001', 'more than ten bytes'],
])('%s is no number: %s', (hex) => {
  const bytes = new LevelBytes(bytesOf(hex))
  expect([bytes.varint(), bytes.failed, bytes.done]).toEqual([0, true, true])
})

test('byte strings are taken one after the other, up to the end and not beyond', () => {
  const bytes = new LevelBytes(bytesOf('0102030405'))
  expect(bytes.take(2)).toEqual(Uint8Array.of(1, 2))
  expect(bytes.varint()).toBe(3)
  expect(bytes.take(2)).toEqual(Uint8Array.of(4, 5))
  expect([bytes.take(0), bytes.done, bytes.failed]).toEqual([new Uint8Array(), true, false])
  expect([bytes.take(1), bytes.failed]).toEqual([new Uint8Array(), true])
})

// Fields of a manifest: comparator, log, next file, last sequence, compaction pointer, deleted file, new file, previous log.
const [COMPARATOR, LOG, NEXT, SEQUENCE, POINTER, PREVIOUS] = [
  '0101 61',
  '02 09',
  '03 0a',
  '04 8001',
  '05 00 02 6162',
  '09 00',
]
const added = (number: string): string => `07 00 ${number} 8001 01 61 02 6263`
const deleted = (number: string): string => `06 00 ${number}`
const manifest = (...records: string[]) =>
  readLevelManifest(records.map((record) => bytesOf(record.replaceAll(' ', ''))))

test.each<[string, string[], number[], number]>([
  ['nothing', [], [], 0],
  ['every field', [`${COMPARATOR}${LOG}${NEXT}${SEQUENCE}${POINTER}${added('05')}${PREVIOUS}`], [5], 9],
  ['tables of several records', [added('05'), `${added('06')}${added('8001')}`], [5, 6, 128], 0],
  ['a table that was deleted again', [`${added('05')}${added('06')}`, deleted('05')], [6], 0],
  ['a table that comes back', [added('05'), `${deleted('05')}${added('05')}`], [5], 0],
  ['the last log', [LOG, '02 0b'], [], 11],
  ['a log that is gone again', ['02 0b', `${NEXT}${PREVIOUS}${SEQUENCE}`], [], 11],
])('a manifest with %s', (_what, records, tables, log) => {
  expect(manifest(...records)).toEqual({ tables: new Set(tables), log })
})

test.each(['00', '08', '0a', '63', `${LOG}08`])('a manifest with an unknown field is not understood: %s', (record) => {
  expect(manifest(added('05'), record)).toBeUndefined()
})

test.each([COMPARATOR, LOG, NEXT, SEQUENCE, POINTER, deleted('05'), added('05'), PREVIOUS])(
  'a manifest that ends inside the field %s is not understood',
  (field) => {
    const whole = field.replaceAll(' ', '')
    expect(manifest(whole)).toBeDefined()
    for (let length = 2; length < whole.length; length += 2) expect(manifest(whole.slice(0, length))).toBeUndefined()
  },
)
