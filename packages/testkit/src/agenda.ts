/**
 * The engine of the virtual clock: moments and what is to happen at them. Users see it as `VirtualClock`; the simulated
 * network works on it directly, because it also says of each of its events whether code under test ran in it.
 *
 * Moments are multiples of 2^-20 ms (about a nanosecond), rounded up. So sums and differences of them are exact for 270
 * years of virtual time: a wait until `now + d` never ends a rounding error too early, and time always moves on.
 */
import { TestkitError } from './errors.js'
import { type Job, type QueuedTimer, TimerQueue } from './timer-queue.js'
import type { Trace } from './trace.js'

/** Returned by a job that ran simulator code only: then nothing of the code under test can need to settle. */
export const NOTHING_TO_SETTLE: unique symbol = Symbol('nothing to settle')

/** Returned by `fireNext` when nothing is due. */
export const NOTHING_DUE: unique symbol = Symbol('nothing due')

/** A power of two, so that scaling by it is exact. */
const STEPS_PER_MS = 2 ** 20

/** More timers than any test needs at one instant: beyond it two timers are surely calling each other for ever. */
const MAX_TIMERS_PER_INSTANT = 100_000

export class Agenda {
  /** Milliseconds since the start. Moved by `fireNext`, and by the clock at the end of an `advance`. */
  now = 0
  /** Jobs fired so far. */
  fired = 0
  readonly #timers = new TimerQueue()
  readonly #trace: Trace | undefined
  #firedHere = 0

  constructor(trace: Trace | undefined) {
    this.#trace = trace
  }

  get pending(): number {
    return this.#timers.size
  }

  /** Fires a job `delayMs` from now, which is a finite number; a negative one counts as 0. */
  after(delayMs: number, job: Job, owner?: object): QueuedTimer {
    return this.#timers.add(this.moment(delayMs), job, owner)
  }

  /** As `after`, for a timer of the caller's own: see `TimerQueue.put`. */
  put(timer: QueuedTimer, delayMs: number): void {
    this.#timers.put(timer, this.moment(delayMs))
  }

  /** Fires a job at a moment, or at once if it has passed. */
  at(moment: number, job: Job, owner?: object): QueuedTimer {
    return this.#timers.add(moment > this.now ? this.#round(moment) : this.now, job, owner)
  }

  cancel(timer: QueuedTimer): void {
    this.#timers.cancel(timer)
  }

  cancelOwned(owner: object): void {
    this.#timers.cancelOwned(owner)
  }

  /** When the next job is due. */
  nextDue(): number | undefined {
    return this.#timers.peek()?.due
  }

  /**
   * Moves on to the next job due by `until` and fires it. Returns NOTHING_DUE if there is none; otherwise what it returned.
   * Throws what it throws, and RUNAWAY_TIMERS when time cannot move on.
   */
  fireNext(until: number): unknown {
    const next = this.#timers.take(until)
    const job = next?.job
    if (next === undefined || job === undefined) return NOTHING_DUE
    next.job = undefined
    if (next.due === this.now) this.#guardAgainstStandstill()
    else this.#firedHere = 0
    this.now = next.due
    this.fired++
    this.#trace?.add('timer', next.due)
    return job.fire()
  }

  /** The moment `ms` from now, as exact as all moments are. */
  moment(ms: number): number {
    return ms > 0 ? this.#round(this.now + ms) : this.now
  }

  #round(moment: number): number {
    const rounded = Math.ceil(moment * STEPS_PER_MS) / STEPS_PER_MS
    return rounded > this.now ? rounded : this.now + 1 / STEPS_PER_MS
  }

  #guardAgainstStandstill(): void {
    if (++this.#firedHere > MAX_TIMERS_PER_INSTANT) {
      throw new TestkitError(
        'RUNAWAY_TIMERS',
        `over ${MAX_TIMERS_PER_INSTANT} timers fired at ${this.now} ms: some callback sets a timer of 0 ms again and again`,
      )
    }
  }
}
