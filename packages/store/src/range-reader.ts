import { untilAborted } from './abort.js'
import type { BackendIterator, StoreEntry } from './backend.js'
import { asStoreError } from './errors.js'

/** One range read under way: what the store must be able to end from outside, whether or not somebody is pulling. */
export class RangeReader {
  readonly #iterator: BackendIterator
  readonly #ended = new AbortController()
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = (): void => this.end(this.#signal?.reason)
  #closing: Promise<void> | undefined

  constructor(iterator: BackendIterator, signal: AbortSignal | undefined) {
    this.#iterator = iterator
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Rejects with the reason once ended. */
  async next(): Promise<readonly StoreEntry[]> {
    this.throwIfEnded()
    const chunk = this.#iterator.next().catch((error: unknown) => {
      throw asStoreError(error, 'the range read failed')
    })
    return await untilAborted(chunk, this.#ended.signal)
  }

  throwIfEnded(): void {
    this.#ended.signal.throwIfAborted()
  }

  /** From here on `next()` rejects with `reason`, and the backend's resources are given back. */
  end(reason: unknown): void {
    this.#ended.abort(reason)
    // Whoever iterates, and the closing store, await `close()` and get its error.
    this.close().catch(() => {})
  }

  close(): Promise<void> {
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#closing ??= this.#iterator.close().catch((error: unknown) => {
      throw asStoreError(error, 'ending a range read failed')
    })
    return this.#closing
  }
}
