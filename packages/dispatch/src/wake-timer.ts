/** One timer for many moments. It is only ever set to an earlier one: what was called off meanwhile makes it fire once for nothing. */
import type { Clock } from '@pc/transport'

/** A timer that is later than this was held up by other work of the process; Node itself may be late by one, and the kernel rounds up. */
const HELD_UP_MS = 2

export class WakeTimer {
  readonly #clock: Clock
  readonly #onTime: (now: number) => void
  #timer: unknown
  #at = Number.POSITIVE_INFINITY
  #heldUp = false
  #closed = false

  /** @param onTime called once for each moment; it says by `at` when to be called next */
  constructor(clock: Clock, onTime: (now: number) => void) {
    this.#clock = clock
    this.#onTime = onTime
  }

  /** Calls at that moment too, unless it is infinite; a turn later if the process was held up. */
  at(moment: number): void {
    if (moment < this.#at && !this.#heldUp && !this.#closed) this.#set(moment)
  }

  /** Nothing is called any more. */
  close(): void {
    this.#closed = true
    this.#clock.clearTimeout(this.#timer)
  }

  #set(moment: number): void {
    const now = this.#clock.now()
    this.#clock.clearTimeout(this.#timer)
    this.#at = Math.max(moment, now)
    this.#timer = this.#clock.setTimeout(this.#onTimer, this.#at - now)
  }

  readonly #onTimer = (): void => {
    const now = this.#clock.now()
    const late = now - this.#at > HELD_UP_MS
    if (late && !this.#heldUp) {
      // What seems to be missing may have arrived meanwhile: sockets are read before the next timer.
      this.#heldUp = true
      this.#set(now)
      return
    }
    this.#heldUp = false
    this.#at = Number.POSITIVE_INFINITY
    this.#onTime(now)
  }
}
