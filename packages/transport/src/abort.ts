/** All who wait for one signal. */
class Waiting {
  readonly #signal: AbortSignal
  /** By a number for each call: the same `act` may wait twice. */
  readonly #acts = new Map<number, () => void>()
  #lastPlace = 0
  readonly #onAbort = (): void => {
    for (const [place, act] of [...this.#acts]) {
      // One that was called may have made this one leave.
      if (!this.#acts.has(place)) continue
      this.delete(place)
      act()
    }
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(act: () => void): number {
    if (this.#acts.size === 0) this.#signal.addEventListener('abort', this.#onAbort)
    this.#lastPlace += 1
    this.#acts.set(this.#lastPlace, act)
    return this.#lastPlace
  }

  delete(place: number): void {
    if (this.#acts.delete(place) && this.#acts.size === 0) this.#signal.removeEventListener('abort', this.#onAbort)
  }
}

const bySignal = new WeakMap<AbortSignal, Waiting>()

/**
 * Calls `act` when `signal` aborts, unless the function that is returned was called before; call it in any case. However many wait
 * for a signal, it has one listener: many dials may share one, and Node takes the eleventh listener for a leak.
 */
export function whenAborted(signal: AbortSignal | undefined, act: () => void): () => void {
  if (signal === undefined) return () => {}
  const waiting = bySignal.get(signal) ?? new Waiting(signal)
  bySignal.set(signal, waiting)
  const place = waiting.add(act)
  return () => waiting.delete(place)
}

/** `promise`, unless `signal` aborts before: then its reason. What the promise stands for goes on. */
export function untilAborted<Result>(promise: Promise<Result>, signal: AbortSignal | undefined): Promise<Result> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    if (signal.aborted) onAbort()
    const leave = whenAborted(signal, onAbort)
    void promise.finally(leave).then(resolve, reject)
  })
}
