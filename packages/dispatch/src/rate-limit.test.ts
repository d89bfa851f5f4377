import { describe, expect, it } from 'vitest'
import { RateLimit } from './rate-limit.js'

function allowed(limit: RateLimit, times: number, now: number, amount = 1, reserve = 0): number {
  let count = 0
  for (let n = 0; n < times; n++) if (limit.allow(now, amount, reserve)) count++
  return count
}

describe('RateLimit', () => {
  it('lets the burst pass at once, and then its rate', () => {
    const limit = new RateLimit({ ratePerSecond: 10, burst: 5 })
    expect(allowed(limit, 100, 0)).toBe(5)
    expect(limit.open(99)).toBe(false)
    expect(limit.open(100)).toBe(true)
    expect(allowed(limit, 100, 1_000)).toBe(5)
    let count = 0
    for (let now = 10_000; now < 20_000; now += 10) count += allowed(limit, 1, now)
    expect(count).toBe(10 * 10 + 5 - 1)
  })

  it('charges nothing for what it refuses', () => {
    const limit = new RateLimit({ ratePerSecond: 10, burst: 1 })
    expect(allowed(limit, 1_000, 0)).toBe(1)
    expect(limit.allow(100)).toBe(true)
  })

  it('charges amounts, the last of which may go beyond', () => {
    const limit = new RateLimit({ ratePerSecond: 1_000, burst: 1_000 })
    expect(allowed(limit, 10, 0, 400)).toBe(3)
    expect(limit.allow(200)).toBe(false)
    expect(limit.allow(201)).toBe(true)
  })

  it('leaves a share of the burst to those who reserve none', () => {
    const limit = new RateLimit({ ratePerSecond: 10, burst: 11 })
    expect(allowed(limit, 100, 0, 1, 0.5)).toBe(6)
    expect(allowed(limit, 100, 0)).toBe(5)
  })

  it.each([
    [0, 1],
    [-1, 1],
    [Number.NaN, 1],
    [2e9, 1],
    [1, 0],
    [1, Number.NaN],
    [1, Number.POSITIVE_INFINITY],
  ])('refuses %d/s with a burst of %d', (ratePerSecond, burst) => {
    expect(() => new RateLimit({ ratePerSecond, burst })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  })
})
