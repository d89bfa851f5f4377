import { createIdentity, type PeerId } from '@pc/identity'
import { expect, it } from 'vitest'
import { Bodies } from './bodies.js'
import { packReference, type Rumor, RumorKind, referenceOf, signRumor } from './rumor.js'
import type { Cached } from './rumor-cache.js'

const [anna, bert, carl, dora] = [1, 2, 3, 4].map((seed) => createIdentity(new Uint8Array(32).fill(seed)).id) as [
  PeerId,
  PeerId,
  PeerId,
  PeerId,
]
const origin = createIdentity(new Uint8Array(32).fill(9))

function rumorOf(body: Uint8Array, sequence = 1): Rumor {
  const fields = { kind: RumorKind.REFERENCE, topic: 'news', boot: 1, sequence, createdAt: 1, ttlMs: 60_000 }
  return signRumor(origin, { ...fields, body: packReference(body) })
}

const bodyOf = (value: number, length = 1_000): Uint8Array => new Uint8Array(length).fill(value)
const cachedOf = (rumor: Rumor): Cached => ({ rumor, hops: 1, bornAt: 0 })
const create = (limits: Partial<ConstructorParameters<typeof Bodies>[0]> = {}): Bodies =>
  new Bodies({ maxFetches: 2, maxBytes: 3_000, ...limits })

it('fetches of one that told of it, then of the others who did, three in all', () => {
  const bodies = create()
  const rumor = rumorOf(bodyOf(1))
  expect(bodies.start(cachedOf(rumor), anna, 0)).toBe(true)
  for (const peer of [anna, bert, bert, carl, dora]) bodies.alsoAt(rumor.key, peer)
  const asked = [bodies.next(rumor.key, 0), bodies.next(rumor.key, 0)].map((fetch) => fetch?.from)
  expect(bodies.isFetching(rumor.key)).toBe(true)
  expect(asked[1]?.equals(carl)).toBe(true)
  expect(bodies.next(rumor.key, 0)).toBeUndefined()
  expect(bodies.isFetching(rumor.key)).toBe(false)
})

it('hears the end of a fetch only from who is asked now', () => {
  const bodies = create()
  const rumor = rumorOf(bodyOf(1))
  bodies.start(cachedOf(rumor), anna, 0)
  expect(bodies.ended(rumor.key, bert)).toBeUndefined()
  expect(bodies.ended(rumor.key, anna)?.cached.rumor).toBe(rumor)
  bodies.drop(rumor.key)
  expect(bodies.ended(rumor.key, anna)).toBeUndefined()
})

it('takes no rumor when as many fetches are under way as may be', () => {
  const bodies = create()
  const started = [1, 2, 3].map((value) => bodies.start(cachedOf(rumorOf(bodyOf(value), value)), anna, 0))
  expect([started, bodies.fetching]).toEqual([[true, true, false], 2])
})

it('holds bodies as long as they are news, and the one received first goes when there are too many', () => {
  const bodies = create()
  const held = [1, 2, 3, 4].map((value) => {
    const body = bodyOf(value)
    const rumor = rumorOf(body, value)
    bodies.hold(rumor, body, value * 100)
    return referenceOf(rumor).hash
  })
  const there = (now: number): (number | undefined)[] => held.map((hash) => bodies.get(hash, now)?.[0])
  expect([there(200), bodies.bytes]).toEqual([[undefined, 2, 3, 4], 3_000])
  expect(there(301)).toEqual([undefined, undefined, undefined, 4])
  bodies.sweep(301)
  expect(bodies.bytes).toBe(1_000)
})

it('counts a body that two rumors carry once', () => {
  const bodies = create()
  for (const sequence of [1, 2]) bodies.hold(rumorOf(bodyOf(1), sequence), bodyOf(1), 100 * sequence)
  expect(bodies.bytes).toBe(1_000)
  expect(bodies.get(referenceOf(rumorOf(bodyOf(1))).hash, 150)).toBeDefined()
})
