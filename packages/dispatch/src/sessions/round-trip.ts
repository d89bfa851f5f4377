/**
 * How long answers of one peer take, and so how long to wait before a request is sent again: RFC 6298 with the timers of a local
 * network. Only requests that were sent once are measured (Karn's rule). A repetition that was for nothing is known by its own answer,
 * as RFC 3708 knows it for TCP: then the peer is slower than was thought. One that was lost says nothing, and what follows is sent
 * again as soon as ever: whoever is flooded answers some of many questions. Pure.
 */

import { GREATEST_TIMEOUT_MS, LEAST_TIMEOUT_MS, RoundTripEstimate } from '@pc/transport'

/** As many requests as are under way to one peer at a time, twice over. */
const MAX_ANSWERED = 32
/** Each of the first pauses is twice as long as the one before; so many more are as long as the last of them. */
const [DOUBLED_PAUSES, STEADY_PAUSES] = [3, 5]

export class RoundTrip {
  readonly #estimate = new RoundTripEstimate()
  #patience = 1
  #widenedAt = Number.NEGATIVE_INFINITY
  /** Requests that were sent more than once and are answered: a second answer may follow. */
  readonly #answered = new Set<number>()

  /** Milliseconds; undefined before the first measure. */
  get smoothed(): number | undefined {
    return this.#estimate.smoothed
  }

  /** Milliseconds after which a request counts as lost. */
  get timeoutMs(): number {
    return Math.min(GREATEST_TIMEOUT_MS, this.#estimate.timeoutMs * this.#patience)
  }

  /** The request of that key was sent more than once, and is answered. */
  answered(key: number): void {
    const [oldest] = this.#answered
    if (this.#answered.size >= MAX_ANSWERED && oldest !== undefined) this.#answered.delete(oldest)
    this.#answered.add(key)
  }

  /**
   * One more answer: if it is to a request of `answered`, the next ones get twice as long, until one was measured again (RFC 6298 §5.5
   * and §5.7). Without that, requests to a busy peer would all be sent twice, and never measured. Counts once in a time-out.
   */
  answeredAgain(key: number, now: number): void {
    if (!this.#answered.delete(key) || now - this.#widenedAt < this.timeoutMs) return
    this.#widenedAt = now
    this.#patience = Math.min(2 * this.#patience, GREATEST_TIMEOUT_MS / LEAST_TIMEOUT_MS)
  }

  measured(ms: number): void {
    this.#patience = 1
    this.#estimate.measured(ms)
  }
}

/** When to send to a stranger for the n-th time (1: the first repetition), after the first sending: 1, 3, 7, 15 … times the time-out. */
export function repetitionAfter(repetition: number, timeoutMs: number): number {
  return (2 ** repetition - 1) * timeoutMs
}

/**
 * The same for requests by a session: 1, 3, 7, 11, 15, 19, 23, 27 times the time-out, then 35, 51, 83 …: the pauses stand still for a
 * while, because the peer is proved to be there and whoever is flooded answers one of many; then they double on, because whoever has not
 * answered yet takes his time.
 */
export function requestRepetitionAfter(repetition: number, timeoutMs: number): number {
  const steady = Math.min(Math.max(0, repetition - DOUBLED_PAUSES), STEADY_PAUSES)
  const doubled = repetitionAfter(repetition - steady, timeoutMs)
  return doubled + steady * 2 ** (DOUBLED_PAUSES - 1) * timeoutMs
}
