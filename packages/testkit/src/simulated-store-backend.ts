/** The shapes of a storage backend, as this package's simulated one has them; structural, so that it fits the seam of a store. */

export type SimulatedChange =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }

export interface SimulatedEntry {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

export interface SimulatedRange {
  readonly from?: Uint8Array
  readonly before?: Uint8Array
  readonly reverse: boolean
  readonly limit?: number
}

export interface SimulatedIterator {
  next(): Promise<readonly SimulatedEntry[]>
  close(): Promise<void>
}

/** What the reader of the log had to drop. */
export interface SimulatedStoreDamage {
  readonly file: string
  readonly text: string
}
