import { SeededRandom } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { OwnRecords } from './own-records.js'
import { plainRecord } from './value-record.js'

const MINUTE = 60_000
const record = (text: string) => plainRecord(Buffer.from(text))
const own = (max?: number) => new OwnRecords({ random: new SeededRandom(1), ...(max === undefined ? {} : { max }) })

describe('OwnRecords', () => {
  it('§2.5: are published again within the hour, 54 to 60 minutes after the last time, for ever', () => {
    const records = own()
    records.keep(record('a'), 0)
    let last = 0
    const pauses = Array.from({ length: 200 }, () => {
      const now = records.dueAt
      expect(records.due(now - 1, 9)).toEqual([])
      expect(records.due(now, 9)).toEqual([record('a')])
      const pause = now - last
      last = now
      return pause / MINUTE
    })
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(54)
    expect(Math.min(...pauses)).toBeLessThan(55)
    expect(Math.max(...pauses)).toBeGreaterThan(59)
    expect(Math.max(...pauses)).toBeLessThanOrEqual(60)
  })

  it('are given a few at a time, each once', () => {
    const records = own()
    for (const text of ['a', 'b', 'c']) records.keep(record(text), 0)
    const given = [2, 2, 2].map((limit) => records.due(60 * MINUTE, limit))
    expect(given.map(({ length }) => length)).toEqual([2, 1, 0])
    expect(new Set(given.flat()).size).toBe(3)
  })

  it('take the place of an earlier one of the same key, until they are forgotten', () => {
    const records = own()
    const [first, second] = [record('a'), record('a')]
    records.keep(first, 0)
    records.keep(second, 10 * MINUTE)
    expect([records.size, records.get(first.key) === second]).toEqual([1, true])
    expect(records.due(63 * MINUTE, 9)).toEqual([])
    expect(records.due(70 * MINUTE, 9)).toHaveLength(1)
    expect([records.forget(first.key), records.forget(first.key), records.size]).toEqual([true, false, 0])
    expect([records.get(first.key), records.dueAt]).toEqual([undefined, Number.POSITIVE_INFINITY])
  })

  it('are refused when there are as many as allowed, unless they take a place', () => {
    const records = own(2)
    expect(['a', 'b', 'c', 'a'].map((text) => records.keep(record(text), 0))).toEqual([true, true, false, true])
    expect(records.size).toBe(2)
  })
})
