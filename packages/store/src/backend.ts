/**
 * The seam below the store: raw ordered bytes. LevelDB, memory and testkit's simulated store implement it; checksums, limits,
 * merging and closing are the store's. A backend may be called in parallel, but never after `close()`, and `batch` only
 * once at a time.
 *
 * Its errors carry a `code` of StoreError, or ENOSPC; anything else becomes STORE_FAILED.
 */

/** What one write changes. Later changes of a write win over earlier ones with the same key. */
export type StoreChange =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }

export interface StoreEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** Keys compare as unsigned bytes, a prefix before what continues it. */
export interface BackendRange {
  /** The least key, included. */
  readonly from?: Uint8Array
  /** The end, not included. */
  readonly before?: Uint8Array
  /** From the greatest key down. */
  readonly reverse: boolean
  /** Entries at most. */
  readonly limit?: number
}

/** A walk over the state as it was when `entries()` was called. */
export interface BackendIterator {
  /** The next entries in order, as many as the backend finds sensible (about 64 KiB); none at the end. One call at a time. */
  next(): Promise<readonly StoreEntry[]>
  /** Releases everything, also while a `next()` is under way; idempotent. */
  close(): Promise<void>
}

/** Something that the backend dropped or found damaged when it was opened. */
export interface StoreDamage {
  /** Where: a file of the store. */
  readonly file: string
  /** What is wrong and what it means, for people. */
  readonly text: string
}

export interface StoreBackend {
  /** What was found when opening. @default nothing */
  readonly damage?: readonly StoreDamage[]
  /** Sees every batch that has resolved. The result belongs to the caller. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  entries(range: BackendRange): BackendIterator
  /**
   * All changes or none, in order; resolves when they survive a power failure. After a rejection they may be there or not, whole, now or
   * after the next opening; later batches must be as safe as before. The arrays stay unchanged until it settles.
   */
  batch(changes: readonly StoreChange[]): Promise<void>
  close(): Promise<void>
}
