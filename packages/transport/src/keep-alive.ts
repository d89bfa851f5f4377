/**
 * When to ping and when to give up: pure. Only the dialler pings. It does so after 5 s in which it heard nothing, or sent
 * nothing: the second, so that an acceptor which only ever sends hears something too. Any received byte counts as life.
 *
 * Detection takes at most 5 + 2 s at the dialler and 7.5 s at the acceptor; a check of 2 s behind it still ends within 10 s.
 */

/** Dialler: silence before a ping. */
export const PING_AFTER_MS = 5_000
/** How long the answer to a ping may take: 10 × a bad Wi-Fi spike (200 ms). */
export const PONG_WITHIN_MS = 2_000
/** Acceptor: silence before it gives up. The dialler pings after 5 s, so its ping may be 2.5 s late (a lost segment or two). */
export const SILENCE_LIMIT_MS = 7_500
/** A timer that fires this much late means that the host slept or the process was stopped: nobody could be heard. */
export const GAP_MS = 1_000

export type KeepAliveStep = 'wait' | 'ping' | 'dead'

export class KeepAlive {
  readonly #dialled: boolean
  #pingedAt: number | undefined
  #dueAt: number

  constructor(dialled: boolean, now: number) {
    this.#dialled = dialled
    this.#dueAt = now + (dialled ? PING_AFTER_MS : SILENCE_LIMIT_MS)
  }

  /** When {@link KeepAlive.wake} wants to be called next, on the clock of the `now` it is given. */
  get dueAt(): number {
    return this.#dueAt
  }

  /** What to do now. After `dead` there is nothing more to ask. */
  wake(now: number, lastHeardAt: number, lastSentAt: number): KeepAliveStep {
    const slept = now - this.#dueAt > GAP_MS
    if (this.#pingedAt !== undefined && lastHeardAt < this.#pingedAt) {
      if (slept) return this.#ping(now)
      // A ping that was sent only because we had been quiet says nothing about a peer that was heard a moment before.
      const deadline = Math.max(this.#pingedAt, lastHeardAt + PING_AFTER_MS) + PONG_WITHIN_MS
      if (now >= deadline) return 'dead'
      this.#dueAt = deadline
      return 'wait'
    }
    this.#pingedAt = undefined
    const due = this.#silentAt(lastHeardAt, lastSentAt)
    if (now >= due) return this.#dialled || slept ? this.#ping(now) : 'dead'
    this.#dueAt = due
    return 'wait'
  }

  /**
   * A ping or the answer to one came in: {@link KeepAlive.dueAt} is later now. {@link KeepAlive.wake} would find that out by itself, but
   * between two pings of a quiet connection it then need not be called at all.
   */
  postpone(lastHeardAt: number, lastSentAt: number): void {
    // What came was under way already when we pinged.
    if (this.#pingedAt !== undefined && lastHeardAt < this.#pingedAt) return
    this.#pingedAt = undefined
    this.#dueAt = this.#silentAt(lastHeardAt, lastSentAt)
  }

  #silentAt(lastHeardAt: number, lastSentAt: number): number {
    return this.#dialled ? Math.min(lastHeardAt, lastSentAt) + PING_AFTER_MS : lastHeardAt + SILENCE_LIMIT_MS
  }

  #ping(now: number): KeepAliveStep {
    this.#pingedAt = now
    this.#dueAt = now + PONG_WITHIN_MS
    return 'ping'
  }
}
