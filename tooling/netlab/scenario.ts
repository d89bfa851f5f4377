/** What the network lab can run by name. One file per scenario in scenarios/. */
import type { OptionSpecs, OptionValues } from './command-line.js'
import type { Tool } from './commands.js'
import type { Netlab } from './netlab.js'

export interface Scenario {
  readonly name: string
  /** One line for `netlab list`. */
  readonly summary: string
  readonly options: OptionSpecs
  /** Without these it is skipped. */
  readonly tools: readonly Tool[]
  /** Whether it runs what is built: then that is brought up to date first. */
  readonly built: boolean
  /** It is cut and has failed after this many seconds. */
  readonly limitS: number
  /** Options with which it belongs to `netlab brief`; absent: only run when asked for. */
  readonly brief?: OptionValues
  run(lab: Netlab): Promise<void>
}
