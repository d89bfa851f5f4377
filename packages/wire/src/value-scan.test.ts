import { describe, expect, test } from 'vitest'
import { thrownBy } from '../test/_util/thrown.js'
import { STREAM_LIMITS } from './limits.js'
import { decodeValue, encodeValue, type Value } from './value.js'
import { scanValue } from './value-scan.js'

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
const scan = (hex: string, limits = STREAM_LIMITS) => scanValue(bytesOf(hex), limits).marked

/** One value of every type byte that has a length or a width, with the rest it asks for. */
const WHOLE = [
  'c0',
  'c2',
  'c3',
  '00',
  '7f',
  'e0',
  'ff',
  'a0',
  'a2 6162',
  'bf 61626364656667686970717273747576777879303132333435363738393031',
  'c4 00',
  'c4 01 aa',
  'c5 0001 aa',
  'c6 00000001 aa',
  'ca 00000000',
  'cb 0000000000000000',
  'cc ff',
  'cd ffff',
  'ce ffffffff',
  'cf 001fffffffffffff',
  'd0 80',
  'd1 8000',
  'd2 80000000',
  'd3 001fffffffffffff',
  'd3 ffe0000000000001',
  'd3 ffffffffffffffff',
  'd3 0000000000000000',
  'd9 01 61',
  'da 0001 61',
  'db 00000001 61',
  '90',
  '92 01 02',
  'dc 0001 01',
  'dd 00000001 01',
  '80',
  '81 a161 01',
  'de 0001 a161 01',
  'df 00000001 a161 01',
  '81 d90161 01',
  '81 da000161 01',
  '81 db0000000161 01',
]

