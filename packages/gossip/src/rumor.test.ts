import { createIdentity } from '@pc/identity'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { GossipError } from './errors.js'
import {
  fitsReference,
  MAX_INLINE_BODY,
  MAX_TTL_MS,
  packReference,
  RumorKind,
  readRumor,
  referenceOf,
  signRumor,
  verifyRumor,
} from './rumor.js'

const anna = createIdentity(new Uint8Array(32).fill(1))
const bert = createIdentity(new Uint8Array(32).fill(2))
const FIELDS = {
  kind: RumorKind.DATA,
  topic: 'news',
  boot: 7,
  sequence: 1,
  createdAt: 1_767_225_600_000,
  ttlMs: 6_000,
  body: Buffer.from('hello'),
}

it('comes back as it was signed', () => {
  const numbers = fc.integer({ min: 0, max: 2 ** 48 - 1 })
  const fields = fc.record({
    kind: fc.constantFrom(RumorKind.DATA, RumorKind.QUERY),
    topic: fc
      .string({ minLength: 1, maxLength: 16, unit: 'grapheme' })
      .filter((topic) => Buffer.byteLength(topic) <= 64),
    boot: numbers,
    sequence: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
    createdAt: numbers,
    ttlMs: fc.integer({ min: 1, max: MAX_TTL_MS }),
    body: fc.uint8Array({ maxLength: MAX_INLINE_BODY }),
  })
  fc.assert(
    fc.property(fields, (given) => {
      const signed = signRumor(anna, given)
      const read = readRumor(signed.bytes)
      expect(read).toEqual(signed)
      expect({ ...read, body: new Uint8Array(read.body) }).toMatchObject({ ...given, body: new Uint8Array(given.body) })
      expect(verifyRumor(read, anna.id)).toBe(true)
    }),
    { numRuns: 50 },
  )
})

it('throws GossipError for whatever bytes come, and nothing else', () => {
  const { bytes } = signRumor(anna, FIELDS)
  const cut = fc.integer({ min: 0, max: bytes.length }).map((length) => bytes.subarray(0, length))
  const changed = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)).map(([at, value]) => {
    const other = new Uint8Array(bytes)
    other[at] = value
    return other
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 1_300 }), cut, changed), (any) => {
      try {
        readRumor(any)
      } catch (error) {
        expect(error).toBeInstanceOf(GossipError)
      }
    }),
  )
})

it('owns its bytes', () => {
  const received = new Uint8Array(signRumor(anna, FIELDS).bytes)
  const rumor = readRumor(received)
  received.fill(0)
  expect(verifyRumor(rumor, anna.id)).toBe(true)
})

it('is its origin’s only, and every signed byte counts', () => {
  const { bytes } = signRumor(anna, FIELDS)
  expect(verifyRumor(readRumor(bytes), bert.id)).toBe(false)
  for (const at of [2, 10, 40, 60, bytes.length - 65, bytes.length - 1]) {
    const other = new Uint8Array(bytes)
    other[at] = (other[at] as number) ^ 1
    expect(verifyRumor(readRumor(other), anna.id)).toBe(false)
  }
})

it('has an id of what is signed: another body has another id', () => {
  const one = signRumor(anna, FIELDS)
  const other = signRumor(anna, { ...FIELDS, body: Buffer.from('hullo') })
  expect(one.key).not.toBe(other.key)
  const resigned = new Uint8Array(one.bytes)
  resigned[resigned.length - 1] = (resigned[resigned.length - 1] as number) ^ 1
  expect(readRumor(resigned).key).toBe(one.key)
})

it.each([
  ['no topic', { topic: '' }],
  ['a topic that is too long', { topic: 'ä'.repeat(33) }],
  ['half a character', { topic: '\ud800' }],
  ['a body that is too long', { body: new Uint8Array(MAX_INLINE_BODY + 1) }],
  ['sequence 0', { sequence: 0 }],
  ['a fraction', { boot: 0.5 }],
  ['no time to live', { ttlMs: 0 }],
  ['more than ten minutes', { ttlMs: MAX_TTL_MS + 1 }],
  ['a reference of another length', { kind: RumorKind.REFERENCE }],
  ['a cancellation of another length', { kind: RumorKind.CANCEL }],
])('refuses %s', (_, wrong) => {
  expect(() => signRumor(anna, { ...FIELDS, ...wrong })).toThrow(expect.objectContaining({ code: 'BAD_RUMOR' }))
})

it('stands for a large body by its hash and length', () => {
  const body = new Uint8Array(5_000).fill(3)
  const rumor = signRumor(anna, { ...FIELDS, kind: RumorKind.REFERENCE, body: packReference(body) })
  expect(referenceOf(rumor).size).toBe(5_000)
  expect(fitsReference(body, referenceOf(rumor))).toBe(true)
  expect(fitsReference(body.subarray(1), referenceOf(rumor))).toBe(false)
  expect(fitsReference(new Uint8Array(5_000), referenceOf(rumor))).toBe(false)
})
