/** How often whoever waits for something to move looks whether it does, in ms. */
export const LOOK_EVERY_MS = 5_000

/**
 * Whether something moves, from a count that only grows, looked at every {@link LOOK_EVERY_MS}: pure. Two intervals without the least that
 * is asked for mean that it has stalled; so that is found between 10 and 15 s after it began, whenever that was.
 */
export class Progress {
  readonly #least: number
  #before: number | undefined
  #latest: number | undefined

  /** @param least what the count must grow by within two intervals */
  constructor(least: number) {
    this.#least = least
  }

  /** True when it has stalled. */
  look(count: number): boolean {
    const before = this.#before
    this.#before = this.#latest
    this.#latest = count
    return before !== undefined && count - before < this.#least
  }

  /** There was nothing to wait for. */
  reset(): void {
    this.#before = undefined
    this.#latest = undefined
  }
}
