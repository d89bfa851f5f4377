import { expect, it } from 'vitest'
import { firstIncarnation, isNews, runOf } from './incarnation.js'
import { StatementKind } from './statements.js'

const { SUSPECT, ALIVE, LEAVE } = StatementKind

it('SWIM §4.2: the higher incarnation wins; at equal ones SUSPECT beats ALIVE, and LEAVE beats both', () => {
  const known = { incarnation: 5, left: false, leftIn: -1 }
  const gone = { incarnation: 5, left: true, leftIn: 5 }
  const taken = (kind: StatementKind, what: typeof known): boolean[] => [4, 5, 6].map((one) => isNews(kind, one, what))
  expect(taken(ALIVE, known)).toEqual([false, false, true])
  expect(taken(SUSPECT, known)).toEqual([false, true, true])
  expect(taken(LEAVE, known)).toEqual([false, true, true])
  // memberlist: DeadNode_AliveReplay, DeadNode_NoReplay.
  expect(taken(ALIVE, gone)).toEqual([false, false, true])
  expect(taken(SUSPECT, gone)).toEqual([false, false, true])
  expect(taken(LEAVE, gone)).toEqual([false, false, true])
  // It is back, and has not said yet in which incarnation.
  expect(taken(LEAVE, { ...gone, left: false })).toEqual([false, false, true])
})

it('grows with each start, and leaves room for refutations; fits 48 bits', () => {
  const first = firstIncarnation(1_700_000_000_000)
  expect(firstIncarnation(1_700_000_001_000) - first).toBe(2 ** 16)
  expect(runOf(first)).toBe(1_700_000_000)
  expect(runOf(first + 65_535)).toBe(1_700_000_000)
  expect(firstIncarnation(Number.MAX_SAFE_INTEGER)).toBeLessThan(2 ** 48)
  expect(firstIncarnation(-1)).toBe(0)
})
