import type { Clock } from '@pc/transport'
import { MessagingError } from './errors.js'

/** A timer of Node that is set to more would fire at once. */
const MAX_TIMEOUT_MS = 2_147_483_647

/**
 * One signal for "the caller gave up", "time is up" and "messaging is closed", and the time that is left. `release` it when
 * the wait is over: until then it hangs on the caller's signal.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #at: number
  readonly #controller = new AbortController()
  readonly #signal: AbortSignal | undefined
  readonly #timer: unknown

  /**
   * `onTime` makes the reason for the case that time is up. More than 24 days count as 24 days.
   * @throws MessagingError BAD_ARGUMENT
   */
  constructor(clock: Clock, timeoutMs: number, signal: AbortSignal | undefined, onTime: () => Error) {
    if (!(timeoutMs >= 0)) {
      throw new MessagingError('BAD_ARGUMENT', `expected timeoutMs to be a number of at least 0, got ${timeoutMs}`)
    }
    const delayMs = Math.min(timeoutMs, MAX_TIMEOUT_MS)
    this.#clock = clock
    this.#at = clock.now() + delayMs
    this.#signal = signal
    this.#timer = clock.setTimeout(() => this.abort(onTime()), delayMs)
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted) this.#onAbort()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get remainingMs(): number {
    return Math.max(0, this.#at - this.#clock.now())
  }

  /** Ends the wait with `reason`, unless it has ended before. */
  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }

  release(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.abort(this.#signal?.reason)
}

/** The promise, or the signal's reason if that comes first. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    const done = (): void => signal.removeEventListener('abort', onAbort)
    promise.finally(done).then(resolve, reject)
  })
}
