/** Measurements in turns: what disturbs the machine for a while disturbs all contestants, not one of them. */

export interface Measurable {
  readonly name: string
  readonly measures: readonly string[]
  measure(name: string, ms: number): Promise<Readonly<Record<string, number>>>
}

export interface RoundsOptions {
  readonly rounds: number
  /** Of each measurement. */
  readonly ms: number
  /** Of each measurement of the round before the first, whose numbers are thrown away; 0: no such round. */
  readonly warmUpMs: number
  /** Called before each round; 0 is the warm-up. */
  readonly onRound?: (round: number) => void
}

/** Numbers by contestant and figure, one for each round. */
export type Samples = ReadonlyMap<string, ReadonlyMap<string, readonly number[]>>

/** The first contestant decides what is measured; the others take their turn right after it where they can. */
export async function runRounds(contestants: readonly Measurable[], options: RoundsOptions): Promise<Samples> {
  const { rounds, ms, warmUpMs, onRound } = options
  const samples = new Map(contestants.map(({ name }) => [name, new Map<string, number[]>()]))
  for (let round = warmUpMs > 0 ? 0 : 1; round <= rounds; round++) {
    onRound?.(round)
    for (const measure of contestants[0]?.measures ?? []) {
      for (const contestant of contestants) {
        if (!contestant.measures.includes(measure)) continue
        const numbers = await contestant.measure(measure, round === 0 ? warmUpMs : ms)
        if (round > 0) keep(samples.get(contestant.name), numbers)
      }
    }
  }
  return samples
}

function keep(figures: Map<string, number[]> | undefined, numbers: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(numbers)) {
    const values = figures?.get(name)
    if (values === undefined) figures?.set(name, [value])
    else values.push(value)
  }
}
