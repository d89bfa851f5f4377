import { describe, expect, test } from 'vitest'
import { percentile, summarise } from './statistics.js'

test('the median is the middle, or the mean of the two in the middle', () => {
  expect(percentile([3, 1, 2], 0.5)).toBe(2)
  expect(percentile([4, 1, 3, 2], 0.5)).toBe(2.5)
  expect(percentile([7], 0.99)).toBe(7)
})

test('between two values a percentile is interpolated (Hyndman and Fan, type 7)', () => {
  const values = [10, 20, 30, 40, 50]
  expect(percentile(values, 0)).toBe(10)
  expect(percentile(values, 0.25)).toBe(20)
  expect(percentile(values, 0.9)).toBeCloseTo(46)
  expect(percentile(values, 1)).toBe(50)
})

test('numbers are ordered as numbers, and the list is left as it was', () => {
  const values = [100, 9, 20]
  expect(summarise(values)).toStrictEqual({ median: 20, min: 9, max: 100 })
  expect(values).toStrictEqual([100, 9, 20])
})

describe('what has no percentile is refused', () => {
  test.each<[string, number[], number]>([
    ['no values', [], 0.5],
    ['not a number', [1, Number.NaN], 0.5],
    ['infinity', [1, Number.POSITIVE_INFINITY], 0.5],
    ['a share above 1', [1], 1.01],
    ['a share below 0', [1], -0.01],
    ['no share', [1], Number.NaN],
  ])('%s', (_what, values, share) => {
    expect(() => percentile(values, share)).toThrow(RangeError)
  })
})
