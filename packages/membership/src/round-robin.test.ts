import { expect, it } from 'vitest'
import { person } from '../test/_util/people.js'
import { newEntry } from './member.js'
import { RoundRobin } from './round-robin.js'

const { id, record } = person('anna')

it('holds no more than twice those who are there, and a few, however many come and go', () => {
  const everybody = new RoundRobin(() => 0.5)
  const staying = Array.from({ length: 10 }, () => newEntry(id, record, 0, 0))
  for (const one of staying) everybody.add(one)
  for (let times = 0; times < 1_000; times++) {
    const passing = newEntry(id, record, 0, 0)
    everybody.add(passing)
    passing.gone = true
    expect(everybody.size).toBeLessThanOrEqual(2 * 10 + 64 + 1)
  }
  expect(new Set(Array.from({ length: 10 }, () => everybody.next(() => true)))).toEqual(new Set(staying))
})
