import { expect, it } from 'vitest'
import { ago, duration, timestamp } from './times.js'

it.each([
  [0.4231, '0.42 ms'],
  [12.6, '13 ms'],
  [3_140, '3.1 s'],
  [59_999, '59 s'],
  [250_000, '4 min 10 s'],
  [7_200_000, '2 h'],
  [7_500_000, '2 h 5 min'],
  [273_600_000, '3 d 4 h'],
])('duration of %d ms is %s', (ms, text) => {
  expect(duration(ms)).toBe(text)
})

it('ago has one unit, and no future', () => {
  expect(
    [5, -9_000, 12_000, 120_000, 7_200_000, 200_000_000].map((ms) => ago(1_000_000_000 - ms, 1_000_000_000)),
  ).toEqual(['now', 'now', '12 s ago', '2 min ago', '2 h ago', '2 d ago'])
})

it('timestamp is local, and survives nonsense', () => {
  expect(timestamp(new Date(2026, 0, 31, 4, 5, 9).getTime())).toBe('2026-01-31 04:05:09')
  expect(timestamp(Number.NaN)).toBe('?')
})
