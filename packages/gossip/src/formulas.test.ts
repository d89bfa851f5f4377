import { expect, it } from 'vitest'
import { digestDelay, forwardProbability, pushDelay, syncDelay, wantDelay } from './formulas.js'

it.each([
  [0, 6_000, 1],
  [600, 6_000, 0.9],
  [2_400, 6_000, 0.6],
  [5_900, 6_000, 0.6],
  [6_001, 6_000, 0],
  [5_000, 600_000, 1 - 5_000 / 600_000],
  [6_001, 600_000, 0],
  [1_001, 1_000, 0],
])('of an age of %i ms and %i to live it is pushed on with probability %d', (age, ttl, probability) => {
  expect(forwardProbability(age, ttl)).toBeCloseTo(probability, 9)
})

it('announces 20 ms after the receipt, then after 40, 80, 160, 320, 640, 1,280 and 2,560 ms more, each a quarter more or less', () => {
  const middle = Array.from({ length: 8 }, (_, round) => digestDelay(round, 20, 0.5))
  expect(middle).toEqual([20, 40, 80, 160, 320, 640, 1_280, 2_560])
  expect([digestDelay(0, 20, 0), digestDelay(1, 20, 0), digestDelay(1, 20, 0.999999)]).toEqual([
    15,
    30,
    expect.closeTo(50, 3),
  ])
})

it('waits longer for each further announcer', () => {
  expect([wantDelay(1, 0), wantDelay(2, 0), wantDelay(1, 5)]).toEqual([8, 16, 13])
})

it('exchanges every 30 s among few, more rarely among many', () => {
  expect([1, 64, 128, 1_024].map((peers) => syncDelay(peers, 0.5))).toEqual([30_000, 30_000, 60_000, 150_000])
  expect(syncDelay(2, 0)).toBe(22_500)
})

it('announces later where pushes take longer, and takes no shorter steps', () => {
  expect([undefined, 3, 10, 40, 1_000].map(pushDelay)).toEqual([20, 20, 20, 80, 320])
  expect([0, 1, 2].map((round) => digestDelay(round, 80, 0.5))).toEqual([80, 80, 80])
  expect(digestDelay(3, 80, 0.5)).toBe(160)
  expect([digestDelay(0, 80, 0), digestDelay(0, 80, 0.999999)]).toEqual([60, expect.closeTo(100, 3)])
})
