import { createIdentity } from '@pc/identity'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { GossipError } from './errors.js'
import {
  isQueryPacket,
  MAX_KEYS,
  MAX_PACKET_BYTES,
  packAck,
  packHit,
  packKeys,
  packRumor,
  readPacket,
} from './messages.js'
import { MAX_INLINE_BODY, RumorKind, signRumor } from './rumor.js'

const anna = createIdentity(new Uint8Array(32).fill(1))
const FIELDS = { kind: RumorKind.DATA, boot: 1, sequence: 1, createdAt: 1, ttlMs: 6_000 }
const rumor = signRumor(anna, { ...FIELDS, topic: 'n'.repeat(64), body: new Uint8Array(MAX_INLINE_BODY) })
const QUERY = new Uint8Array(16).fill(9)

it('carries a rumor with its hops and age, and the greatest fits', () => {
  const bytes = packRumor({ rumor, hops: 3, ageMs: 1_234.4 })
  expect(bytes.length).toBeLessThanOrEqual(MAX_PACKET_BYTES)
  expect(readPacket(bytes)).toEqual({ type: 'rumor', rumor, hops: 3, ageMs: 1_234 })
  expect(readPacket(packRumor({ rumor, hops: 300, ageMs: 2 ** 40 }))).toMatchObject({ hops: 255, ageMs: 2 ** 32 - 1 })
})

it.each(['ihave', 'iwant'] as const)('carries the keys of %s', (type) => {
  const keys = Array.from({ length: MAX_KEYS }, (_, index) => String(index).padStart(8, 'k'))
  const bytes = packKeys(type, keys)
  expect(bytes.length).toBeLessThanOrEqual(MAX_PACKET_BYTES)
  expect(readPacket(bytes)).toEqual({ type, keys })
  expect(readPacket(packKeys(type, ['abcdefgh', 'abcdefgh']))).toEqual({ type, keys: ['abcdefgh'] })
})

it('carries answers and acknowledgements', () => {
  expect(readPacket(packHit(QUERY, new Uint8Array([1, 2])))).toEqual({
    type: 'hit',
    query: QUERY,
    answer: new Uint8Array([1, 2]),
  })
  expect(readPacket(packAck(QUERY))).toEqual({ type: 'ack', query: QUERY })
  expect(() => packHit(QUERY, new Uint8Array(901))).toThrow(expect.objectContaining({ code: 'BAD_RUMOR' }))
})

it('tells a question from everything else by a look', () => {
  const query = signRumor(anna, { ...FIELDS, kind: RumorKind.QUERY, topic: 'search', body: QUERY })
  expect(isQueryPacket(packRumor({ rumor: query, hops: 1, ageMs: 2 }))).toBe(true)
  const others = [packRumor({ rumor, hops: 2, ageMs: 2 }), packKeys('ihave', ['\x02'.repeat(8)]), packAck(QUERY)]
  expect([...others, new Uint8Array(0)].map(isQueryPacket)).toEqual([false, false, false, false])
})

it('ignores what it does not know', () => {
  expect(readPacket(new Uint8Array([200, 1, 2]))).toEqual({ type: 'unknown' })
})

it.each([
  ['nothing', []],
  ['a hop part that ends early', [0, 1, 2]],
  ['no keys that are wanted', [2]],
  ['half a key', [2, 1, 2, 3]],
  ['half a query', [3, 1, 2, 3]],
  ['an acknowledgement with more', [4, ...QUERY, 1]],
  ['more than fits', new Array(MAX_PACKET_BYTES + 1).fill(0)],
])('refuses %s', (_, bytes) => {
  expect(() => readPacket(new Uint8Array(bytes))).toThrow(GossipError)
})

it('throws GossipError for whatever bytes come, and nothing else', () => {
  const type = fc.nat(5)
  const any = fc
    .tuple(type, fc.uint8Array({ maxLength: 1_200 }))
    .map(([first, rest]) => new Uint8Array([first, ...rest]))
  fc.assert(
    fc.property(any, (bytes) => {
      try {
        readPacket(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(GossipError)
      }
    }),
  )
})
