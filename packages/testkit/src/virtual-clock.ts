/**
 * A clock that moves only when a test says so.
 *
 * Between two timers, and before the first, everything that was set in motion settles: promise chains of any length,
 * `process.nextTick`, `queueMicrotask` and `setImmediate`, so code built on `await` and on Node's streams behaves as
 * it does in real time. Work done by the operating system (files, sockets, asynchronous cryptography) takes real time
 * and is not waited for.
 */
import { TestkitError } from './errors.js'
import { type QueuedTimer, TimerQueue } from './timer-queue.js'

/** 2026-01-01T00:00:00Z: a fixed date, so that nothing in a test depends on the day it runs. */
const DEFAULT_UNIX_START = 1_767_225_600_000

/** One minute of virtual time is long for anything a test waits for and costs next to nothing when it is not used up. */
const DEFAULT_LIMIT_MS = 60_000

/** More timers than any test needs at one instant: beyond it two timers are surely calling each other for ever. */
const MAX_TIMERS_PER_INSTANT = 100_000

/** Event loop turns granted to callbacks that keep scheduling immediates. Node's streams need one or two. */
const MAX_SETTLE_TURNS = 1_000

export interface VirtualClockOptions {
  /** What `unixNow()` reads at the start, in Unix milliseconds. @default 2026-01-01T00:00:00Z */
  unixStart?: number
}

export class VirtualClock {
  readonly #timers = new TimerQueue()
  readonly #unixStart: number
  #now = 0
  #moving = false
  #firedAt = -1
  #firedCount = 0

  constructor(options: VirtualClockOptions = {}) {
    this.#unixStart = options.unixStart ?? DEFAULT_UNIX_START
  }

  /** Virtual milliseconds since the clock was made; never goes back. */
  now(): number {
    return this.#now
  }

  /** Virtual Unix milliseconds, as an integer. */
  unixNow(): number {
    return this.#unixStart + Math.floor(this.#now)
  }

  /** Number of timers waiting. */
  get pending(): number {
    return this.#timers.size
  }

  /**
   * Calls back once, `delayMs` from now. A negative delay counts as 0; one that is not finite throws BAD_ARGUMENT,
   * because Node's own timers would silently fire at once.
   */
  setTimeout(callback: () => void, delayMs: number): unknown {
    if (!Number.isFinite(delayMs)) {
      throw new TestkitError('BAD_ARGUMENT', `a timer needs a finite delay in milliseconds, got ${delayMs}`)
    }
    return this.#timers.add(this.#now + Math.max(0, delayMs), callback)
  }

  /** Cancels a timer; `undefined`, fired and cancelled timers are ignored. */
  clearTimeout(timer: unknown): void {
    if (timer !== undefined && timer !== null) this.#timers.cancel(timer as QueuedTimer)
  }

  /**
   * Moves time on by `ms` and fires what falls due, in order of due time, then of insertion; timers set on the way are
   * included. Settles when everything up to the new moment has settled. `advance(0)` only lets things settle.
   *
   * Rejects with what a timer's callback threw (time then stands at that timer), with CLOCK_BUSY when the clock is
   * already moving, with RUNAWAY_TIMERS when time cannot move on.
   */
  async advance(ms: number): Promise<void> {
    if (!Number.isFinite(ms) || ms < 0) {
      throw new TestkitError('BAD_ARGUMENT', `advance() needs a number of milliseconds of at least 0, got ${ms}`)
    }
    await this.#exclusively(async () => {
      const until = this.#now + ms
      await settle()
      while (this.#fireNext(until)) await settle()
      this.#now = until
    })
  }

  /**
   * Moves time from timer to timer until `condition` holds; it is checked before the first and after each timer, once
   * things have settled. Rejects with CONDITION_NOT_REACHED after `limitMs` of virtual time (default 60,000), or as soon
   * as no timer is left that could change anything; otherwise as `advance` does.
   */
  async runUntil(condition: () => boolean, options: { limitMs?: number } = {}): Promise<void> {
    const limitMs = options.limitMs ?? DEFAULT_LIMIT_MS
    await this.#exclusively(async () => {
      const from = this.#now
      await settle()
      while (!condition()) {
        if (!this.#fireNext(from + limitMs)) throw this.#notReached(condition, from, limitMs)
        await settle()
      }
    })
  }

  async #exclusively(move: () => Promise<void>): Promise<void> {
    if (this.#moving) {
      throw new TestkitError(
        'CLOCK_BUSY',
        'the clock is already moving: await one advance() or runUntil() before the next',
      )
    }
    this.#moving = true
    try {
      await move()
    } finally {
      this.#moving = false
    }
  }

  #fireNext(until: number): boolean {
    const timer = this.#timers.peek()
    if (timer === undefined || timer.due > until) return false
    this.#timers.take()
    this.#now = timer.due
    this.#guardAgainstStandstill()
    timer.callback()
    return true
  }

  #guardAgainstStandstill(): void {
    if (this.#firedAt !== this.#now) {
      this.#firedAt = this.#now
      this.#firedCount = 0
    }
    if (++this.#firedCount > MAX_TIMERS_PER_INSTANT) {
      throw new TestkitError(
        'RUNAWAY_TIMERS',
        `over ${MAX_TIMERS_PER_INSTANT} timers fired at ${this.#now} ms: some callback sets a timer of 0 ms again and again`,
      )
    }
  }

  #notReached(condition: () => boolean, from: number, limitMs: number): TestkitError {
    const next = this.#timers.peek()
    const why =
      next === undefined
        ? 'no timer is left that could change anything'
        : `the next of ${this.#timers.size} timers is due at ${next.due} ms`
    return new TestkitError(
      'CONDITION_NOT_REACHED',
      `the condition did not hold within the limit of ${limitMs} ms (started at ${from} ms, stopped at ${this.#now} ms, ${why}): ${condition}`,
    )
  }
}

/**
 * Waits until nothing is left to run but timers and the operating system. A turn of the event loop lets all microtasks
 * and ticks run; further turns follow while other code still has immediates waiting.
 */
async function settle(): Promise<void> {
  for (let turn = 0; turn < MAX_SETTLE_TURNS; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (!process.getActiveResourcesInfo().includes('Immediate')) return
  }
}
