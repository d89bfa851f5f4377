import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Progress } from './progress.js'

test('two intervals without the least mean that it has stalled', () => {
  const progress = new Progress(10)
  expect([100, 104, 109].map((count) => progress.look(count))).toEqual([false, false, true])
})

test('enough in either interval is enough', () => {
  const progress = new Progress(10)
  expect([0, 0, 10, 10, 20].map((count) => progress.look(count))).toEqual([false, false, false, false, false])
})

test('after a reset it starts anew', () => {
  const progress = new Progress(1)
  expect([progress.look(5), progress.look(5)]).toEqual([false, false])
  progress.reset()
  expect([5, 5, 5].map((count) => progress.look(count))).toEqual([false, false, true])
})

test('whatever it counts: it has stalled exactly if the last two intervals brought too little', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.nat(15), { maxLength: 20 }), (least, steps) => {
      const progress = new Progress(least)
      const counts: number[] = []
      let count = 0
      for (const step of steps) {
        count += step
        counts.push(count)
        const before = counts.at(-3)
        expect(progress.look(count)).toBe(before !== undefined && count - before < least)
      }
    }),
  )
})
