import { SeededRandom } from '@pc/testkit'
import { expect, it } from 'vitest'
import { Lifetimes } from './lifetimes.js'

/** What a peer sees that asks each of its contacts as soon as it is doubted: `count` of them, which live for so long on average. */
function watch(lifetimes: Lifetimes, lifeMs: number, count: number): void {
  const random = new SeededRandom(`lives of ${lifeMs}`)
  for (let watched = 0; watched < count; watched++) {
    const { silenceMs } = lifetimes
    if (random.float() < Math.exp(-silenceMs / lifeMs)) lifetimes.survived(silenceMs)
    else lifetimes.died(silenceMs)
  }
}

it('allows 8 s of silence before anything was seen', () => {
  expect(Math.round(new Lifetimes().silenceMs / 1_000)).toBe(8)
})

it.each([120_000, 600_000, 3_600_000])('learns that peers stay for %i ms, to a third', (lifeMs) => {
  const lifetimes = new Lifetimes()
  watch(lifetimes, lifeMs, 2_000)
  expect(lifetimes.silenceMs / (-Math.log(0.92) * lifeMs)).toBeGreaterThan(0.67)
  expect(lifetimes.silenceMs / (-Math.log(0.92) * lifeMs)).toBeLessThan(1.5)
})

it('notices that they stay for less than before, and again for longer', () => {
  const lifetimes = new Lifetimes()
  watch(lifetimes, 86_400_000, 5_000)
  expect(lifetimes.silenceMs).toBeGreaterThan(600_000)
  watch(lifetimes, 120_000, 300)
  expect(lifetimes.silenceMs).toBeLessThan(30_000)
  watch(lifetimes, 86_400_000, 5_000)
  expect(lifetimes.silenceMs).toBeGreaterThan(300_000)
})

it('never allows less than 5 s', () => {
  const lifetimes = new Lifetimes()
  for (let death = 0; death < 1_000; death++) lifetimes.died(1)
  expect(lifetimes.silenceMs).toBe(5_000)
})

it.each([40, 150])('forgets the deaths of all %i that come back', (count) => {
  const lifetimes = new Lifetimes()
  const before = lifetimes.silenceMs
  const deaths = Array.from({ length: count }, () => lifetimes.died(0))
  expect(lifetimes.silenceMs).toBe(5_000)
  for (const death of deaths) lifetimes.revived(death)
  // What was seen before counts for less once so much was seen.
  expect(lifetimes.silenceMs / before).toBeGreaterThan(0.9)
  expect(lifetimes.silenceMs / before).toBeLessThan(1.1)
})
