/** A machine that has no descriptor left: how long a listener waits each time, and when that is news. Pure. */

/** A stream that ends gives one back at once. */
const FIRST_PAUSE_MS = 100
/** Whoever dials tries for some seconds. */
const MAX_PAUSE_MS = 5_000
/** Without trouble for so long after a pause, the next one is another spell. */
const CALM_MS = 10_000

export class DescriptorSpell {
  #pauseMs = 0
  #overAt = Number.NEGATIVE_INFINITY

  /** There was none left at `now`. Pauses double within a spell; `begins` once in each. */
  note(now: number): { pauseMs: number; begins: boolean } {
    const begins = now >= this.#overAt
    this.#pauseMs = begins ? FIRST_PAUSE_MS : Math.min(MAX_PAUSE_MS, this.#pauseMs * 2)
    this.#overAt = now + this.#pauseMs + CALM_MS
    return { pauseMs: this.#pauseMs, begins }
  }
}
