import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stageEndsAt, usableTimeout, waitingStage } from './lookup-timing.js'

test('a request is slow after one time-out, excused after three and a half, abandoned after seven', () => {
  const stages = [100, 124, 125, 187, 188, 274, 275, 9_999].map((now) => waitingStage(now, 100, 25))
  expect(stages).toEqual(['asked', 'asked', 'slow', 'slow', 'excused', 'excused', 'abandoned', 'abandoned'])
})

test('property: a stage has ended at the time it ends, however times are rounded', () => {
  const times = [fc.double({ min: 0, max: 1e9, noNaN: true }), fc.double({ min: 1, max: 1e4, noNaN: true })] as const
  fc.assert(
    fc.property(...times, fc.constantFrom('asked', 'slow', 'excused'), (askedAt, timeoutMs, stage) => {
      expect(waitingStage(stageEndsAt(stage, askedAt, timeoutMs), askedAt, timeoutMs)).not.toBe(stage)
    }),
  )
  expect(stageEndsAt('abandoned', 0, 25)).toBe(Number.POSITIVE_INFINITY)
})

test('a time-out is at least 1 ms, and 25 ms when it is no number', () => {
  expect([10.5, 1, 0, -3, Number.NaN, Number.POSITIVE_INFINITY].map(usableTimeout)).toEqual([10.5, 1, 1, 1, 25, 25])
})
