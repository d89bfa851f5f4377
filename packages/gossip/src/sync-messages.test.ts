import { createIdentity } from '@pc/identity'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { GossipError } from './errors.js'
import { RumorKind, signRumor } from './rumor.js'
import { packExchange, readExchange } from './sync-messages.js'

const anna = createIdentity(new Uint8Array(32).fill(1))
const rumor = signRumor(anna, {
  kind: RumorKind.DATA,
  topic: 'news',
  boot: 1,
  sequence: 1,
  createdAt: 1,
  ttlMs: 6_000,
  body: Buffer.from('x'),
})
const hop = { rumor, hops: 2, ageMs: 70 }

const entry = fc.record({
  origin: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  boot: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  greatest: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  mask: fc.uint8Array({ maxLength: 128 }),
})

it('comes back as it was packed', () => {
  const vector = fc.array(entry, { maxLength: 20 })
  fc.assert(
    fc.property(vector, fc.boolean(), fc.integer({ min: 0, max: 3 }), (entries, more, count) => {
      const rumors = new Array(count).fill(hop)
      for (const exchange of [
        { type: 'sync', vector: entries } as const,
        { type: 'tell', vector: entries, rumors, more } as const,
        { type: 'push', rumors } as const,
        { type: 'done' } as const,
      ]) {
        expect(readExchange(packExchange(exchange))).toEqual(exchange)
      }
    }),
    { numRuns: 30 },
  )
})

it('throws GossipError for whatever bytes come, and nothing else', () => {
  const any = fc
    .tuple(fc.integer({ min: 15, max: 20 }), fc.uint8Array({ maxLength: 300 }))
    .map(([first, rest]) => new Uint8Array([first, ...rest]))
  fc.assert(
    fc.property(any, (bytes) => {
      try {
        readExchange(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(GossipError)
      }
    }),
  )
})

it.each([
  ['nothing', []],
  ['what it does not know', [3]],
  ['a vector that is not there', [16, 255, 255]],
  ['bytes left over', [16, 0, 0, 1]],
  ['a rumor that ends early', [18, 0, 9, 1]],
  ['too much', new Array(64_001).fill(16)],
])('refuses %s', (_, bytes) => {
  expect(() => readExchange(new Uint8Array(bytes))).toThrow(expect.objectContaining({ code: 'BAD_PACKET' }))
})
