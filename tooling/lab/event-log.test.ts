import { expect, it } from 'vitest'
import { EventLog } from './event-log.js'

it('gives the last lines before a moment, and lets the oldest go', () => {
  const log = new EventLog()
  for (let at = 1; at <= 40_000; at++) log.add(at, `line ${at}`)
  expect(log.before(39_999.5, 2).map(({ text }) => text)).toEqual(['line 39998', 'line 39999'])
  expect(log.before(20_000, 5)).toEqual([])
  expect(log.before(20_001, 5)).toHaveLength(1)
})
