import { expect, it } from 'vitest'
import { backOff } from './back-off.js'

it('pauses have full jitter under a ceiling that doubles up to 30 s', () => {
  const ceiling = (failures: number): number => backOff(failures, { float: () => 1, bytes: () => new Uint8Array() })
  expect([0, 1, 2, 3, 4, 7, 8, 9, 1_000].map(ceiling)).toEqual([
    250, 250, 500, 1_000, 2_000, 16_000, 30_000, 30_000, 30_000,
  ])
  expect(backOff(5, { float: () => 0, bytes: () => new Uint8Array() })).toBe(0)
})
