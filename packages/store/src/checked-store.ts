/** The store over a backend: checksums, limits, merging, closing. */
import { untilAborted } from './abort.js'
import type { BackendRange, StoreBackend, StoreChange, StoreDamage, StoreEntry } from './backend.js'
import { checkChanges, checkKey, checkRange } from './checks.js'
import { asStoreError, StoreError } from './errors.js'
import { GroupCommit, type GroupCommitLimits } from './group-commit.js'
import { RangeReader } from './range-reader.js'
import type { Store, StoreRange } from './store.js'
import { openValue, sealValue } from './value-format.js'

export interface StoreLimits extends GroupCommitLimits {
  readonly maxReads: number
}

export class CheckedStore implements Store {
  readonly damage: readonly StoreDamage[]
  readonly #backend: StoreBackend
  readonly #writes: GroupCommit
  readonly #maxReads: number
  readonly #gets = new Set<Promise<unknown>>()
  readonly #ranges = new Set<RangeReader>()
  #closing: Promise<void> | undefined

  constructor(backend: StoreBackend, limits: StoreLimits) {
    this.damage = backend.damage ?? []
    this.#backend = backend
    this.#writes = new GroupCommit((changes) => this.#commit(changes), limits)
    this.#maxReads = limits.maxReads
  }

  async get(key: Uint8Array, options: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array | undefined> {
    checkKey(key)
    this.#checkOpen()
    this.#checkReads()
    options.signal?.throwIfAborted()
    const reading = this.#read(Uint8Array.from(key))
    this.#gets.add(reading)
    // The caller gets the outcome; this is bookkeeping.
    const forget = (): boolean => this.#gets.delete(reading)
    reading.then(forget, forget)
    return await untilAborted(reading, options.signal)
  }

  entries(range: StoreRange = {}): AsyncIterableIterator<StoreEntry> {
    checkRange(range)
    return this.#walk(copyRange(range), range.signal, range.onCorrupt)
  }

  async write(changes: readonly StoreChange[], options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const bytes = checkChanges(changes)
    this.#checkOpen()
    options.signal?.throwIfAborted()
    if (changes.length === 0) return
    await this.#writes.add(changes.map(sealChange), bytes, options.signal)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #commit(changes: readonly StoreChange[]): Promise<void> {
    try {
      await this.#backend.batch(changes)
    } catch (error) {
      throw asStoreError(error, 'the write failed')
    }
  }

  async #read(key: Uint8Array): Promise<Uint8Array | undefined> {
    let stored: Uint8Array | undefined
    try {
      stored = await this.#backend.get(key)
    } catch (error) {
      throw asStoreError(error, 'the read failed')
    }
    return stored === undefined ? undefined : openValue(key, stored)
  }

  async *#walk(
    range: BackendRange,
    signal: AbortSignal | undefined,
    onCorrupt: StoreRange['onCorrupt'],
  ): AsyncGenerator<StoreEntry, void, void> {
    this.#checkOpen()
    this.#checkReads()
    signal?.throwIfAborted()
    const reader = new RangeReader(this.#backend.entries(range), signal)
    this.#ranges.add(reader)
    try {
      for (;;) {
        const chunk = await reader.next()
        if (chunk.length === 0) return
        for (const { key, value: stored } of chunk) {
          reader.throwIfEnded()
          const value = valueOr(onCorrupt, key, stored)
          if (value !== undefined) yield { key, value }
        }
      }
    } finally {
      try {
        await reader.close()
      } finally {
        this.#ranges.delete(reader)
      }
    }
  }

  async #close(): Promise<void> {
    const readers = [...this.#ranges]
    for (const reader of readers) reader.end(closedError())
    await this.#writes.drained()
    await Promise.allSettled([...this.#gets, ...readers.map((reader) => reader.close())])
    try {
      await this.#backend.close()
    } catch (error) {
      throw asStoreError(error, 'closing the store failed')
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }

  #checkReads(): void {
    const reads = this.#gets.size + this.#ranges.size
    if (reads < this.#maxReads) return
    throw new StoreError(
      'STORE_BUSY',
      `${reads} reads are under way, the limit is ${this.#maxReads}: await earlier ones first`,
    )
  }
}

/** The value, or `undefined` when it is bad and `onCorrupt` was told. */
function valueOr(onCorrupt: StoreRange['onCorrupt'], key: Uint8Array, stored: Uint8Array): Uint8Array | undefined {
  try {
    return openValue(key, stored)
  } catch (error) {
    if (onCorrupt === undefined || !(error instanceof StoreError)) throw error
    onCorrupt(error)
    return undefined
  }
}

function sealChange(change: StoreChange): StoreChange {
  const key = Uint8Array.from(change.key)
  return change.type === 'put' ? { type: 'put', key, value: sealValue(key, change.value) } : { type: 'delete', key }
}

function copyRange(range: StoreRange): BackendRange {
  return {
    reverse: range.reverse ?? false,
    ...(range.from === undefined ? {} : { from: Uint8Array.from(range.from) }),
    ...(range.before === undefined ? {} : { before: Uint8Array.from(range.before) }),
    ...(range.limit === undefined ? {} : { limit: range.limit }),
  }
}

function closedError(): StoreError {
  return new StoreError('STORE_CLOSED', 'the store is closed: nothing can be read or written any more')
}
