/** From samples to figures, and from figures to a verdict. Pure. */
import { type Benchmark, type Figure, figureName, isTime, lowerIsBetter, measuredName, type Unit } from './benchmark.js'
import type { Samples } from './rounds.js'
import { type Summary, summarise } from './statistics.js'

/** Of the quoted raw figure a run's raw must reach this share; otherwise the machine was busy, or another one. */
const REACH = 0.7
/** What a ratio bar allows a latency: below it the difference of two medians on a shared machine says nothing. */
const NOISE_US = 25
/** The same for a high percentile. */
const TAIL_NOISE_US = 1_000

/** One contestant's part in a figure. */
export interface Cell {
  readonly contestant: string
  readonly summary: Summary
}

/** One figure of the benchmark, as far as it was measured. */
export interface Row {
  readonly figure: Figure
  readonly cells: readonly Cell[]
  /** ours ÷ raw: of the medians, and from the lowest to the highest single round. */
  readonly ratio?: Summary
  /** ours − raw, as the ratio, where there is a bar on it. */
  readonly difference?: Summary
}

export interface Verdict {
  readonly rows: readonly Row[]
  /** Medians, ratios and differences, by name. */
  readonly figures: Readonly<Record<string, number>>
  /** Lowest and highest round, by the same names; empty when there was one round by design. */
  readonly spread: Readonly<Record<string, readonly [number, number]>>
  /** Why the run says nothing; empty: it counts. */
  readonly voidReasons: readonly string[]
  /** Bars that do not hold, in words. */
  readonly missed: readonly string[]
  readonly pass: boolean
}

/** @param judging false: figures only, neither bars nor the void rule (for runs that are too short to say anything) */
export function judge(benchmark: Benchmark, samples: Samples, judging = true): Verdict {
  refuseUnknownFigures(benchmark, samples)
  const rows = benchmark.figures.map((figure) => rowOf(figure, samples))
  const voidReasons = judging ? rows.flatMap(voidReason) : []
  const missed = judging ? rows.flatMap(missedBars) : []
  const named = new Map<string, Summary>()
  for (const { figure, cells, ratio, difference } of rows) {
    for (const { contestant, summary } of cells) named.set(figureName(figure, contestant), summary)
    if (ratio !== undefined) named.set(`${figure.name}_vs_raw`, ratio)
    if (difference !== undefined) named.set(`${figure.name}_beyond_raw`, difference)
  }
  const spread = [...named].map(([name, { min, max }]) => [name, [min, max] as const] as const)
  return {
    rows,
    figures: Object.fromEntries([...named].map(([name, { median }]) => [name, median])),
    spread: benchmark.once === undefined ? Object.fromEntries(spread) : {},
    voidReasons,
    missed,
    pass: voidReasons.length === 0 && missed.length === 0,
  }
}

function rowOf(figure: Figure, samples: Samples): Row {
  const name = measuredName(figure)
  const cells: Cell[] = []
  for (const [contestant, values] of samples) {
    const measured = values.get(name)
    if (measured !== undefined) cells.push({ contestant, summary: summarise(measured) })
  }
  const ours = samples.get('ours')?.get(name)
  const raw = samples.get('raw')?.get(name)
  if (ours === undefined || raw === undefined) return { figure, cells }
  // There is no ratio to nothing.
  const row = raw.includes(0) ? { figure, cells } : { figure, cells, ratio: ratioOf(ours, raw) }
  return figure.bar?.beyondRawAtMost === undefined ? row : { ...row, difference: differenceOf(ours, raw) }
}

function ratioOf(ours: readonly number[], raw: readonly number[]): Summary {
  const rounds = summarise(ours.map((value, round) => value / (raw[round] ?? Number.NaN)))
  return { ...rounds, median: summarise(ours).median / summarise(raw).median }
}

function differenceOf(ours: readonly number[], raw: readonly number[]): Summary {
  const rounds = summarise(ours.map((value, round) => value - (raw[round] ?? Number.NaN)))
  return { ...rounds, median: summarise(ours).median - summarise(raw).median }
}

function voidReason({ figure, cells }: Row): string[] {
  const { quotedRaw, unit } = figure
  if (quotedRaw === undefined) return []
  const raw = medianOf(cells, 'raw')
  const name = figureName(figure, 'raw')
  if (raw === undefined) return [`${name} was not measured`]
  const limit = lowerIsBetter(unit) ? quotedRaw / REACH : quotedRaw * REACH
  if (lowerIsBetter(unit) ? raw <= limit : raw >= limit) return []
  const expected = lowerIsBetter(unit) ? `at most ${rounded(limit)}` : `at least ${rounded(limit)}`
  return [`${name} is ${rounded(raw)}, expected ${expected} (quoted ${quotedRaw}, ${REACH} of it is enough)`]
}

function missedBars({ figure, cells, difference }: Row): string[] {
  const { bar, unit, tail = false } = figure
  if (bar === undefined) return []
  const name = figureName(figure)
  const ours = medianOf(cells, 'ours')
  const raw = medianOf(cells, 'raw')
  if (ours === undefined) return [`${name} was not measured`]
  const missed: string[] = []
  if (bar.atLeast !== undefined && ours < bar.atLeast) missed.push(missedText(name, ours, `at least ${bar.atLeast}`))
  if (bar.atMost !== undefined && ours > bar.atMost) missed.push(missedText(name, ours, `at most ${bar.atMost}`))
  const { ratioAtLeast, ratioAtMost, beyondRawAtMost } = bar
  if (beyondRawAtMost !== undefined) {
    const beyondName = `${figure.name}_beyond_raw`
    if (difference === undefined) missed.push(`${beyondName} was not measured`)
    else if (difference.median > beyondRawAtMost)
      missed.push(missedText(beyondName, difference.median, `at most ${beyondRawAtMost}`))
  }
  if (ratioAtLeast === undefined && ratioAtMost === undefined) return missed
  const ratioName = `${figure.name}_vs_raw`
  if (raw === undefined) return [...missed, `${ratioName} was not measured`]
  if (ratioAtLeast !== undefined && ours < ratioAtLeast * raw) {
    missed.push(missedText(ratioName, ours / raw, `at least ${ratioAtLeast}`))
  }
  if (ratioAtMost !== undefined && ours > ratioAtMost * raw + allowance(unit, tail)) {
    missed.push(missedText(ratioName, ours / raw, `at most ${ratioAtMost}${allowanceText(unit, tail)}`))
  }
  return missed
}

/** In the figure's unit. */
function allowance(unit: Unit, tail: boolean): number {
  if (!isTime(unit)) return 0
  const us = tail ? TAIL_NOISE_US : NOISE_US
  return unit === 'us' ? us : us / 1_000
}

function allowanceText(unit: Unit, tail: boolean): string {
  const allowed = allowance(unit, tail)
  return allowed === 0 ? '' : ` and ${allowed} ${unit} of noise`
}

function medianOf(cells: readonly Cell[], contestant: string): number | undefined {
  return cells.find((cell) => cell.contestant === contestant)?.summary.median
}

/** A number under a name that nobody knows would silently be missing from the report. */
function refuseUnknownFigures({ name, figures }: Benchmark, samples: Samples): void {
  const known = new Set(figures.map(measuredName))
  for (const [contestant, values] of samples) {
    for (const figure of values.keys()) {
      if (known.has(figure)) continue
      throw new Error(`${contestant} of "${name}" measured "${figure}", which is not one of: ${[...known].join(', ')}`)
    }
  }
}

function missedText(name: string, value: number, expected: string): string {
  return `${name} is ${rounded(value)}, expected ${expected}`
}

/** What can be read: four digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
