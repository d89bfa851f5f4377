import type { StoreChange, StoreDamage, StoreEntry } from './backend.js'
import type { StoreError } from './errors.js'

/** A range of keys and how to walk it. Keys compare as unsigned bytes, a prefix before what continues it. */
export interface StoreRange {
  /** The least key, included. @default from the first */
  readonly from?: Uint8Array
  /** The end, not included. @default to the last */
  readonly before?: Uint8Array
  /** From the greatest key down. @default false */
  readonly reverse?: boolean
  /** Entries read at most, corrupt ones included; at least 1. @default all */
  readonly limit?: number
  readonly signal?: AbortSignal
  /**
   * Called for each entry that does not match its checksum (STORE_CORRUPT) or is of a later format (STORE_VERSION); `error.key`
   * names it, and the walk goes on after it. Without it the walk ends with that error. What it throws ends the walk.
   */
  readonly onCorrupt?: (error: StoreError) => void
}

/**
 * Small durable state: ordered keys, atomic synced batches, range reads, every value checked.
 *
 * Reads see what is durable: every write that has resolved before the read began, and nothing that a power failure could take back.
 * Byte arrays that go in may be changed after the call; those that come out belong to the caller. Everything rejects with StoreError, or
 * with the reason of its signal.
 */
export interface Store extends AsyncDisposable {
  /**
   * What opening found damaged or dropped, in the backend's files. Told once: the backend cleans up when it opens. Entries may be
   * missing; who keeps numbered entries finds out which (`readSequence`).
   */
  readonly damage: readonly StoreDamage[]

  /**
   * The value of one key; `undefined` without one.
   * Rejects with STORE_CORRUPT, STORE_VERSION, STORE_FAILED, STORE_BUSY, STORE_CLOSED, BAD_ARGUMENT.
   */
  get(key: Uint8Array, options?: { readonly signal?: AbortSignal }): Promise<Uint8Array | undefined>

  /**
   * Walks a range as it was when the walk began (its first `next()`), whatever is written meanwhile, in bounded memory. Everything
   * is released when the walk ends in any way, and at the latest by `close()`, which ends it with STORE_CLOSED.
   * @throws StoreError BAD_ARGUMENT at once; the iteration rejects as `get` does
   */
  entries(range?: StoreRange): AsyncIterableIterator<StoreEntry>

  /**
   * All changes or none, in order; later ones win. Resolves when they survive a power failure. Concurrent writes are merged
   * into one synced batch and applied in the order of the calls; writes of one batch share its fate.
   *
   * Rejects with STORE_FULL or STORE_FAILED when that batch failed: it is then unknown whether it was done, until the store is opened
   * again. With STORE_BUSY, STORE_CLOSED, BAD_ARGUMENT, or the reason of the signal, nothing was written; a write whose batch
   * has begun ignores its signal.
   */
  write(changes: readonly StoreChange[], options?: { readonly signal?: AbortSignal }): Promise<void>

  /**
   * Refuses what is new, ends range reads, waits for the writes and gets that were accepted, and closes the backend. Idempotent;
   * rejects with STORE_FAILED when the backend could not be closed properly, resolved writes being safe all the same.
   */
  close(): Promise<void>
}
