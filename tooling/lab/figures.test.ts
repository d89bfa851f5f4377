import { describe, expect, it } from 'vitest'
import { combine, overBar, plain, quantile } from './figures.js'

describe('figures', () => {
  it('takes the nearest rank', () => {
    expect(quantile([3, 1, 2, 4], 0.5)).toBe(2)
    expect(quantile([3, 1, 2, 4], 0.99)).toBe(4)
    expect(quantile([], 0.5)).toBeUndefined()
  })

  it('says which bar is missed, also by what is no number', () => {
    expect(overBar('p99_ms', { value: 5, combine: 'max', atMost: 5 })).toBeUndefined()
    expect(overBar('p99_ms', { value: 5.1, combine: 'max', atMost: 5 })).toBe('p99_ms is 5.1, expected at most 5')
    expect(overBar('share', { value: Number.NaN, combine: 'min', atLeast: 1 })).toBe(
      'share is NaN, expected at least 1',
    )
  })

  it('combines runs, each figure in its own way', () => {
    const run = (value: number): Parameters<typeof combine>[0][number] => ({
      calls: { value, combine: 'sum' },
      slowest: { value, combine: 'max', atMost: 9 },
      share: { value, combine: 'min' },
      mean: { value, combine: 'mean' },
    })
    const all = combine([run(1), run(4), {}])
    expect(plain(all)).toEqual({ calls: 5, slowest: 4, share: 1, mean: 2.5 })
    expect(all.slowest?.atMost).toBe(9)
  })
})
