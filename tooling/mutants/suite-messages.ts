/** What the main program and a suite process say to each other. */

export interface RunRequest {
  /** Absent: a dry run of everything with no mutant active, which says what each test file covers. */
  readonly mutant?: string
  /** Test files from the top of the copy, run in this order. Absent: all of the package. */
  readonly files?: readonly string[]
  /** How often the mutant's place may be passed before that counts as an endless loop. */
  readonly hitLimit?: number
  /** How long one test, or one hook, may take. */
  readonly testLimitMs: number
}

export interface TestFileRun {
  readonly file: string
  readonly tookMs: number
  /** Mutant → how often its place was passed. */
  readonly hits: Readonly<Record<string, number>>
}

export type SuiteReply =
  | { readonly kind: 'ready' }
  | {
      readonly kind: 'ran'
      readonly failure: string | undefined
      readonly endless: boolean
      readonly files: readonly TestFileRun[]
    }
  | { readonly kind: 'broken'; readonly reason: string }

/** The instrumented code throws this; part of its text. */
export const ENDLESS = 'Hit count limit reached'
