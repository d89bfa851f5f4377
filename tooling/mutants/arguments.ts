/** The command line of `npm run mutants`. Pure; everything that is not understood is a usage error. */
import { parseArgs } from 'node:util'
import { CORES, type Core } from '../cores.js'

export interface Arguments {
  readonly seed: string
  readonly count: number
  /** Run this one of the draw alone, from 1. */
  readonly only: number | undefined
  readonly cores: readonly Core[]
  /** What chose them, for the command that shows a survivor again. */
  readonly core: string | undefined
  readonly json: boolean
  readonly list: boolean
  readonly help: boolean
  readonly verbose: boolean
}

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const DEFAULT_COUNT = 100
const MAX_COUNT = 1_000_000

export const USAGE = `npm run mutants -- [--seed S] [--count N] [--core NAME] [--json]
Changes the pure cores at random, one small change at a time, and shows how many of these mutants the suites kill.

  --seed S      what is drawn; without it a seed is taken from the clock and printed
  --count N     how many mutants (default ${DEFAULT_COUNT}; more than there are means all)
  --only N      run the N-th mutant of the draw alone, and show the test that kills it
  --core NAME   draw from one package (wire) or one file (wire/frame) only; "list" names them
  --verbose     show the killed ones too, with the test that failed
  --json        one object with the figures as the last line of stdout
  list          the pure cores`

/** @throws UsageError */
export function parseArguments(args: readonly string[], newSeed: () => string): Arguments {
  const { values, positionals } = parse(args)
  const [word, ...more] = positionals
  if ((word !== undefined && word !== 'list') || more.length > 0) {
    throw new UsageError(`Expected "list" or options, got ${JSON.stringify(positionals.join(' '))}.`)
  }
  const { core } = values
  const cores = core === undefined ? CORES : CORES.filter((one) => one.name === core || one.package === core)
  if (cores.length === 0) {
    const packages = [...new Set(CORES.map((one) => one.package))].join(', ')
    throw new UsageError(`--core: there is no core ${JSON.stringify(core)}. Packages: ${packages}; files: see "list".`)
  }
  if (values.seed === '') throw new UsageError('--seed needs a value.')
  return {
    seed: values.seed ?? newSeed(),
    count: wholeNumber('--count', values.count) ?? DEFAULT_COUNT,
    only: wholeNumber('--only', values.only),
    cores,
    core,
    json: values.json === true,
    list: word === 'list',
    help: values.help === true,
    verbose: values.verbose === true,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        count: { type: 'string' },
        only: { type: 'string' },
        core: { type: 'string' },
        json: { type: 'boolean' },
        verbose: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= MAX_COUNT) return value
  throw new UsageError(`${name}: expected a whole number from 1 to ${MAX_COUNT}, got ${JSON.stringify(text)}.`)
}
