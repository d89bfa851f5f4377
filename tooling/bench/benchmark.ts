/** What a benchmark states about itself. To add one: a file in benchmarks/, and a line in registry.ts. */

/**
 * The last part of a figure's name; says what the number counts and which direction is better. `count` (more is better) and `cost` (less
 * is) are for numbers whose name says already what they are, as in `parked`: these two are left out of it.
 */
export type Unit = 'per_s' | 'mb_per_s' | 'us' | 'ms' | 'count' | 'cost'

/** A number that `ours` is measured by, and `raw` beside it where there is something to compare with. */
export interface Figure {
  /** Without its unit, as in `rr64`; the whole name is `rr64_per_s`, and of raw `raw_rr64_per_s`, and the ratio `rr64_vs_raw`. */
  readonly name: string
  /** What contestants call it, unit left out, where that is another name. */
  readonly measuredAs?: string
  readonly unit: Unit
  /** In words, for the table. */
  readonly text: string
  /** What raw once reached on the machine of the bars: a run whose raw is far from it is void (verdict.ts). */
  readonly quotedRaw?: number
  readonly bar?: Bar
  /** Instead of it: the bar of a run with so many connections, or nodes; undefined where there is none. */
  readonly barAt?: (connections: number) => Bar | undefined
  /** A high percentile: a ratio bar allows it more noise. @default false */
  readonly tail?: boolean
}

/** What must hold for the benchmark to pass; all of them that are given. Absolute ones are in the figure's unit. */
export interface Bar {
  /** ours ÷ raw */
  readonly ratioAtLeast?: number
  /** ours ÷ raw; a latency may be above it by the noise that verdict.ts allows. */
  readonly ratioAtMost?: number
  readonly atLeast?: number
  readonly atMost?: number
  /** ours − raw, which is then a figure too: `kib_each_beyond_raw`. */
  readonly beyondRawAtMost?: number
}

export interface Benchmark {
  readonly name: string
  /** One line for `bench list`. */
  readonly summary: string
  /** For people: where the two ends are. */
  readonly placement: 'both ends in processes of their own' | 'one process'
  /**
   * Modules that export `near` (side.ts), and `far` when the other end is a process of its own. Each contestant runs in fresh
   * processes, so that nobody else's code shapes what the compiler makes of its own.
   */
  readonly contestants: { readonly ours: string; readonly raw?: string; readonly [other: string]: string | undefined }
  readonly figures: readonly Figure[]
  /** Workspace folders that are built before, with all they stand on. */
  readonly builds: readonly string[]
  /** Public options that are not at their defaults, as they are given; printed with every run. */
  readonly settings?: Readonly<Record<string, unknown>>
  /**
   * For what takes a minute: one round without warm-up, each measure once by each contestant, for `ms` where nothing else is asked for.
   * No spread is told then. @default rounds in turns
   */
  readonly once?: { readonly ms: number }
  /** For those in rounds: how long each measure takes where nothing else is asked for. @default 1000 */
  readonly ms?: number
  /** For benchmarks that hold connections, or nodes: how many, where nothing else is asked for. */
  readonly connections?: number
}

/** The benchmark with the bars that hold for so many connections. */
export function atSize(benchmark: Benchmark, connections: number): Benchmark {
  const figures = benchmark.figures.map(({ barAt, ...figure }) => {
    const bar = barAt?.(connections) ?? figure.bar
    return bar === undefined ? figure : { ...figure, bar }
  })
  return { ...benchmark, figures }
}

/** `oneway_100b_per_s`, and of other contestants than ours `raw_oneway_100b_per_s`. */
export function figureName(figure: Figure, contestant = 'ours'): string {
  const name = withUnit(figure.name, figure.unit)
  return contestant === 'ours' ? name : `${contestant}_${name}`
}

/** As contestants name it. */
export function measuredName({ name, measuredAs = name, unit }: Figure): string {
  return withUnit(measuredAs, unit)
}

export function isTime(unit: Unit): unit is 'us' | 'ms' {
  return unit === 'us' || unit === 'ms'
}

export function lowerIsBetter(unit: Unit): boolean {
  return isTime(unit) || unit === 'cost'
}

function withUnit(name: string, unit: Unit): string {
  return unit === 'count' || unit === 'cost' ? name : `${name}_${unit}`
}
