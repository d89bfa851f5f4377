import type { Clock } from '@pc/transport'

/**
 * One signal for "the caller gave up" and "time is up", and the time that is left. `release` it when the wait is over:
 * until then it hangs on the caller's signal.
 */
export class Deadline {
  readonly #clock: Clock
  readonly #at: number
  readonly #controller = new AbortController()
  readonly #signal: AbortSignal | undefined
  readonly #timer: unknown

  /** `onTime` makes the reason for the case that time is up. */
  constructor(clock: Clock, timeoutMs: number, signal: AbortSignal | undefined, onTime: () => Error) {
    this.#clock = clock
    this.#at = clock.now() + timeoutMs
    this.#signal = signal
    this.#timer = clock.setTimeout(() => this.#controller.abort(onTime()), timeoutMs)
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    if (signal?.aborted) this.#onAbort()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get remainingMs(): number {
    return Math.max(0, this.#at - this.#clock.now())
  }

  release(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#signal?.reason)
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
