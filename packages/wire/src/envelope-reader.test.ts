import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyMessage, mutated } from '../test/_util/arbitrary.js'
import { EnvelopeReader } from './envelope-reader.js'
import { DATAGRAM_LIMITS, STREAM_LIMITS, type ValueLimits } from './limits.js'
import { decodeAny, decodeMessage, encodeMessage } from './message.js'
import { encodeValue } from './value.js'

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** What comes out of a call, also when it is an error: all that a caller can see of it. */
function outcome(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    const { name, message, code, offset } = error as Error & { code: unknown; offset: unknown }
    return { name, message, code, offset }
  }
}

function expectSame(bytes: Uint8Array, limits: ValueLimits = STREAM_LIMITS): void {
  expect(outcome(() => decodeMessage(bytes, limits))).toStrictEqual(outcome(() => decodeAny(bytes, limits)))
}

/** Every form of every field, short, long, wrong or cut, so that most together are nearly an envelope. */
const HEADERS = [
  'a3 612f62',
  'd9 03 612f62',
  'da 0003 612f62',
  'db 00000001 7e',
  'a1 1f',
  'a1 7f',
  'a0',
  'a2 c3a9',
  'a1 ff',
  '01',
]
const IDS = [
  '00',
  '7f',
  'cc 07',
  'cd 0007',
  'ce ffffffff',
  'cf 001fffffffffffff',
  'cf 0020000000000000',
  'd0 07',
  'd0 ff',
]
const MORE_IDS = ['e0', 'cb 4014000000000000', 'ca 40a00000', 'c4 01 aa', 'c4 00', 'c0', 'c1', 'a1 61']
const VERSIONS = ['01', 'cc 01', 'd0 01', 'cb 3ff0000000000000', '02', 'c0']
const BODIES = ['c0', 'c1', 'c2', 'c3', '05', 'ff', 'e0', 'cc ff', 'cd ffff', 'ce ffffffff', 'cf 001fffffffffffff']
const MORE_BODIES = [
  'cf 0020000000000000',
  'd0 80',
  'd1 8000',
  'd2 80000000',
  'd3 ffe0000000000001',
  'd3 ffe0000000000000',
]
const LONG_BODIES = [
  'd3 001fffffffffffff',
  'd3 0020000000000000',
  'd3 8000000000000000',
  'd3 0000000000000000',
  'ca 80000000',
]
const FLOATS = ['ca 7fc00000', 'ca 3dcccccd', 'cb 8000000000000000', 'cb 7ff8000000000001', 'cb 4340000000000000']
const TEXTS = [
  'a0',
  'a2 c3a9',
  'a4 efbbbf61',
  'd9 01 61',
  'da 0001 61',
  'db 00000001 61',
  'a1 ff',
  'a3 eda080',
  'd9 ff 61',
]
const BYTES = [
  'c4 00',
  'c4 01 aa',
  'c5 0001 aa',
  'c6 00000001 aa',
  'c6 ffffffff aa',
  'c4 05 aa',
  'c7 00 00',
  'd4 00 00',
]
const OTHERS = ['90', '91 01', '80', '81 a161 01', '91 91 90', 'dc 0001 01', '']
const PEER_IDS = [
  'c0',
  `c4 20 ${'bb'.repeat(32)}`,
  `c5 0020 ${'bb'.repeat(32)}`,
  `c4 1f ${'bb'.repeat(31)}`,
  'c4 20 bb',
  '05',
  '',
]

const anyOf = (...lists: string[][]) => {
  const [usual, ...more] = lists.flat()
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant(usual as string) },
    { weight: 3, arbitrary: fc.constantFrom(...more) },
  )
}

