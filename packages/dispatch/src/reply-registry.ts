import type { Clock } from '@pc/transport'
import { DispatchError } from './errors.js'

export interface ReplyRegistryOptions {
  clock: Clock
  /** Replies awaited at the same time; beyond it `expect` rejects with TOO_MANY_PENDING. @default 1024 */
  limit?: number
}

interface Pending<Reply> {
  resolve(reply: Reply): void
  reject(error: unknown): void
}

const DEFAULT_LIMIT = 1_024 // own requests in flight; a reply on a LAN takes milliseconds

/** Matches replies to the requests that wait for them. Keys are compared as `Map` compares them. */
export class ReplyRegistry<Reply, Key = number> {
  readonly #clock: Clock
  readonly #limit: number
  readonly #pending = new Map<Key, Pending<Reply>>()

  constructor(options: ReplyRegistryOptions) {
    const limit = options.limit ?? DEFAULT_LIMIT
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new DispatchError('INVALID_ARGUMENT', `expected limit to be an integer of at least 1, got ${limit}`)
    }
    this.#clock = options.clock
    this.#limit = limit
  }

  /**
   * Waits for the reply to `key`, from this call on: call it before the request is sent.
   *
   * Rejects with DispatchError REPLY_TIMEOUT after `timeoutMs`, TOO_MANY_PENDING, REPLY_ALREADY_EXPECTED, with
   * `signal.reason`, or with what `reject` was given. A promise that nobody awaits, because sending the request
   * failed, never becomes an unhandled rejection.
   */
  expect(key: Key, options: { timeoutMs: number; signal?: AbortSignal }): Promise<Reply> {
    const promise = this.#expect(key, options)
    promise.catch(ignoreWhenUnawaited)
    return promise
  }

  /** Hands a reply to whoever waits for `key`. `false`: nobody does (any more). */
  resolve(key: Key, reply: Reply): boolean {
    const pending = this.#pending.get(key)
    pending?.resolve(reply)
    return pending !== undefined
  }

  /** Ends the wait for `key` with an error. `false`: nobody waits for it (any more). */
  reject(key: Key, error: unknown): boolean {
    const pending = this.#pending.get(key)
    pending?.reject(error)
    return pending !== undefined
  }

  /** Ends every wait, or those whose key `where` picks, with an error. */
  rejectAll(error: unknown, where: (key: Key) => boolean = () => true): void {
    for (const [key, pending] of [...this.#pending]) {
      if (where(key)) pending.reject(error)
    }
  }

  /** Replies awaited now. */
  get size(): number {
    return this.#pending.size
  }

  #expect(key: Key, { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal }): Promise<Reply> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (this.#pending.has(key)) {
      const message = `a reply to ${String(key)} is already expected: use a new id for each request`
      return Promise.reject(new DispatchError('REPLY_ALREADY_EXPECTED', message))
    }
    if (this.#pending.size >= this.#limit) {
      const message = `${this.#limit} replies are awaited already: wait for some before asking more`
      return Promise.reject(new DispatchError('TOO_MANY_PENDING', message))
    }
    return new Promise<Reply>((resolve, reject) => {
      const finish = (): void => {
        this.#pending.delete(key)
        this.#clock.clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const pending: Pending<Reply> = {
        resolve: (reply) => {
          finish()
          resolve(reply)
        },
        reject: (error) => {
          finish()
          reject(error)
        },
      }
      const onAbort = (): void => pending.reject(signal?.reason)
      const timer = this.#clock.setTimeout(() => {
        pending.reject(new DispatchError('REPLY_TIMEOUT', `no reply to ${String(key)} within ${timeoutMs} ms`))
      }, timeoutMs)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#pending.set(key, pending)
    })
  }
}

/** The rejection still reaches everybody who awaits the promise; this only keeps it from ending the process. */
function ignoreWhenUnawaited(): void {}
