import { describe, expect, test } from 'vitest'
import { MAX_COUNTER, ReplayWindow, WINDOW } from './replay-window.js'

function windowOf(...counters: number[]): ReplayWindow {
  const window = new ReplayWindow()
  for (const counter of counters) window.add(counter)
  return window
}

describe('ReplayWindow', () => {
  test('everything is fresh at first', () => {
    const window = new ReplayWindow()
    expect([0, 1, 31, 32, 5_000, MAX_COUNTER].map((counter) => window.fresh(counter))).toEqual(Array(6).fill(true))
  })

  test('reading writes nothing', () => {
    const window = windowOf(7)
    for (let time = 0; time < 3; time++) expect([window.fresh(6), window.fresh(9_000)]).toEqual([true, true])
  })

  test.each([0, 1, 31, 32, 33, 1_023, 1_024, 1_055, 1_056, 2 ** 31, MAX_COUNTER])(
    'knows %i once it was added',
    (counter) => {
      const window = windowOf(counter)
      expect(window.fresh(counter)).toBe(false)
      if (counter > 0) expect(window.fresh(counter - 1)).toBe(true)
    },
  )

  test('remembers exactly the last 1,024', () => {
    expect(WINDOW).toBe(1_024)
    for (let highest = 5_000; highest < 5_064; highest++) {
      const window = windowOf(highest)
      expect([window.fresh(highest - 1_023), window.fresh(highest - 1_024)]).toEqual([true, false])
    }
  })

  test('keeps what it had when it moves, and forgets nothing of it before time', () => {
    const window = windowOf(100, 130)
    window.add(1_100)
    expect([100, 101, 130, 131].map((counter) => window.fresh(counter))).toEqual([false, true, false, true])
  })

  test('a leap over the whole window leaves nothing of what was before', () => {
    const window = windowOf(...Array.from({ length: 1_056 }, (_, counter) => counter))
    window.add(1_000_000)
    for (let counter = 1_000_000 - 1_023; counter < 1_000_000; counter++) expect(window.fresh(counter)).toBe(true)
  })

  test('an old one may be added without moving it back', () => {
    const window = windowOf(2_000, 1_500)
    expect([window.fresh(1_500), window.fresh(2_000), window.fresh(2_001)]).toEqual([false, false, true])
  })

  test('has a place of its own for each of the 1,024, wherever they lie in the words', () => {
    for (let highest = 5_000; highest < 5_064; highest++) {
      const oldest = highest - 1_023
      expect(windowOf(oldest, highest).fresh(oldest)).toBe(false)
      const window = windowOf(highest)
      for (let counter = oldest; counter < highest; counter++) expect(window.fresh(counter)).toBe(true)
    }
  })

  test('adding twice is adding once', () => {
    expect(windowOf(7, 7).fresh(7)).toBe(false)
  })

  test('nothing is fresh beyond 32 bits', () => {
    expect(MAX_COUNTER).toBe(2 ** 32 - 1)
    expect([new ReplayWindow().fresh(2 ** 32), windowOf(MAX_COUNTER).fresh(2 ** 32)]).toEqual([false, false])
  })
})
