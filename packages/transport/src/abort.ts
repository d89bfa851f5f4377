/** All who wait for one signal. */
class Waiting {
  readonly #signal: AbortSignal
  readonly #acts = new Set<() => void>()
  readonly #onAbort = (): void => {
    // One that is called may make another leave.
    for (const act of [...this.#acts]) if (this.#acts.has(act)) act()
  }

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  add(act: () => void): void {
    if (this.#acts.size === 0) this.#signal.addEventListener('abort', this.#onAbort)
    this.#acts.add(act)
  }

  delete(act: () => void): void {
    this.#acts.delete(act)
    if (this.#acts.size === 0) this.#signal.removeEventListener('abort', this.#onAbort)
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
  // A function of its own for each call: the same `act` may wait twice.
  const once = (): void => {
    waiting.delete(once)
    act()
  }
  waiting.add(once)
  return () => waiting.delete(once)
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
