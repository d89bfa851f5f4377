import type { Value } from '@pc/wire'
import { ControlError } from './errors.js'

/** Bytes kept for a reader while its client may not stop reading the socket, because others wait for answers. */
const MAX_KEPT_BYTES = 16_777_216

/** What an item costs beside its bytes on the wire: a guess. */
const ITEM_COST = 64

export interface ClientStreamOptions {
  /** Called when items are kept or taken, and when the reader starts to wait. */
  readonly onChange: () => void
  /** Called when the reader stops, or fell too far behind, before the end. */
  readonly onStop: () => void
}

interface Waiter {
  resolve(result: IteratorResult<Value>): void
  reject(error: unknown): void
}

/** The answers to one streaming command, as the program reads them. */
export class ClientStream implements AsyncIterableIterator<Value> {
  readonly #options: ClientStreamOptions
  #items: { value: Value; bytes: number }[] = []
  #bytes = 0
  readonly #waiters: Waiter[] = []
  /** Set once nothing more comes; `error` is thrown once, after the items. */
  #over: { error?: unknown } | undefined

  constructor(options: ClientStreamOptions) {
    this.#options = options
  }

  /** Items that wait for the reader. */
  get backlog(): number {
    return this.#items.length
  }

  /** Whether the reader waits for an item. */
  get awaited(): boolean {
    return this.#waiters.length > 0
  }

  /** Whether there is nothing left for the reader but the end. */
  get done(): boolean {
    return this.#over !== undefined && this.#items.length === 0
  }

  push(value: Value, bytes: number): void {
    if (this.#over !== undefined) return
    const waiter = this.#waiters.shift()
    if (waiter !== undefined) {
      waiter.resolve({ done: false, value })
      return
    }
    if (this.#bytes + bytes + ITEM_COST > MAX_KEPT_BYTES) {
      const text = `${this.#items.length} items wait to be read, which is the limit: read faster`
      this.finish({ error: new ControlError('SLOW_CLIENT', text) })
      this.#options.onStop()
      return
    }
    this.#items.push({ value, bytes: bytes + ITEM_COST })
    this.#bytes += bytes + ITEM_COST
    this.#options.onChange()
  }

  /** Nothing more comes. What is kept is still delivered, then `error`, if there is one, is thrown once. */
  finish(over: { error?: unknown }): void {
    if (this.#over !== undefined) return
    this.#over = over
    for (const waiter of this.#waiters.splice(0)) this.#last().then(waiter.resolve, waiter.reject)
  }

  /** Ends at once with `error`: what is kept is dropped. */
  fail(error: unknown): void {
    this.#drop()
    this.finish({ error })
  }

  next(): Promise<IteratorResult<Value>> {
    const item = this.#items.shift()
    if (item !== undefined) {
      this.#bytes -= item.bytes
      this.#options.onChange()
      return Promise.resolve({ done: false, value: item.value })
    }
    if (this.#over !== undefined) return this.#last()
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject })
      this.#options.onChange()
    })
  }

  return(): Promise<IteratorResult<Value>> {
    const early = this.#over === undefined
    this.#drop()
    this.finish({})
    this.#over = {}
    if (early) this.#options.onStop()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #drop(): void {
    this.#items = []
    this.#bytes = 0
    this.#options.onChange()
  }

  #last(): Promise<IteratorResult<Value>> {
    const over = this.#over
    this.#over = {}
    if (over !== undefined && 'error' in over) return Promise.reject(over.error)
    return Promise.resolve({ done: true, value: undefined })
  }
}
