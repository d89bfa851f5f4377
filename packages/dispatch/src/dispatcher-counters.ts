import { PRIORITIES } from './priority.js'

/** What became of the events given to a dispatcher. */
export interface DispatcherCounters {
  /** Started or queued. */
  accepted: number
  noHandler: number
  denied: number
  /** Refused with BUSY: the queue of their header was full. */
  laneFull: number
  /** Refused with BUSY: the queue of their class was full; by priority. */
  readonly classFull: number[]
}

export function noDispatcherCounters(): DispatcherCounters {
  return { accepted: 0, noHandler: 0, denied: 0, laneFull: 0, classFull: new Array<number>(PRIORITIES).fill(0) }
}
