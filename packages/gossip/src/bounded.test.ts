import { expect, it } from 'vitest'
import { RateLimit } from './rate-limit.js'
import type { Rumor } from './rumor.js'
import { RumorCache } from './rumor-cache.js'
import { Fault, Scores } from './scores.js'
import { SeenKeys } from './seen.js'

it('seen keys are remembered for one to two generations, and a full one ends early', () => {
  const seen = new SeenKeys(1_000, 3, 0)
  seen.add('a', 0)
  seen.sweep(1_000)
  expect(seen.has('a')).toBe(true)
  seen.sweep(2_000)
  expect(seen.has('a')).toBe(false)
  for (const key of ['b', 'c', 'd', 'e', 'f', 'g', 'h']) seen.add(key, 2_000)
  expect(seen.size).toBeLessThanOrEqual(6)
  expect(seen.has('h')).toBe(true)
})

it('a rate refills, and a full table forgets who was silent longest', () => {
  const rate = new RateLimit({ perSecond: 10, burst: 20, limit: 2 })
  expect(Array.from({ length: 25 }, () => rate.take('a', 0)).filter(Boolean)).toHaveLength(20)
  expect(rate.takeUpTo('a', 500, 99)).toBe(5)
  expect(rate.take('a', 500)).toBe(false)
  // A clock that stands still gives nothing.
  expect(rate.take('a', 400)).toBe(false)
  rate.take('b', 600)
  rate.take('c', 600)
  expect(rate.size).toBe(2)
})

it('a score falls with faults and is forgiven by half each minute', () => {
  const scores = new Scores(2)
  for (let fault = 0; fault < 10; fault++) scores.add('a', Fault.INVALID, 0)
  expect(scores.standing('a', 0)).toBe('ignored')
  expect(scores.value('a', 60_000)).toBeCloseTo(-5, 9)
  expect(scores.standing('a', 60_000)).toBe('good')
  for (let fault = 0; fault < 50; fault++) scores.add('b', Fault.INVALID, 0)
  expect(scores.standing('b', 299_999)).toBe('banned')
  expect(scores.standing('b', 300_000)).toBe('good')
  scores.add('c', Fault.BROKEN_PROMISE, 0)
  expect(scores.size).toBe(2)
  expect(scores.standing('nobody', 0)).toBe('good')
})

it('the cache gives what is news, aged, and drops what came first when it is full', () => {
  const cache = new RumorCache({ maxBytes: 25, maxRumors: 3 })
  const rumor = (key: string, ttlMs = 1_000) => ({ key, ttlMs, bytes: new Uint8Array(10) }) as Rumor
  cache.add({ rumor: rumor('a'), hops: 2, bornAt: 100 })
  expect(cache.get('a', 150)).toMatchObject({ hops: 3, ageMs: 50 })
  expect(cache.get('a', 1_101)).toBeUndefined()
  cache.add({ rumor: rumor('b', 5_000), hops: 0, bornAt: 200 })
  cache.add({ rumor: rumor('c'), hops: 0, bornAt: 200 })
  expect([cache.has('a'), cache.size, cache.bytes]).toEqual([false, 2, 20])
  cache.sweep(2_000)
  expect([...cache.live(2_000)].map((hop) => hop.rumor.key)).toEqual(['b'])
  // Whoever was told of it may ask for a while.
  expect([cache.promised('c', 4_200)?.ageMs, cache.promised('c', 4_201)]).toEqual([4_000, undefined])
  cache.sweep(4_201)
  expect(cache.bytes).toBe(10)
})
