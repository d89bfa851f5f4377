/** Runs cases of one target in this process and judges them. What cannot be judged from inside, hangs and deaths, `supervisor.ts` sees. */

import { collectGarbage } from '../collect-garbage.js'
import { generate, SMALL } from './generate.js'
import {
  allocationBound,
  CONVERSATION_BAR_US,
  type Cost,
  heldNow,
  LARGE_BAR_US,
  largeNow,
  measure,
  SMALL_BAR_US,
} from './measure.js'
import { pollution } from './pollution.js'
import type { Subject, Target } from './target.js'

/** A new subject at every multiple of this, so that a case can be replayed with its forerunners alone. */
export const LIFE = 256
/** Pure decoders leave nothing behind for the event loop; it is let in now and then all the same. */
const TURN_EVERY = 64
/** Nor does a refused input change them: whether a valid one is still decoded is asked now and then. */
const ALIVE_EVERY = 8
const REPEATS = 8
/** For those still over the bar, once everything is compiled: what another program on this machine disturbs eight times it may disturb again. */
const LAST_REPEATS = 40
/** Looks at an input that seems to need too much memory, and results that are held in each. */
const LOOKS = 3
const HELD = 8
/** Kept per job: more of the same teaches nothing. */
const MAX_FAILURES = 10

export interface CaseRange {
  readonly target: string
  readonly seed: string
  /** The first case, and the one behind the last. */
  readonly from: number
  readonly to: number
}

export interface Failure {
  readonly kind: 'crash' | 'hang' | 'allocation'
  readonly target: string
  readonly seed: string
  readonly number: number
  /** It takes the cases from here on to see it; the case itself when it fails alone. */
  readonly from: number
  readonly what: string
  readonly input: Uint8Array
}

export interface RangeResult {
  readonly cases: number
  /** Inputs that were not refused. */
  readonly accepted: number
  readonly crashes: number
  readonly overBound: number
  readonly failures: readonly Failure[]
  /** µs, of inputs of up to 1,200 B and of larger ones; none of targets whose time says nothing. */
  readonly small: Float64Array
  readonly large: Float64Array
}

/** Errors that nobody caught, as they come in. */
const stray: unknown[] = []
export function noteStray(error: unknown): void {
  stray.push(error)
}

export class CaseRunner {
  readonly #target: Target
  readonly #seeds: readonly Uint8Array[]
  readonly #seed: string
  readonly #began: (number: number) => void
  #subject: Subject | undefined
  #life = -1
  /** Of the latest repetition. */
  #largeAfter = 0

  /** @param began is told before each case, in time for a watchdog */
  constructor(target: Target, seeds: readonly Uint8Array[], seed: string, began: (number: number) => void) {
    this.#target = target
    this.#seeds = seeds
    this.#seed = seed
    this.#began = began
  }