describe('scanValue', () => {
  test.each(WHOLE)('takes %s, nothing shorter, nothing longer', (hex) => {
    const bytes = bytesOf(hex)
    expect(scanValue(bytes, STREAM_LIMITS).marked).toEqual([])
    for (let length = 0; length < bytes.length; length++) {
      const error = thrownBy(() => scanValue(bytes.subarray(0, length), STREAM_LIMITS))
      expect(error).toMatchObject({ code: 'TRUNCATED' })
      expect((error as { offset: number }).offset).toBeLessThanOrEqual(length)
    }
    const longer = Uint8Array.from([...bytes, 0xc0])
    expect(thrownBy(() => scanValue(longer, STREAM_LIMITS))).toMatchObject({
      code: 'TRAILING_BYTES',
      offset: bytes.length,
    })
  })

  test.each([
    ['', 'TRUNCATED', 0],
    ['c1', 'RESERVED_BYTE', 0],
    ['92 01 c1', 'RESERVED_BYTE', 2],
    ['c7 00 00', 'EXTENSION_TYPE', 0],
    ['c8 0000 00', 'EXTENSION_TYPE', 0],
    ['c9 00000000 00', 'EXTENSION_TYPE', 0],
    ['d4 00 00', 'EXTENSION_TYPE', 0],
    ['91 d8 00', 'EXTENSION_TYPE', 1],
    ['cf 0020000000000000', 'INTEGER_RANGE', 1],
    ['cf ffffffffffffffff', 'INTEGER_RANGE', 1],
    ['d3 0020000000000000', 'INTEGER_RANGE', 1],
    ['d3 7fffffffffffffff', 'INTEGER_RANGE', 1],
    ['d3 ffe0000000000000', 'INTEGER_RANGE', 1],
    ['d3 ffdfffffffffffff', 'INTEGER_RANGE', 1],
    ['d3 8000000000000000', 'INTEGER_RANGE', 1],
    ['a1 ff', 'BAD_UTF8', 1],
    ['a3 61ff61', 'BAD_UTF8', 1],
    ['d9 02 61ff', 'BAD_UTF8', 2],
    ['91 a2 c3', 'TRUNCATED', 2],
    ['81 01 c0', 'BAD_KEY', 1],
    ['81 c0 c0', 'BAD_KEY', 1],
    ['81 c4 01 61', 'BAD_KEY', 1],
    ['81 dc 0000', 'BAD_KEY', 1],
    ['81 a9 5f5f70726f746f5f5f c0', 'FORBIDDEN_KEY', 1],
    ['81 d9 09 5f5f70726f746f5f5f c0', 'FORBIDDEN_KEY', 1],
    ['82 a161 01 a161 02', 'DUPLICATE_KEY', 4],
    ['82 a161 01 d90161 02', 'DUPLICATE_KEY', 4],
    ['82 a0 01 a0 02', 'DUPLICATE_KEY', 3],
    ['92 01', 'TRUNCATED', 1],
    ['81 a0', 'TRUNCATED', 1],
    ['dd ffffffff 00', 'TRUNCATED', 5],
    ['df 7fffffff 00', 'TRUNCATED', 5],
    ['c6 ffffffff 00', 'TRUNCATED', 5],
    ['c4 02 aa', 'TRUNCATED', 2],
  ])('refuses %s: %s at %i', (hex, code, offset) => {
    expect(thrownBy(() => scan(hex))).toMatchObject({
      code,
      offset,
      message: expect.stringContaining(`(at byte ${offset})`),
    })
  })

  test.each([
    '81 a9 5f5f70726f746f5f60 c0',
    '81 a8 5f5f70726f746f5f c0',
    '82 a161 01 a162 02',
    '82 a161 81a16101 a162 02',
  ])('takes keys that only look alike: %s', (hex) => expect(scan(hex)).toEqual([]))

  test('finds the same key twice in small and in large maps, wherever it stands', () => {
    for (const count of [2, 7, 8, 9, 10, 15]) {
      const members = Array.from({ length: count }, (_, index) => `a2 4${index.toString(16)}30 01`)
      expect(scan(`8${count.toString(16)} ${members.join('')}`)).toEqual([])
      for (let twin = 0; twin < count - 1; twin++) {
        const twice = [...members.slice(0, -1), members[twin]].join('')
        expect(thrownBy(() => scan(`8${count.toString(16)} ${twice}`))).toMatchObject({
          code: 'DUPLICATE_KEY',
          offset: 1 + 4 * (count - 1),
        })
      }
    }
  })

  test('bounds depth and elements, each exactly', () => {
    const limits = { maxDepth: 2, maxElements: 3 }
    expect(scan('91 91 01', limits)).toEqual([])
    expect(scan('91 81 a161 01', limits)).toEqual([])
    expect(thrownBy(() => scan('91 91 90', limits))).toMatchObject({ code: 'TOO_DEEP', offset: 3 })
    expect(thrownBy(() => scan('81 a161 91 80', limits))).toMatchObject({ code: 'TOO_DEEP', offset: 5 })
    expect(scan('93 01 02 03', limits)).toEqual([])
    expect(thrownBy(() => scan('94 01 02 03 04', limits))).toMatchObject({ code: 'TOO_MANY_ELEMENTS', offset: 1 })
    expect(thrownBy(() => scan('92 01 92 01 02', limits))).toMatchObject({ code: 'TOO_MANY_ELEMENTS', offset: 3 })
    // Keys do not count.
    expect(scan('83 a161 01 a162 02 a163 03', limits)).toEqual([])
  })

  test.each([
    ['c0', false],
    ['92 01 a161', false],
    ['c4 00', true],
    ['c5 0001 00', true],
    ['81 a161 91 c6 00000001 00', true],
  ])('tells whether there are byte strings: %s', (hex, has) => {
    expect(scanValue(bytesOf(hex), STREAM_LIMITS).hasBytes).toBe(has)
  })

  test('marks texts of more than 64 bytes that begin with U+FEFF, and no others', () => {
    const text = (bytes: number, begin = 'efbbbf') => `d9 ${bytes.toString(16)} ${begin} ${'61'.repeat(bytes - 3)}`
    expect(scan(text(64))).toEqual([])
    expect(scan(text(65))).toEqual([{ head: 0, start: 2, end: 67 }])
    expect(scan(text(65, 'efbbbe'))).toEqual([])
    expect(scan(text(65, 'e2bbbf'))).toEqual([])
    expect(scan(text(65, 'ef babf'))).toEqual([])
    expect(scan(`92 01 ${text(65)}`)).toEqual([{ head: 2, start: 4, end: 69 }])
    expect(scan(`81 ${text(65)} ${text(66)}`)).toEqual([
      { head: 1, start: 3, end: 68 },
      { head: 68, start: 70, end: 136 },
    ])
  })
})

test('texts that begin with U+FEFF come back whole, whatever their length and place', () => {
  for (let letters = 55; letters < 70; letters++) {
    const text = `\ufeff${'x'.repeat(letters)}`
    const value: Value = [text, 'between', { [text]: text, after: [text, `${text}\ufeff`] }, 1]
    expect(decodeValue(encodeValue(value))).toStrictEqual(value)
  }
})
