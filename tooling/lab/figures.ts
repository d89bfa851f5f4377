/** Measured values with the bars they are held against. */

export interface Bar {
  /** Fails above it. */
  readonly atMost?: number
  /** Fails below it. */
  readonly atLeast?: number
}

/** How the figures of many seeds become one. */
export type Combine = 'sum' | 'max' | 'min' | 'mean'

export interface Figure extends Bar {
  readonly value: number
  readonly combine: Combine
}

export type Figures = Readonly<Record<string, Figure>>

/** What is wrong with it, or undefined. */
export function overBar(name: string, { value, atMost, atLeast }: Figure): string | undefined {
  // Written so that NaN holds no bar.
  if (atMost !== undefined && !(value <= atMost)) return `${name} is ${value}, expected at most ${atMost}`
  if (atLeast !== undefined && !(value >= atLeast)) return `${name} is ${value}, expected at least ${atLeast}`
  return undefined
}

/** Names with values, rounded to what can be read: three places, or three digits below one. */
export function plain(figures: Figures): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, { value }]) => [name, readable(value)]))
}

/** One set out of many; a figure that some runs lack counts where it is. */
export function combine(runs: readonly Figures[]): Figures {
  const names = [...new Set(runs.flatMap((figures) => Object.keys(figures)))]
  const combined: Record<string, Figure> = {}
  for (const name of names) {
    const found = runs.flatMap((figures) => figures[name] ?? [])
    const [first] = found
    if (first === undefined) continue
    combined[name] = { ...first, value: COMBINE[first.combine](found.map(({ value }) => value)) }
  }
  return combined
}

/** The smallest value that the share `q` of all values does not exceed (nearest rank). Absent without values. */
export function quantile(values: readonly number[], q: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const COMBINE: Readonly<Record<Combine, (values: readonly number[]) => number>> = {
  sum,
  max: (values) => values.reduce((a, b) => Math.max(a, b)),
  min: (values) => values.reduce((a, b) => Math.min(a, b)),
  mean: (values) => sum(values) / values.length,
}

function readable(value: number): number {
  return Math.abs(value) < 1 ? Number(value.toPrecision(3)) : Math.round(value * 1_000) / 1_000
}
