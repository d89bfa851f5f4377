/** What happened in a run, for people who look for the cause of a failure: faults, lives, checks. Bounded. */

export interface LogLine {
  /** Virtual ms. */
  readonly at: number
  readonly text: string
}

/** Enough for the minutes around a failure of a long run. */
const KEPT = 20_000

export class EventLog {
  #lines: LogLine[] = []

  add(at: number, text: string): void {
    this.#lines.push({ at, text })
    if (this.#lines.length < 2 * KEPT) return
    this.#lines = this.#lines.slice(KEPT)
  }

  /** The last `count` lines up to the moment `at`. */
  before(at: number, count: number): readonly LogLine[] {
    const until = this.#lines.findLastIndex((line) => line.at <= at)
    return this.#lines.slice(Math.max(0, until + 1 - count), until + 1)
  }
}