  inputOf(number: number): Uint8Array {
    return generate(this.#target, this.#seeds, this.#seed, number)
  }

  async run({ from, to }: Pick<CaseRange, 'from' | 'to'>): Promise<RangeResult> {
    const times = { small: [] as number[], large: [] as number[] }
    const failures: Failure[] = []
    const slow: { times: number[]; index: number; number: number; bar: number }[] = []
    const count = { accepted: 0, crashes: 0, overBound: 0 }
    await this.#warmUp()
    for (let number = from; number < to; number++) {
      this.#began(number)
      const input = this.inputOf(number)
      const { length } = input
      const { cost, accepted, problem } = await this.#case(number, input)
      if (accepted) count.accepted++
      if (problem !== undefined) {
        count.crashes++
        if (failures.length < MAX_FAILURES) failures.push(await this.#failure('crash', number, problem))
        await this.#renew()
      } else if (cost.allocated > allocationBound(length)) {
        const allocated = await this.#confirmedAllocation(number)
        if (allocated > allocationBound(length)) {
          count.overBound++
          const what = `${Math.round(allocated / 1024)} KiB were held or made in large pieces for ${length} B, the bound is ${Math.round(allocationBound(length) / 1024)} KiB`
          if (failures.length < MAX_FAILURES)
            failures.push({ ...this.#about(number), kind: 'allocation', from: number, what })
        }
      }
      if (this.#target.untimed) continue
      const smallBar = this.#target.conversation ? CONVERSATION_BAR_US : SMALL_BAR_US
      const [list, bar] = length <= SMALL ? [times.small, smallBar] : [times.large, LARGE_BAR_US]
      const us = cost.us <= bar / 2 ? cost.us : await this.#fastest(number, cost.us, bar / 2, REPEATS)
      if (us > bar) slow.push({ times: list, index: list.length, number, bar })
      list.push(us)
    }
    // Once more when everything is compiled: the first cases of a process are slower than it ever is again.
    for (const { times: list, index, number, bar } of slow)
      list[index] = await this.#fastest(number, list[index] ?? Number.NaN, bar, LAST_REPEATS)
    this.#began(to - 1)
    await this.close()
    const { small, large } = times
    return { cases: to - from, ...count, failures, small: Float64Array.from(small), large: Float64Array.from(large) }
  }

  async close(): Promise<void> {
    const subject = this.#subject
    this.#subject = undefined
    await subject?.close?.()
  }

  /** One case in the present life, or the next; `problem`: what is wrong, in words. */
  async #case(
    number: number,
    input: Uint8Array,
    thorough = false,
  ): Promise<{ cost: Cost; accepted: boolean; problem: string | undefined }> {
    const life = this.#target.fresh ? number : Math.floor(number / LIFE)
    if (life !== this.#life || this.#subject === undefined) await this.#renew()
    this.#life = life
    const subject = this.#subject ?? (await this.#renew())
    await subject.prepare?.(input)
    const original = Uint8Array.from(input)
    const outcome = await measure(() => subject.handle(input))
    let problem: string | undefined
    try {
      if ('error' in outcome) {
        if (!this.#target.allows(outcome.error)) problem = `it threw ${describe(outcome.error)}`
      } else {
        problem = await subject.verify?.(original, outcome.result)
      }
      problem ??= pollution()
      const stateful = this.#target.fresh || subject.prepare !== undefined
      const alive = stateful || thorough || number % ALIVE_EVERY === 0 ? await subject.alive() : undefined
      problem ??= alive === undefined ? undefined : `a valid input is not handled any more: ${alive}`
    } catch (error) {
      problem ??= `afterwards it threw ${describe(error)}`
    }
    if (this.#target.fresh || subject.prepare !== undefined || number % TURN_EVERY === 0) await turn()
    const lost = stray.splice(0)
    if (lost.length > 0) problem ??= `nobody caught ${describe(lost[0])}`
    return { cost: outcome, accepted: !('error' in outcome), problem }
  }

  async #renew(): Promise<Subject> {
    await this.close()
    this.#subject = await this.#target.open()
    return this.#subject
  }

  async #warmUp(): Promise<void> {
    const subject = await this.#renew()
    for (let round = 0; round < 20; round++) await subject.alive()
    this.#life = -1
  }

  /** The same input in the same state: a subject of its own, which has just handled something valid. */
  async #again(number: number, before: () => void = () => {}): Promise<Cost> {
    this.#began(number)
    const subject = await this.#target.open()
    try {
      await subject.alive()
      const input = this.inputOf(number)
      await subject.prepare?.(input)
      before()
      const cost = await measure(() => subject.handle(input), true)
      this.#largeAfter = largeNow()
      return cost
    } finally {
      await turn()
      await subject.close?.()
    }
  }

  async #fastest(number: number, first: number, enough: number, repeats: number): Promise<number> {
    let us = first
    for (let repeat = 1; repeat < repeats && us > enough; repeat++) us = Math.min(us, (await this.#again(number)).us)
    return us
  }

  /** See measure.ts. */
  async #confirmedAllocation(number: number): Promise<number> {
    let least = Number.POSITIVE_INFINITY
    for (let look = 0; look < LOOKS; look++) {
      least = Math.min(least, (await this.#large(number)) + (await this.#held(number)))
    }
    return least
  }

  async #large(number: number): Promise<number> {
    let before = 0
    await this.#again(number, () => {
      collectGarbage()
      before = largeNow()
    })
    return Math.max(0, this.#largeAfter - before)
  }

  /** Per input, of some that are all kept. */
  async #held(number: number): Promise<number> {
    const subjects: Subject[] = []
    const inputs: Uint8Array[] = []
    for (let index = 0; index < HELD; index++) {
      const subject = await this.#target.open()
      await subject.alive()
      const input = this.inputOf(number)
      await subject.prepare?.(input)
      subjects.push(subject)
      inputs.push(input)
    }
    const kept: unknown[] = []
    const before = heldNow()
    for (const [index, subject] of subjects.entries())
      kept.push(await measure(() => subject.handle(inputs[index] ?? new Uint8Array())))
    const after = heldNow()
    for (const subject of subjects) await subject.close?.()
    return Math.max(0, after - before) / kept.length
  }

  #about(number: number): Pick<Failure, 'target' | 'seed' | 'number' | 'input'> {
    return { target: this.#target.name, seed: this.#seed, number, input: this.inputOf(number) }
  }

  async #failure(kind: Failure['kind'], number: number, what: string): Promise<Failure> {
    await this.#renew()
    this.#life = this.#target.fresh ? number : Math.floor(number / LIFE)
    const alone = (await this.#case(number, this.inputOf(number), true)).problem !== undefined
    return { ...this.#about(number), kind, what, from: alone ? number : Math.floor(number / LIFE) * LIFE }
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return `${typeof error} ${String(error).slice(0, 200)}`
  const code = (error as { code?: unknown }).code
  const where =
    error.stack
      ?.split('\n')
      .find((line) => /packages|apps/.test(line))
      ?.trim() ?? ''
  return `${error.name}${code === undefined ? '' : ` ${String(code)}`}: ${error.message.slice(0, 300)} ${where}`
}
