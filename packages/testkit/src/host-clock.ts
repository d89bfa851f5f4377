import { type Agenda, NOTHING_TO_SETTLE } from './agenda.js'
import type { MachineTime } from './machine-time.js'
import type { Processor } from './processor.js'
import type { Job, QueuedTimer } from './timer-queue.js'
import { requireDelay } from './virtual-clock.js'

/** The last part of a wait that rounding may leave over after a change of the clock, in ms. */
const TOLERANCE_MS = 1e-6

/** Time as one life of a host sees it. */
export class HostClock {
  readonly #agenda: Agenda
  readonly #time: MachineTime
  readonly #processor: Processor
  readonly #origin: number

  constructor(agenda: Agenda, time: MachineTime, processor: Processor) {
    this.#agenda = agenda
    this.#time = time
    this.#processor = processor
    this.#origin = time.monotonic(agenda.now)
  }

  /** Milliseconds since this life began, by the machine's own clock: with its drift, and without the time it slept. */
  now(): number {
    return this.#time.monotonic(this.#agenda.now) - this.#origin
  }

  /** Unix milliseconds of the machine's wall clock, as an integer: with its offset, and with the time it slept. */
  unixNow(): number {
    return Math.floor(this.#time.unix(this.#agenda.now))
  }

  /**
   * Calls back once, `delayMs` from now by `now()`, or later while the host is busy, paused or asleep. Never, once this life has ended.
   * A negative delay counts as 0; one that is not finite throws BAD_ARGUMENT.
   */
  setTimeout(callback: () => void, delayMs: number): unknown {
    requireDelay(delayMs)
    if (this.#processor.dead) return undefined
    const timer = new HostTimer(this, callback, this.now() + Math.max(0, delayMs), this.#time.epoch, this.#processor)
    this.#queue(timer, delayMs)
    return timer
  }

  /** Cancels a timer; `undefined`, fired and cancelled timers are ignored. */
  clearTimeout(timer: unknown): void {
    if (!(timer instanceof HostTimer) || timer.callback === undefined) return
    timer.callback = undefined
    this.#agenda.cancel(timer)
  }

  /** For timers only: one is due, as far as virtual time goes. */
  onDue(timer: HostTimer): unknown {
    const { epoch, asleep } = this.#time
    if (timer.epoch !== epoch) {
      timer.epoch = epoch
      // The machine slept, or its clock runs at another speed by now.
      const left = timer.dueHere - this.now()
      if (left > TOLERANCE_MS && !asleep) {
        this.#queue(timer, left)
        return NOTHING_TO_SETTLE
      }
    }
    timer.isDue = true
    return this.#processor.run(timer)
  }

  /** For timers only: the processor has time for one. */
  onTurn(timer: HostTimer): unknown {
    timer.isDue = false
    if (timer.epoch !== this.#time.epoch) return this.onDue(timer)
    const { callback } = timer
    timer.callback = undefined
    return callback === undefined ? NOTHING_TO_SETTLE : callback()
  }

  #queue(timer: HostTimer, delay: number): void {
    timer.job = timer
    this.#agenda.put(timer, this.#time.duration(delay))
  }
}

/** One timer: first waits for its moment, then for its host. It stands in the queue itself, because there are very many of them. */
class HostTimer implements Job, QueuedTimer {
  readonly #clock: HostClock
  /** By the clock of the host. */
  readonly dueHere: number
  readonly owner: object
  callback: (() => void) | undefined
  epoch: number
  isDue = false
  due = 0
  order = 0
  job: Job | undefined

  constructor(clock: HostClock, callback: () => void, dueHere: number, epoch: number, owner: object) {
    this.#clock = clock
    this.callback = callback
    this.dueHere = dueHere
    this.epoch = epoch
    this.owner = owner
  }

  fire(): unknown {
    return this.isDue ? this.#clock.onTurn(this) : this.#clock.onDue(this)
  }
}
