import { expect, test } from 'vitest'
import { type ControlLimits, DEFAULT_LIMITS, resolveLimits } from './limits.js'

const names = Object.keys(DEFAULT_LIMITS) as (keyof ControlLimits)[]

test('every limit has a default and can be moved alone', () => {
  expect(resolveLimits()).toEqual(DEFAULT_LIMITS)
  for (const name of names) {
    expect(resolveLimits({ [name]: 1 })).toEqual({ ...DEFAULT_LIMITS, [name]: 1 })
    expect(resolveLimits({ [name]: Number.MAX_SAFE_INTEGER })[name]).toBe(Number.MAX_SAFE_INTEGER)
  }
})

test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '5', null])('no limit can be %j', (value) => {
  for (const name of names) {
    expect(() => resolveLimits({ [name]: value as number })).toThrow(
      expect.objectContaining({ code: 'BAD_OPTION', message: expect.stringContaining(`limits.${name}`) }),
    )
  }
})
