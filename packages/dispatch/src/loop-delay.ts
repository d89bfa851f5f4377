/**
 * How late this process is: a timer that is set while there is traffic, and comes too late when the event loop has too much to do.
 * Nothing is set while nothing happens.
 */
import type { Clock } from '@pc/transport'

const PROBE_MS = 20
/** What was measured counts for so long. */
const REMEMBERED_MS = 200

export class LoopDelay {
  readonly #clock: Clock
  #timer: unknown
  #dueAt = Number.POSITIVE_INFINITY
  #measured = 0
  #measuredAt = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** To be called for what comes in; milliseconds that the process is behind. */
  sample(now: number): number {
    if (this.#timer === undefined) {
      this.#dueAt = now + PROBE_MS
      this.#timer = this.#clock.setTimeout(this.#onTimer, PROBE_MS)
    }
    const remembered = now - this.#measuredAt < REMEMBERED_MS ? this.#measured : 0
    return Math.max(remembered, now - this.#dueAt, 0)
  }

  close(): void {
    this.#clock.clearTimeout(this.#timer)
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#measuredAt = this.#clock.now()
    this.#measured = Math.max(0, this.#measuredAt - this.#dueAt)
    this.#dueAt = Number.POSITIVE_INFINITY
  }
}
