/** What is not looked at any more when the process is behind: the lowest class first, and the upper four never. Pure. */
import { Priority } from './priority.js'

/** Milliseconds of delay above which a class is dropped. */
const SHED_ABOVE_MS: ReadonlyMap<number, number> = new Map([
  [Priority.SEARCH, 50],
  [Priority.GOSSIP, 100],
  [Priority.STORE, 200],
  [Priority.DISCOVERY, 400],
])

export function isShed(priority: number, delayMs: number): boolean {
  const limit = SHED_ABOVE_MS.get(priority)
  return limit !== undefined && delayMs > limit
}
