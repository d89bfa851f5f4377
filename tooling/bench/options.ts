/** The command line: `bench list | bench all | bench <name> [--rounds N] [--ms N] …`. Pure. */
import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** `list`, `all`, or the name of a benchmark. */
  readonly name: string
  readonly rounds: number
  /** Undefined: as the benchmark has it. So are the connections. */
  readonly ms: number | undefined
  readonly warmUpMs: number
  readonly connections: number | undefined
  readonly json: boolean
  readonly help: boolean
  readonly smoke: boolean
  readonly source: boolean
}

/** The text says what was expected; the program ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

const MIN_ROUNDS = 5
const SMOKE = { rounds: 1, ms: 30, warmUpMs: 0, connections: 32 } as const
/** Of this machine's ports and open files many programs want a part; Linux has 28,232 ports for those who dial. */
export const MOST_CONNECTIONS = 20_000

export const USAGE = `npm run bench -- list | all | <name> [options]

  --rounds N       how often everything is measured, in turns: ours, raw, ours, raw …   (default ${MIN_ROUNDS}, at least ${MIN_ROUNDS})
  --ms N           length of one measurement in milliseconds                           (default 1000, 10 to 60000)
  --warm-up N      the same for the round that is not counted                           (default 500, 0 to 60000)
  --connections N  how many connections a benchmark holds that holds some              (1 to ${MOST_CONNECTIONS})
  --nodes N        the same, for a benchmark of nodes
  --json           figures as one JSON object on the last line of stdout, words on stderr
  --smoke          one round of ${SMOKE.ms} ms and no judgement: does it still run at all?
  --source         run packages from source through tsx, not as built: slower, for work on a benchmark
  --help           this text

A benchmark that takes a minute is measured once; \`bench list\` says which, and how long and with how many connections if not told.

Exit codes: 0 pass, 1 fail, 2 usage, 3 void (the raw baseline did not reach what it should: measure again on a quiet machine).`

/** @param names of the benchmarks there are */
export function parseOptions(args: readonly string[], names: readonly string[]): BenchOptions {
  const { values, positionals } = parsed(args)
  const help = values.help === true
  const name = positionals[0] ?? 'list'
  if (positionals.length > 1) throw new UsageError(`expected one name, got ${positionals.join(' ')}`)
  if (!help && !['list', 'all', ...names].includes(name)) {
    throw new UsageError(`there is no benchmark ${JSON.stringify(name)}; there are: ${names.join(', ')}`)
  }
  const smoke = values.smoke === true
  const length = {
    rounds: integer('--rounds', values.rounds, MIN_ROUNDS, 1_000) ?? MIN_ROUNDS,
    ms: integer('--ms', values.ms, 10, 60_000),
    warmUpMs: integer('--warm-up', values['warm-up'], 0, 60_000) ?? 500,
    connections:
      integer('--connections', values.connections, 1, MOST_CONNECTIONS) ??
      integer('--nodes', values.nodes, 1, MOST_CONNECTIONS),
  }
  return { name, ...(smoke ? SMOKE : length), json: values.json === true, help, smoke, source: values.source === true }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        rounds: { type: 'string' },
        ms: { type: 'string' },
        'warm-up': { type: 'string' },
        connections: { type: 'string' },
        nodes: { type: 'string' },
        json: { type: 'boolean' },
        smoke: { type: 'boolean' },
        source: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}

/** Undefined when it was not given. */
function integer(option: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`expected ${option} to be a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`)
}
