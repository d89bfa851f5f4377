import { createIdentity } from '@pc/identity'
import { expect, it } from 'vitest'
import { AntiEntropy } from './anti-entropy.js'
import { Origins } from './origins.js'
import { type Rumor, RumorKind, signRumor } from './rumor.js'
import { RumorCache } from './rumor-cache.js'
import { MAX_EXCHANGE_BYTES, packExchange } from './sync-messages.js'

const [anna, bert] = [1, 2].map((seed) => createIdentity(new Uint8Array(32).fill(seed)))

function rumorOf(sequence: number, { origin = anna, ttlMs = 60_000, bytes = 10 } = {}): Rumor {
  const fields = { kind: RumorKind.DATA, topic: 'news', boot: 1, createdAt: 1, ttlMs }
  return signRumor(origin as NonNullable<typeof origin>, { ...fields, sequence, body: new Uint8Array(bytes) })
}

function having(...rumors: readonly Rumor[]): AntiEntropy {
  const origins = new Origins(10_000)
  const cache = new RumorCache({ maxBytes: 10_000_000, maxRumors: 10_000 })
  for (const rumor of rumors) {
    origins.add(rumor, 0)
    cache.add({ rumor, hops: 2, bornAt: 0 })
  }
  return new AntiEntropy({ origins, cache })
}

/** What each side gives the other, as sequences, in the two halves of one exchange. */
function exchange(asking: AntiEntropy, asked: AntiEntropy, now = 1_000) {
  const ask = asking.ask(now)
  if (ask.type !== 'sync') throw new Error('an exchange begins with a vector')
  const tell = asked.tell(ask.vector, now)
  if (tell.type !== 'tell') throw new Error('it is answered with a vector')
  const push = asking.push(tell.vector, now)
  const sequences = (rumors: readonly { readonly rumor: Rumor }[]): number[] =>
    rumors.map(({ rumor }) => rumor.sequence)
  return { told: sequences(tell.rumors), pushed: push?.type === 'push' ? sequences(push.rumors) : [], tell }
}

it('each side gets what it lacks, gaps too, and nothing that it has', () => {
  const [first, second, third] = [1, 2, 3].map((sequence) => rumorOf(sequence)) as [Rumor, Rumor, Rumor]
  const { told, pushed } = exchange(having(first, third), having(second, third))
  expect([told, pushed]).toEqual([[2], [1]])
})

it('says nothing more to who has it all', () => {
  const [first, second] = [rumorOf(1), rumorOf(2, { origin: bert })]
  const { told, pushed } = exchange(having(first, second), having(second, first))
  expect([told, pushed]).toEqual([[], []])
})

it('gives nothing that is no news any more, and passes age and links on', () => {
  const { tell } = exchange(having(), having(rumorOf(1, { ttlMs: 500 }), rumorOf(2)))
  expect(tell).toMatchObject({ more: false, rumors: [{ rumor: { sequence: 2 }, ageMs: 1_000, hops: 3 }] })
})

it('gives the lowest sequences first, as many as fit, and says that there is more', () => {
  const rumors = Array.from({ length: 100 }, (_, index) => rumorOf(((index * 37) % 100) + 1, { bytes: 900 }))
  const { told, tell } = exchange(having(), having(...rumors))
  expect(told).toEqual(Array.from(told, (_, index) => index + 1))
  expect(told.length).toBeGreaterThan(50)
  expect(tell).toMatchObject({ more: true })
  expect(packExchange(tell).length).toBeLessThanOrEqual(MAX_EXCHANGE_BYTES)
})

it('gives first what is surely lacking: a vector has no room for every origin of a large network', () => {
  const [any, late] = [rumorOf(1, { bytes: 200 }), rumorOf(2)]
  // As of 1,100 others, of whom a vector names 1,000.
  const others = Array.from({ length: 1_100 }, (_, index) => {
    const origin = Buffer.alloc(32)
    origin.writeUInt32BE(index)
    return { ...any, origin, key: `${index}` }
  })
  const asking = having(...others, rumorOf(1))
  const { told, tell } = exchange(asking, having(...others, rumorOf(1), late))
  expect([told[0], tell.more]).toEqual([2, true])
})
