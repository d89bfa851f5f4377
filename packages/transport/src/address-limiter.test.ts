import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AddressLimiter } from './address-limiter.js'

const allowed = (limiter: AddressLimiter, address: string, now: number, packets: number): number =>
  Array.from({ length: packets }).filter(() => limiter.allow(address, now)).length

describe('AddressLimiter', () => {
  it.each([
    ['a burst of 40 at once', [[0, 100, 40]]],
    [
      'one more every 50 ms',
      [
        [0, 100, 40],
        [49, 1, 0],
        [50, 5, 1],
        [100, 5, 1],
      ],
    ],
    [
      'the whole burst again after 2 s of silence',
      [
        [0, 100, 40],
        [2_000, 100, 40],
      ],
    ],
    [
      '20 after 1 s',
      [
        [0, 100, 40],
        [1_000, 100, 20],
      ],
    ],
  ])('allows %s', (_, steps) => {
    const limiter = new AddressLimiter()
    for (const [at, packets, expected] of steps as [number, number, number][]) {
      expect(allowed(limiter, '192.0.2.7', 5_000 + at, packets)).toBe(expected)
    }
  })

  it('charges each address on its own', () => {
    const limiter = new AddressLimiter({ ratePerSecond: 1, burst: 1 })
    expect(limiter.allow('192.0.2.1', 0)).toBe(true)
    expect(limiter.allow('192.0.2.1', 0)).toBe(false)
    expect(limiter.allow('192.0.2.2', 0)).toBe(true)
  })

  it('charges nothing for what it refuses: a flooder recovers as soon as it calms down', () => {
    const limiter = new AddressLimiter({ ratePerSecond: 10, burst: 1 })
    allowed(limiter, '192.0.2.1', 0, 1_000)
    expect(limiter.allow('192.0.2.1', 100)).toBe(true)
  })

  it('remembers the limit of an address that keeps sending through a flood of invented ones', () => {
    const limiter = new AddressLimiter({ ratePerSecond: 1, burst: 2, addresses: 8 })
    expect(allowed(limiter, '192.0.2.1', 0, 5)).toBe(2)
    for (let other = 0; other < 3; other++) limiter.allow(`198.51.100.${other}`, 0)
    expect(limiter.allow('192.0.2.1', 0)).toBe(false)
    for (let other = 3; other < 7; other++) limiter.allow(`198.51.100.${other}`, 0)
    expect(limiter.allow('192.0.2.1', 0)).toBe(false) // from the old generation
    for (let other = 7; other < 30; other++) limiter.allow(`198.51.100.${other}`, 0)
    expect(limiter.allow('192.0.2.1', 0)).toBe(true) // forgotten: never silenced by a flood
  })

  it('property: never more addresses than its bound, never more packets than burst + rate × time', () => {
    const packet = fc.record({ address: fc.integer({ min: 0, max: 30 }), gap: fc.integer({ min: 0, max: 200 }) })
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 300 }), (packets) => {
        const roomy = new AddressLimiter({ ratePerSecond: 10, burst: 3, addresses: 100 })
        const small = new AddressLimiter({ ratePerSecond: 10, burst: 3, addresses: 8 })
        const passed = new Map<number, number>()
        let now = 0
        for (const { address, gap } of packets) {
          now += gap
          small.allow(String(address), now)
          expect(small.size).toBeLessThanOrEqual(8)
          if (roomy.allow(String(address), now)) passed.set(address, (passed.get(address) ?? 0) + 1)
        }
        for (const count of passed.values()) expect(count).toBeLessThanOrEqual(3 + now / 100)
      }),
    )
  })

  it.each([[{ ratePerSecond: 0 }], [{ burst: 0 }], [{ addresses: 1 }], [{ ratePerSecond: Number.NaN }]])(
    'refuses the options %j',
    (options) => {
      expect(() => new AddressLimiter(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error)
    },
  )
})
