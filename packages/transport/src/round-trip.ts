/** How long a peer takes to answer, and so how long to wait for it: RFC 6298, with the timers of a local network. Pure. */

/** Before anything was measured, ms: answers take a millisecond or two, so this is patient. */
export const FIRST_TIMEOUT_MS = 25
export const LEAST_TIMEOUT_MS = 10
export const GREATEST_TIMEOUT_MS = 250
/** §2.3: alpha and beta. */
const [SMOOTHING, VARIANCE] = [1 / 8, 1 / 4]

export class RoundTripEstimate {
  #smoothed: number | undefined
  #variance = 0

  /** ms; undefined before the first measure. */
  get smoothed(): number | undefined {
    return this.#smoothed
  }

  /** After that many ms an answer is late. */
  get timeoutMs(): number {
    if (this.#smoothed === undefined) return FIRST_TIMEOUT_MS
    return Math.min(GREATEST_TIMEOUT_MS, Math.max(LEAST_TIMEOUT_MS, this.#smoothed + 4 * this.#variance))
  }

  measured(ms: number): void {
    if (this.#smoothed === undefined) {
      this.#smoothed = ms
      this.#variance = ms / 2
      return
    }
    this.#variance += VARIANCE * (Math.abs(this.#smoothed - ms) - this.#variance)
    this.#smoothed += SMOOTHING * (ms - this.#smoothed)
  }
}