const nearlyEnvelope = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.constant('95') },
      { weight: 1, arbitrary: fc.constantFrom('dc 0005', '94', '96', '85') },
    ),
    anyOf(HEADERS),
    anyOf(IDS, MORE_IDS),
    fc.oneof({ weight: 8, arbitrary: fc.constant('01') }, { weight: 1, arbitrary: fc.constantFrom(...VERSIONS) }),
    anyOf(BODIES, MORE_BODIES, LONG_BODIES, FLOATS, TEXTS, BYTES, OTHERS),
    anyOf(PEER_IDS),
    fc.oneof({ weight: 12, arbitrary: fc.constant('') }, { weight: 1, arbitrary: fc.constantFrom('c0', '00 00') }),
  )
  .map((parts) => bytesOf(parts.join('')))

describe('the short cut gives what the general way gives, or nothing', () => {
  test('for the forms of every field', () => {
    fc.assert(
      fc.property(nearlyEnvelope, (bytes) => expectSame(bytes)),
      { numRuns: 3_000 },
    )
  })

  test('for every field, with all others usual', () => {
    const usual = ['95', 'a161', '00', '01', 'c0', 'c0']
    const forms = [['95', '94'], HEADERS, [...IDS, ...MORE_IDS], VERSIONS]
    forms.push([BODIES, MORE_BODIES, LONG_BODIES, FLOATS, TEXTS, BYTES, OTHERS].flat(), PEER_IDS)
    for (const [field, list] of forms.entries()) {
      for (const form of list) {
        const bytes = bytesOf(usual.with(field, form).join(''))
        for (let length = 0; length <= bytes.length; length++) expectSame(bytes.subarray(0, length))
      }
    }
  })

  test('for texts of every length, with a letter beyond ASCII in every place', () => {
    for (let length = 0; length <= 40; length++) {
      expectSame(
        encodeMessage({ header: 'a', id: 1, version: 1, body: 'abcdefg'.repeat(6).slice(0, length), peerId: null }),
      )
      for (let place = 0; place < length; place++) {
        const bytes = encodeValue(['a', 1, 1, 'x'.repeat(length), null])
        bytes[bytes.length - 2 - place] = 0xe9
        expectSame(bytes)
      }
    }
  })

  test('for envelopes, right ones and changed ones', () => {
    const envelope = anyMessage.map((message) => encodeMessage(message))
    fc.assert(
      fc.property(fc.oneof(envelope, mutated(envelope)), fc.constantFrom(STREAM_LIMITS, DATAGRAM_LIMITS), expectSame),
      { numRuns: 2_000 },
    )
  })
})

describe('the short cut', () => {
  const read = (bytes: Uint8Array) => new EnvelopeReader().read(bytes, 0, bytes.length)

  test.each([
    'c0',
    'c3',
    '05',
    'ff',
    'cd ffff',
    'd1 8000',
    'cf 001fffffffffffff',
    'd3 ffe0000000000001',
    'ca 3f800000',
    'cb 3fb999999999999a',
    'a2 c3a9',
    'c4 01 aa',
  ])('is taken for the body %s', (body) => {
    const bytes = bytesOf(`95 a161 cd1000 01 ${body} c0`)
    expect(read(bytes)).toStrictEqual(decodeAny(bytes, STREAM_LIMITS))
  })

  test.each([
    ['an array as body', '95 a161 00 01 90 c0'],
    ['bytes as id', '95 a161 c40100 01 c0 c0'],
    ['a header that is not ASCII', '95 a2c3a9 00 01 c0 c0'],
  ])('is not taken for %s, which is right', (_name, hex) => {
    expect(read(bytesOf(hex))).toBeUndefined()
    expect(decodeMessage(bytesOf(hex)).version).toBe(1)
  })

  test('gives views, as plain Uint8Array even of a Buffer', () => {
    const bytes = Buffer.from(encodeValue(['a', 1, 1, Uint8Array.of(1, 2), new Uint8Array(32).fill(3)]))
    const message = read(bytes)
    for (const view of [message?.body, message?.peerId]) {
      expect(view?.constructor).toBe(Uint8Array)
      expect((view as Uint8Array).buffer).toBe(bytes.buffer)
    }
  })
})
