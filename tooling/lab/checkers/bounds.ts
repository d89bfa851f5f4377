/** Nothing grows beyond its limit. */
import type { History } from '../history.js'
import type { Violation } from './violation.js'

export function bounded(history: History): Violation[] {
  return history.loads
    .filter(({ value, limit }) => !(value <= limit))
    .map(({ by, at, what, value, limit }) => ({ at, text: `${by} has ${value} ${what}, at most ${limit} expected` }))
}
