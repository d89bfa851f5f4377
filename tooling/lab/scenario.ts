/** What the laboratory can run by name. One file per scenario in scenarios/; see scenarios/hello.ts for the shortest. */
import type { Lab } from './lab.js'
import type { Described, OptionValues } from './options.js'

/** A run on the simulated network: a function of its seed and options. */
export interface Scenario extends Described {
  readonly kind: 'scenario'
  /**
   * Plays it. Awaits whatever it likes (`lab.sleep`, calls of peers): the runner moves virtual time until the promise settles.
   * Violations are reported with `lab.check`; a rejection fails the run too.
   */
  run(lab: Lab): Promise<void>
}

/** Something that runs scenarios from outside: in other processes, several times, by the wall clock. */
export interface Program extends Described {
  readonly kind: 'program'
  run(context: ProgramContext): Promise<ProgramResult>
}

export interface ProgramContext {
  readonly seed: string
  readonly options: OptionValues
  /** For people; goes to stderr with `--json`. */
  readonly say: (line: string) => void
}

export interface ProgramResult {
  readonly pass: boolean
  readonly figures: Readonly<Record<string, number>>
  /** For `--json`, beside the figures. */
  readonly more?: Readonly<Record<string, unknown>>
}

export type Entry = Scenario | Program
