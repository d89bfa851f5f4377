import { DispatchError } from './errors.js'

export interface FeedOptions {
  /** Values kept for one subscriber that has not taken them; the next one ends it with FEED_OVERFLOW. @default 1024 */
  limit?: number
  /** Subscribers at the same time; beyond it `subscribe` throws TOO_MANY_SUBSCRIBERS. @default 1024 */
  maxSubscribers?: number
}

const DEFAULT_LIMIT = 1_024
const DEFAULT_MAX_SUBSCRIBERS = 1_024

/** Hands every published value to every subscriber, in order, without ever waiting for one of them. */
export class Feed<T> {
  readonly #limit: number
  readonly #maxSubscribers: number
  readonly #subscriptions = new Set<Subscription<T>>()
  #closed = false

  constructor(options: FeedOptions = {}) {
    this.#limit = checked('limit', options.limit ?? DEFAULT_LIMIT)
    this.#maxSubscribers = checked('maxSubscribers', options.maxSubscribers ?? DEFAULT_MAX_SUBSCRIBERS)
  }

  /** Subscribers that still receive. */
  get size(): number {
    return this.#subscriptions.size
  }

  /** Returns at once. After `close` the value goes to nobody. */
  publish(value: T): void {
    for (const subscription of [...this.#subscriptions]) subscription.push(value)
  }

  /**
   * Receives what is published from this call on (not from the first `next`), until `break`, `close` or an error. A
   * subscriber that falls behind gets the values kept for it, then FEED_OVERFLOW. When `signal` aborts, kept values
   * are dropped and `next` rejects with its reason.
   * @throws DispatchError TOO_MANY_SUBSCRIBERS
   */
  subscribe(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<T> {
    if (this.#subscriptions.size >= this.#maxSubscribers) {
      const message = `the feed already has ${this.#maxSubscribers} subscribers: end one first`
      throw new DispatchError('TOO_MANY_SUBSCRIBERS', message)
    }
    const subscription: Subscription<T> = new Subscription<T>(this.#limit, options.signal, () => {
      this.#subscriptions.delete(subscription)
    })
    if (options.signal?.aborted) subscription.abort()
    else if (this.#closed) subscription.end()
    else this.#subscriptions.add(subscription)
    return subscription
  }

  /** Ends every subscription once it has delivered what is kept for it. Idempotent. */
  close(): void {
    this.#closed = true
    for (const subscription of [...this.#subscriptions]) subscription.end()
  }
}

interface Waiter<T> {
  resolve(result: IteratorResult<T>): void
  reject(error: unknown): void
}

class Subscription<T> implements AsyncIterableIterator<T> {
  readonly #limit: number
  readonly #signal: AbortSignal | undefined
  readonly #onOver: () => void
  #values: T[] = []
  #waiters: Waiter<T>[] = []
  /** Set once nothing more arrives; `error` is thrown once, after the values. */
  #over: { error?: unknown } | undefined

  constructor(limit: number, signal: AbortSignal | undefined, onOver: () => void) {
    this.#limit = limit
    this.#signal = signal
    this.#onOver = onOver
    signal?.addEventListener('abort', this.abort, { once: true })
  }

  push(value: T): void {
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) waiter.resolve({ done: false, value })
    else if (this.#values.length < this.#limit) this.#values.push(value)
    else this.#finish({ error: this.#overflow() })
  }

  end(): void {
    this.#finish({})
  }

  readonly abort = (): void => {
    this.#values = []
    this.#finish({ error: this.#signal?.reason })
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#values.length > 0) return Promise.resolve({ done: false, value: this.#values.shift() as T })
    if (this.#over !== undefined) return this.#last(this.#over)
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<T>> {
    this.#values = []
    this.#finish({})
    this.#over = {}
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #finish(over: { error?: unknown }): void {
    if (this.#over !== undefined) return
    this.#over = over
    this.#signal?.removeEventListener('abort', this.abort)
    this.#onOver()
    for (const waiter of this.#waiters.splice(0)) this.#last(this.#over).then(waiter.resolve, waiter.reject)
  }

  #last(over: { error?: unknown }): Promise<IteratorResult<T>> {
    if (!('error' in over)) return Promise.resolve({ done: true, value: undefined })
    this.#over = {}
    return Promise.reject(over.error)
  }

  #overflow(): DispatchError {
    const message = `the subscriber fell more than ${this.#limit} values behind: subscribe again and read faster`
    return new DispatchError('FEED_OVERFLOW', message)
  }
}

function checked(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value
  throw new DispatchError('INVALID_ARGUMENT', `expected ${name} to be an integer of at least 1, got ${value}`)
}
