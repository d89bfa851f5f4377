/** How often, how long and of what size: what was asked for on the command line, else what the benchmark says. Pure. */
import type { Benchmark } from './benchmark.js'
import { type BenchOptions, UsageError } from './options.js'

const DEFAULT_MS = 1_000

export interface Plan {
  readonly rounds: number
  readonly ms: number
  readonly warmUpMs: number
  /** 0 for a benchmark that holds none. */
  readonly connections: number
}

/** @throws UsageError when a number of connections is given to one benchmark that holds none */
export function planOf(benchmark: Benchmark, options: Omit<BenchOptions, 'json' | 'help' | 'source'>): Plan {
  const { name, once, connections = 0 } = benchmark
  if (options.connections !== undefined && connections === 0 && options.name === name && !options.smoke) {
    throw new UsageError(`expected no --connections: "${name}" does not hold any`)
  }
  return {
    rounds: once === undefined ? options.rounds : 1,
    ms: options.ms ?? once?.ms ?? benchmark.ms ?? DEFAULT_MS,
    warmUpMs: once === undefined ? options.warmUpMs : 0,
    connections: connections === 0 ? 0 : (options.connections ?? connections),
  }
}
