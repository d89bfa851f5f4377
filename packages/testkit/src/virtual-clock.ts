/**
 * A clock that moves only when a test says so.
 *
 * Between two timers, and before the first, everything that was set in motion settles: promise chains of any length,
 * `process.nextTick`, `queueMicrotask` and `setImmediate`, so code built on `await` and on Node's streams behaves as
 * it does in real time. Work done by the operating system (files, sockets, asynchronous cryptography) takes real time
 * and is not waited for.
 */
import { Agenda, NOTHING_DUE, NOTHING_TO_SETTLE } from './agenda.js'
import { TestkitError } from './errors.js'
import { settledSteps } from './settled-steps.js'
import type { QueuedTimer } from './timer-queue.js'
import type { Trace } from './trace.js'

/** 2026-01-01T00:00:00Z: a fixed date, so that nothing in a test depends on the day it runs. */
const DEFAULT_UNIX_START = 1_767_225_600_000

/** One minute of virtual time is long for anything a test waits for and costs next to nothing when it is not used up. */
const DEFAULT_LIMIT_MS = 60_000

/** Events of the simulator itself that run in one go; then the event loop gets a turn, so that a test's own time limit works. */
const MAX_SILENT_RUN = 10_000

export interface VirtualClockOptions {
  /** What `unixNow()` reads at the start, in Unix milliseconds. @default 2026-01-01T00:00:00Z */
  unixStart?: number
  /** Gets the moment of every timer that fires. */
  trace?: Trace
}

export class VirtualClock {
  /** What `unixNow()` read at the start, in Unix milliseconds. */
  readonly unixStart: number
  readonly #agenda: Agenda
  #moving = false

  constructor(options: VirtualClockOptions = {}) {
    const { unixStart = DEFAULT_UNIX_START, trace } = options
    if (!Number.isFinite(unixStart)) {
      throw new TestkitError('BAD_ARGUMENT', `unixStart must be a number of Unix milliseconds, got ${unixStart}`)
    }
    this.unixStart = unixStart
    this.#agenda = new Agenda(trace)
  }

  /** Virtual milliseconds since the clock was made; never goes back. */
  now(): number {
    return this.#agenda.now
  }

  /** Virtual Unix milliseconds, as an integer. */
  unixNow(): number {
    return Math.floor(this.unixStart + this.#agenda.now)
  }

  /** Number of timers waiting, those of the simulated network included. */
  get pending(): number {
    return this.#agenda.pending
  }

  /** Number of timers that have fired so far, those of the simulated network included. */
  get fired(): number {
    return this.#agenda.fired
  }

  /**
   * Calls back once, `delayMs` from now. A negative delay counts as 0; one that is not finite throws BAD_ARGUMENT,
   * because Node's own timers would silently fire at once.
   */
  setTimeout(callback: () => void, delayMs: number): unknown {
    requireDelay(delayMs)
    return this.#agenda.after(delayMs, { fire: callback })
  }

  /** Cancels a timer; `undefined`, fired and cancelled timers are ignored. */
  clearTimeout(timer: unknown): void {
    if (timer !== undefined && timer !== null) this.#agenda.cancel(timer as QueuedTimer)
  }

  /**
   * Moves time on by `ms` and fires what falls due, in order of due time, then of insertion; timers set on the way are
   * included. Settles when everything up to the new moment has settled. `advance(0)` only lets things settle.
   *
   * Rejects with what a timer's callback threw (time then stands at that timer), with CLOCK_BUSY when the clock is
   * already moving, with RUNAWAY_TIMERS when time cannot move on.
   */
  async advance(ms: number): Promise<void> {
    const until = this.#moment(ms)
    this.#startMoving()
    try {
      await this.#run(until, undefined)
      this.#agenda.now = until
    } finally {
      this.#moving = false
    }
  }

  /**
   * As `advance`, but returns when it is done and lets nothing settle in between: for code that is synchronous throughout,
   * as pure state machines and bare datagrams are. Promises of the code under test settle after it.
   */
  advanceSync(ms: number): void {
    const until = this.#moment(ms)
    this.#startMoving()
    try {
      while (this.#agenda.fireNext(until) !== NOTHING_DUE);
      this.#agenda.now = until
    } finally {
      this.#moving = false
    }
  }

  /**
   * Moves time from timer to timer until `condition` holds; it is checked before the first and after each timer, once
   * things have settled. Rejects with CONDITION_NOT_REACHED after `limitMs` of virtual time (default 60,000), or as soon
   * as no timer is left that could change anything; otherwise as `advance` does.
   */
  async runUntil(condition: () => boolean, options: { limitMs?: number } = {}): Promise<void> {
    const { limitMs = DEFAULT_LIMIT_MS } = options
    if (!(limitMs >= 0)) {
      throw new TestkitError('BAD_ARGUMENT', `limitMs must be a number of milliseconds of at least 0, got ${limitMs}`)
    }
    const from = this.#agenda.now
    this.#startMoving()
    try {
      const reached = await this.#run(from + limitMs, condition)
      if (!reached) throw this.#notReached(condition, from, limitMs)
    } finally {
      this.#moving = false
    }
  }

  /** Fires until nothing is due by `until` (false), or until the condition holds (true). */
  #run(until: number, condition: (() => boolean) | undefined): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const step = (): boolean => {
        try {
          const reached = this.#fireSome(until, condition)
          if (reached === undefined) return true
          resolve(reached)
        } catch (error) {
          reject(error)
        }
        return false
      }
      settledSteps(step)
    })
  }

  /** Fires up to the first timer after which something may have to settle. Undefined when there is more to fire. */
  #fireSome(until: number, condition: (() => boolean) | undefined): boolean | undefined {
    for (let silent = 0; silent < MAX_SILENT_RUN; silent++) {
      if (condition?.() === true) return true
      const outcome = this.#agenda.fireNext(until)
      if (outcome === NOTHING_DUE) return false
      if (outcome !== NOTHING_TO_SETTLE) return undefined
    }
    return undefined
  }

  #moment(ms: number): number {
    if (Number.isFinite(ms) && ms >= 0) return this.#agenda.moment(ms)
    throw new TestkitError('BAD_ARGUMENT', `advancing needs a number of milliseconds of at least 0, got ${ms}`)
  }

  #startMoving(): void {
    if (this.#moving) {
      throw new TestkitError(
        'CLOCK_BUSY',
        'the clock is already moving: await one advance() or runUntil() before the next',
      )
    }
    this.#moving = true
  }

  #notReached(condition: () => boolean, from: number, limitMs: number): TestkitError {
    const next = this.#agenda.nextDue()
    const why =
      next === undefined
        ? 'no timer is left that could change anything'
        : `the next of ${this.#agenda.pending} timers is due at ${next} ms`
    return new TestkitError(
      'CONDITION_NOT_REACHED',
      `the condition did not hold within the limit of ${limitMs} ms (started at ${from} ms, stopped at ${this.#agenda.now} ms, ${why}): ${condition}`,
    )
  }

  /** For the simulated network only. */
  static agendaOf(clock: VirtualClock): Agenda {
    return clock.#agenda
  }
}

/** Throws BAD_ARGUMENT for a delay that is not finite. */
export function requireDelay(delayMs: number): void {
  if (Number.isFinite(delayMs)) return
  throw new TestkitError('BAD_ARGUMENT', `a timer needs a finite delay in milliseconds, got ${delayMs}`)
}
