import type { StoreBackend } from './backend.js'
import { CheckedStore } from './checked-store.js'
import { checkCount } from './checks.js'
import { StoreError } from './errors.js'
import { openLevelBackend } from './level-backend.js'
import { DEFAULT_MAX_READS, DEFAULT_MAX_WAITING_BYTES, DEFAULT_MAX_WAITING_WRITES } from './limits.js'
import type { Store } from './store.js'

interface StoreLimitOptions {
  /** Bytes of keys and values in writes that wait for a batch to begin. More: STORE_BUSY. @default 67,108,864 */
  readonly maxWaitingBytes?: number
  /** Writes that wait for a batch to begin. More: STORE_BUSY. @default 65,536 */
  readonly maxWaitingWrites?: number
  /** Gets and range reads under way. More: STORE_BUSY. @default 4,096 */
  readonly maxReads?: number
}

export type StoreOptions = StoreLimitOptions &
  (
    | {
        /** The folder of a LevelDB database: for this store alone, made when it is missing (for its owner only). */
        readonly path: string
      }
    | {
        /** Where to keep the bytes instead. The store owns it from here on and closes it. */
        readonly backend: StoreBackend
      }
  )

/**
 * Opens a store. Look at `damage` of what you get.
 * @throws StoreError BAD_ARGUMENT; with `path` also STORE_LOCKED, STORE_CORRUPT, STORE_FULL, STORE_FAILED
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const maxWaitingBytes = options.maxWaitingBytes ?? DEFAULT_MAX_WAITING_BYTES
  const maxWaitingWrites = options.maxWaitingWrites ?? DEFAULT_MAX_WAITING_WRITES
  const maxReads = options.maxReads ?? DEFAULT_MAX_READS
  checkCount('maxWaitingBytes', maxWaitingBytes)
  checkCount('maxWaitingWrites', maxWaitingWrites)
  checkCount('maxReads', maxReads)
  const { path, backend } = options as { path?: unknown; backend?: StoreBackend }
  const isPath = typeof path === 'string' && path !== ''
  if (isPath === (backend !== undefined)) {
    throw new StoreError('BAD_ARGUMENT', 'openStore needs either { path: a folder } or { backend }')
  }
  return new CheckedStore(backend ?? (await openLevelBackend(path as string)), {
    maxWaitingBytes,
    maxWaitingWrites,
    maxReads,
  })
}
