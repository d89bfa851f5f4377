import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SeededRandom } from './seeded-random.js'

function draw(random: SeededRandom, count = 8): number[] {
  return Array.from({ length: count }, () => random.float())
}

describe('SeededRandom', () => {
  it('repeats itself for the same seed, and only for it', () => {
    expect(draw(new SeededRandom(7))).toEqual(draw(new SeededRandom('7')))
    expect(draw(new SeededRandom(7))).not.toEqual(draw(new SeededRandom(8)))
  })

  it('keeps giving the sequence of its first release, so that a seed noted long ago still works', () => {
    const random = new SeededRandom('first release')
    expect([random.integer(0, 999_999), random.integer(0, 999_999), random.integer(0, 999_999)]).toMatchInlineSnapshot(`
      [
        171019,
        825494,
        831218,
      ]
    `)
    expect(Buffer.from(random.bytes(6)).toString('hex')).toMatchInlineSnapshot(`"bcf8404122eb"`)
    expect(random.stream('network').integer(0, 999_999)).toMatchInlineSnapshot(`857922`)
  })

  it('gives named streams that do not depend on what was drawn elsewhere', () => {
    const random = new SeededRandom(1)
    const before = draw(random.stream('loss'))
    draw(random)
    draw(random.stream('delay'))
    expect(draw(random.stream('loss'))).toEqual(before)
    expect(draw(random.stream('delay'))).not.toEqual(before)
    expect(draw(random.stream('a').stream('b'))).not.toEqual(draw(random.stream('a/1:b')))
  })

  it('spreads evenly: mean, variance and bits of 100,000 draws', () => {
    const random = new SeededRandom('spread')
    const count = 100_000
    let sum = 0
    let squares = 0
    const buckets = new Array<number>(16).fill(0)
    for (let index = 0; index < count; index++) {
      const value = random.float()
      if (value < 0 || value >= 1) throw new Error(`${value} is outside [0, 1)`)
      sum += value
      squares += (value - 0.5) ** 2
      buckets[Math.floor(value * 16)] = (buckets[Math.floor(value * 16)] ?? 0) + 1
    }
    expect(sum / count).toBeCloseTo(0.5, 2)
    expect(squares / count).toBeCloseTo(1 / 12, 2)
    const chiSquare = buckets.reduce((total, seen) => total + (seen - count / 16) ** 2 / (count / 16), 0)
    expect(chiSquare).toBeLessThan(37.7) // 15 degrees of freedom, p = 0.001
  })

  it('draws integers within the bounds given, ends included', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.integer(), (seed, a, b) => {
        const [min, max] = [Math.min(a, b), Math.max(a, b)]
        const value = new SeededRandom(seed).integer(min, max)
        expect(Number.isInteger(value) && value >= min && value <= max).toBe(true)
      }),
    )
    const random = new SeededRandom('dice')
    const dice = new Set(Array.from({ length: 200 }, () => random.integer(1, 6)))
    expect([...dice].sort()).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('gives bytes of every length, and exponential waits of the right mean', () => {
    const random = new SeededRandom(3)
    for (let length = 0; length < 10; length++) expect(random.bytes(length)).toHaveLength(length)
    expect(new Set(random.bytes(4_000)).size).toBe(256)
    let sum = 0
    for (let index = 0; index < 50_000; index++) sum += random.exponential(0.7)
    expect(sum / 50_000).toBeCloseTo(0.7, 1)
  })

  it('is true as often as asked, and puts lists into any order, without changing them', () => {
    const random = new SeededRandom(4)
    const hits = Array.from({ length: 10_000 }, () => random.chance(0.3)).filter(Boolean).length
    expect(hits / 10_000).toBeCloseTo(0.3, 1)
    expect([random.chance(0), random.chance(1)]).toEqual([false, true])
    const list = [1, 2, 3]
    const orders = new Map<string, number>()
    for (let n = 0; n < 6_000; n++) {
      const order = random.shuffle(list).join('')
      orders.set(order, (orders.get(order) ?? 0) + 1)
    }
    expect(list).toEqual([1, 2, 3])
    expect(orders.size).toBe(6)
    for (const count of orders.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150)
    expect(() => random.chance(1.1)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  })

  it('refuses an empty list and bounds that make no sense', () => {
    const random = new SeededRandom(1)
    expect(() => random.pick([])).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    expect(() => random.integer(2, 1)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    expect(() => random.integer(0, 0.5)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  })
})
