/**
 * Numbers of one stream of messages, on the side of the sender: which are on the wire and not settled. Pure.
 *
 * A number is settled exactly once: acknowledged, refused, withdrawn (deadline, abort) or lost with its connection.
 */

/**
 * Unsettled messages on the wire of one stream. It is a span, not a count: a number may only go out while it is less
 * than this above the oldest unsettled one, so that a receiver which remembers refusals for as many numbers
 * (receive-cursor.ts) remembers every one that can still be asked about.
 */
export const WINDOW = 64

export class SendWindow {
  readonly #size: number
  readonly #unsettled = new Set<number>() // in rising order, because numbers are taken in rising order
  #next = 1

  constructor(size: number = WINDOW) {
    this.#size = size
  }

  /** Whether a further number may go on the wire. */
  get open(): boolean {
    const oldest = this.#oldest()
    return oldest === undefined || this.#next - oldest < this.#size
  }

  /** Numbers taken and not settled. */
  get unsettled(): number {
    return this.#unsettled.size
  }

  /** The next number, now on the wire; `undefined` while the window is shut. */
  take(): number | undefined {
    if (!this.open) return undefined
    const sequence = this.#next++
    this.#unsettled.add(sequence)
    return sequence
  }

  /**
   * A cumulative acknowledgement: the receiver has stored every number up to `sequence`, except those it refused or
   * that were withdrawn before. Returns the numbers it settles, in order; none for a repeated or an invented one.
   */
  acknowledge(sequence: number): number[] {
    if (sequence >= this.#next) return [] // never sent: believing a part of it would be guessing
    const settled: number[] = []
    for (const number of this.#unsettled) {
      if (number > sequence) break
      settled.push(number)
    }
    for (const number of settled) this.#unsettled.delete(number)
    return settled
  }

  /** One number is refused or withdrawn. `false`: it was settled before, or never taken. */
  settle(sequence: number): boolean {
    return this.#unsettled.delete(sequence)
  }

  /** The connection is gone: settles and returns everything that was on it, in order. */
  lose(): number[] {
    const lost = [...this.#unsettled]
    this.#unsettled.clear()
    return lost
  }

  #oldest(): number | undefined {
    for (const number of this.#unsettled) return number
    return undefined
  }
}
