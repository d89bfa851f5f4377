/** Many cases over many targets: shared out in ranges, run in child processes, put together again. */

import { generate } from './generate.js'
import { type CaseRange, type Failure, LIFE, type RangeResult } from './run-cases.js'
import { CaseProcess, type Ending } from './supervisor.js'
import type { Target } from './target.js'

/** Cases that one process gets at once. */
const RANGE = 8 * LIFE
/** A conversation takes as long as dozens of packets, and is made of many. */
const CONVERSATION_WEIGHT = 0.2
/** A target that ends processes this often is given up: whatever else it has waits for the repair. */
const MAX_ENDINGS = 5

export interface TargetResult {
  readonly target: Target
  cases: number
  accepted: number
  crashes: number
  hangs: number
  overBound: number
  readonly failures: Failure[]
  readonly small: Float64Array[]
  readonly large: Float64Array[]
  givenUp: boolean
}

export interface CampaignOptions {
  readonly targets: readonly Target[]
  readonly seed: string
  /** All targets together; `undefined`: until the deadline. */
  readonly cases: number | undefined
  /** On `performance.now()`. */
  readonly deadline: number
  readonly jobs: number
  readonly onProgress: (results: readonly TargetResult[]) => void
  readonly onNote: (text: string) => void
}

export async function runCampaign(options: CampaignOptions): Promise<TargetResult[]> {
  const results = options.targets.map(newResult)
  const ranges = rangesOf(options)
  const work = async (): Promise<void> => {
    const process = new CaseProcess()
    try {
      for (const { index, range } of ranges) {
        const result = results[index]
        if (result === undefined || result.givenUp) continue
        if (performance.now() > options.deadline) break
        await runRange(process, range, result, options)
        options.onProgress(results)
      }
    } finally {
      process.close()
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, work))
  return results
}

/** A range, and what is left of it after each case that ended the process. */
async function runRange(
  process: CaseProcess,
  whole: CaseRange,
  result: TargetResult,
  options: CampaignOptions,
): Promise<void> {
  let range = whole
  for (let endings = 0; range.from < range.to; endings++) {
    const outcome = await process.run(range)
    if (!('kind' in outcome)) {
      add(result, outcome)
      return
    }
    if (outcome.number === undefined) throw new Error(`${range.target}: ${outcome.what}, and no case was under way`)
    const again = await seenAgain(outcome)
    if (again === undefined && outcome.kind === 'hang') {
      options.onNote(
        `${range.target}, case ${outcome.number}: ${outcome.what} at first, but did so the second time; the machine was busy`,
      )
    } else {
      // A busy machine makes nothing die: that counts once seen, with the whole range as what it takes.
      const input = generate(result.target, await result.target.seeds(), range.seed, outcome.number)
      if (outcome.kind === 'hang') result.hangs++
      else result.crashes++
      const seen = again ?? { kind: outcome.kind, what: `${outcome.what}, once`, from: range.from }
      result.failures.push({ ...outcome.range, ...seen, number: outcome.number, input })
    }
    // Of the cases before it in this range only the figures are lost; they are run again.
    const before = { ...range, to: outcome.number }
    const first = before.from < before.to ? await process.run(before) : undefined
    if (first !== undefined && !('kind' in first)) add(result, first)
    result.cases++
    range = { ...range, from: outcome.number + 1 }
    if (endings >= MAX_ENDINGS) {
      result.givenUp = true
      options.onNote(`${range.target} is given up after ${MAX_ENDINGS} processes`)
      return
    }
  }
}

/** Alone, then with the cases of its life before it: what has to be run to see it; `undefined` when it is not seen again. */
async function seenAgain({ range, number = 0 }: Ending): Promise<Pick<Failure, 'kind' | 'what' | 'from'> | undefined> {
  for (const from of [number, Math.floor(number / LIFE) * LIFE]) {
    const process = new CaseProcess()
    try {
      const outcome = await process.run({ ...range, from, to: number + 1 })
      if ('kind' in outcome) return { kind: outcome.kind, what: outcome.what, from }
    } finally {
      process.close()
    }
  }
  return undefined
}

function* rangesOf({ targets, seed, cases }: CampaignOptions): Generator<{ index: number; range: CaseRange }> {
  const weights = targets.map(({ conversation = false, weight = conversation ? CONVERSATION_WEIGHT : 1 }) => weight)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  // Without a number of cases: rounds without end, each a range for a target of weight 1.
  const perRound = weights.map((weight) =>
    cases === undefined ? Math.max(LIFE, RANGE * weight) : share(cases, weight, sum),
  )
  const missing = (cases ?? 0) - perRound.reduce((total, part) => total + part, 0)
  if (cases !== undefined && missing > 0) perRound[0] = (perRound[0] ?? 0) + missing
  for (let round = 0; ; round++) {
    for (const [index, { name }] of targets.entries()) {
      const [first, end] = [round * (perRound[index] ?? 0), (round + 1) * (perRound[index] ?? 0)]
      for (let from = first; from < end; from = Math.floor(from / RANGE) * RANGE + RANGE) {
        const to = Math.min(end, Math.floor(from / RANGE) * RANGE + RANGE)
        yield { index, range: { target: name, seed, from: Math.floor(from), to: Math.floor(to) } }
      }
    }
    if (cases !== undefined) return
  }
}

function share(cases: number, weight: number, sum: number): number {
  return Math.floor((cases * weight) / sum)
}

function add(result: TargetResult, part: RangeResult): void {
  result.cases += part.cases
  result.accepted += part.accepted
  result.crashes += part.crashes
  result.overBound += part.overBound
  result.failures.push(...part.failures)
  result.small.push(part.small)
  result.large.push(part.large)
}

function newResult(target: Target): TargetResult {
  return {
    target,
    cases: 0,
    accepted: 0,
    crashes: 0,
    hangs: 0,
    overBound: 0,
    failures: [],
    small: [],
    large: [],
    givenUp: false,
  }
}
