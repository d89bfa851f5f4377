import { expect, it } from 'vitest'
import { settledSteps } from './settled-steps.js'

it.each([
  ['by the chain of immediates', undefined],
  ['by their number', false],
])('lets immediates of other code settle before each step: seen %s', async (_, chained) => {
  const seen: string[] = []
  const immediately = (depth: number, name: string): void => {
    setImmediate(() => (depth === 0 ? seen.push(name) : immediately(depth - 1, name)))
  }
  let step = 0
  await new Promise<void>((resolve) => {
    settledSteps(() => {
      seen.push(`step ${step}`)
      // At once, from a tick and from a promise; with other steps planned in the same turn, and without.
      if (step % 3 === 0) immediately(step % 4, `after ${step}`)
      if (step % 3 === 1) process.nextTick(() => immediately(step % 2, `after ${step - 1}`))
      if (step % 3 === 2) void Promise.resolve().then(() => immediately(1, `after ${step - 1}`))
      step++
      if (step === 300) resolve()
      return step < 300
    }, chained)
  })
  const expected = Array.from({ length: 299 }, (_, index) => [`step ${index}`, `after ${index}`]).flat()
  expect(seen).toEqual([...expected, 'step 299'])
})
