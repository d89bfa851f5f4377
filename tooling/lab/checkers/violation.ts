import type { History } from '../history.js'

export interface Violation {
  /** Virtual ms at which it shows. */
  readonly at: number
  readonly text: string
}

/** Looks at a whole history; empty means that the rule held. */
export type Checker = (history: History) => Violation[]
