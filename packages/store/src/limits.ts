/** What one call may carry. Fixed: they bound the bytes that one merged batch, one chunk of a range read and one error can hold. */
export const STORE_LIMITS: {
  readonly keyBytes: number
  readonly valueBytes: number
  readonly changes: number
  readonly writeBytes: number
} = Object.freeze({
  /** Bytes of one key, at least 1. Room for a few ids of 32 bytes and sequence numbers. */
  keyBytes: 1_024,
  /** Bytes of one value: the longest message (1 MiB) with what is kept beside it. */
  valueBytes: 2_097_152,
  /** Changes of one write. */
  changes: 16_384,
  /** Keys and values of one write together. */
  writeBytes: 16_777_216,
})

/** A merged batch takes no further write beyond this: it bounds how long the writes in it wait for each other. */
export const MERGED_BYTES = 4_194_304
export const MERGED_CHANGES = 16_384

/** Writes waiting for a batch to begin, whatever their size: each holds a promise and its bookkeeping. */
export const DEFAULT_MAX_WAITING_WRITES = 65_536
/** Their bytes: keys and values. */
export const DEFAULT_MAX_WAITING_BYTES = 67_108_864
/** Gets and range reads under way. */
export const DEFAULT_MAX_READS = 4_096
