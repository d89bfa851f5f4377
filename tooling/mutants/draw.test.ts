import { describe, expect, it } from 'vitest'
import { draw } from './draw.js'

const LIST = Array.from({ length: 50 }, (_, index) => index)

describe('draw', () => {
  it('draws the same for the same seed, and something else for another', () => {
    expect(draw(LIST, 20, '7')).toEqual(draw(LIST, 20, '7'))
    expect(draw(LIST, 20, '7')).not.toEqual(draw(LIST, 20, '8'))
  })

  it('keeps the n-th the n-th, however many are drawn', () => {
    expect(draw(LIST, 30, '7').slice(0, 10)).toEqual(draw(LIST, 10, '7'))
  })

  it('draws everything once when more is asked for than there is', () => {
    const all = draw(LIST, 1_000, '7')
    expect(all).not.toEqual(LIST)
    expect([...all].sort((a, b) => a - b)).toEqual(LIST)
    expect(draw([], 5, '7')).toEqual([])
  })

  it('prefers nothing: over many seeds each element comes first about equally often', () => {
    const first = new Map<number, number>()
    for (let seed = 0; seed < 5_000; seed++) {
      const [one = -1] = draw(LIST, 1, String(seed))
      first.set(one, (first.get(one) ?? 0) + 1)
    }
    // 100 expected each, with a standard deviation of 10.
    for (const index of LIST) expect(Math.abs((first.get(index) ?? 0) - 100)).toBeLessThan(50)
  })
})
