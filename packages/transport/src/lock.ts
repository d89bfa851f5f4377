import { whenAborted } from './abort.js'
import { TransportError } from './errors.js'

/** Who waits for one lock; whoever has more has lost control over its calls. */
const MAX_WAITERS = 1_024

/** Lets one user at a time through, in the order in which they came. */
export class Lock {
  readonly #waiting = new Set<() => void>()
  #held = false

  get held(): boolean {
    return this.#held
  }

  /**
   * Resolves when it is the caller's turn, with the function that ends the turn; call it once, in any case.
   * @throws TransportError RESOURCE_BUSY (1,024 wait already); the signal's reason
   */
  async acquire(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#held) await this.#turn(signal)
    this.#held = true
    let ended = false
    return () => {
      if (ended) return
      ended = true
      this.#pass()
    }
  }

  #pass(): void {
    const [next] = this.#waiting
    // It stays held while it is passed on: nobody can come between.
    if (next === undefined) this.#held = false
    else next()
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= MAX_WAITERS) {
      return Promise.reject(new TransportError('RESOURCE_BUSY', `${MAX_WAITERS} users wait for this lock already.`))
    }
    return new Promise((resolve, reject) => {
      const go = (): void => {
        this.#waiting.delete(go)
        leave()
        resolve()
      }
      this.#waiting.add(go)
      const leave = whenAborted(signal, () => {
        this.#waiting.delete(go)
        reject(signal?.reason)
      })
    })
  }
}
