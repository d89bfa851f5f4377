/** Which scenarios hunt for planted bugs, in order of cost: each at a reduced size, with a fixed budget of seeds. */
import type { OptionValues } from '../lab/options.js'
import type { WorkOrder } from '../lab/range.js'
import type { Scenario } from '../lab/scenario.js'

export interface Catcher {
  readonly scenario: string
  readonly seeds: number
  /** What differs from the defaults of the scenario. */
  readonly given: OptionValues
}

/** A run of a catcher, with what a person types to have it again. */
export interface Hunt {
  readonly catcher: Catcher
  readonly order: WorkOrder
}

export const CATCHERS: readonly Catcher[] = [
  { scenario: 'hello', seeds: 1, given: {} },
  { scenario: 'names', seeds: 1, given: {} },
  { scenario: 'apart', seeds: 1, given: {} },
  { scenario: 'requests', seeds: 1, given: { minutes: 0.2, faults: 0 } },
  { scenario: 'handlers', seeds: 1, given: { messages: 200 } },
  { scenario: 'presence', seeds: 1, given: { nodes: 3, minutes: 0.5 } },
  { scenario: 'strangers', seeds: 1, given: {} },
  {
    scenario: 'connections',
    seeds: 1,
    given: { pairs: 40, connects: 400, stalled: 2, rate: 200, cases: 120 },
  },
  { scenario: 'pairs', seeds: 1, given: { rounds: 30 } },
  { scenario: 'swarm', seeds: 2, given: { minutes: 0.5, nodes: 4 } },
]

/**
 * Every run, cheapest first. `seed` is the first part of each run's seed, so that another one hunts with other runs.
 * @throws Error for a catcher whose scenario does not exist
 */
export function hunts(scenarios: readonly Scenario[], seed: string, catchers: readonly Catcher[] = CATCHERS): Hunt[] {
  return catchers.flatMap((catcher) => {
    const found = scenarios.find(({ name }) => name === catcher.scenario)
    if (found === undefined)
      throw new Error(`There is no scenario ${catcher.scenario}: correct tooling/planted/catchers.ts.`)
    const values = { ...defaultsOf(found), ...catcher.given }
    return Array.from({ length: catcher.seeds }, (_, index) => ({
      catcher,
      order: { name: catcher.scenario, seed: `${seed}-${index + 1}`, values },
    }))
  })
}

function defaultsOf({ options }: Scenario): OptionValues {
  const values: Record<string, number | string> = {}
  for (const [key, spec] of Object.entries(options)) if (spec.default !== undefined) values[key] = spec.default
  return values
}
