/**
 * Stable codes, each with whether the same call can succeed later unchanged. Append-only: programs branch on them.
 */
const RETRYABLE = {
  /** The calling program broke a documented rule: a key too long, a range upside down. */
  BAD_ARGUMENT: false,
  /** Stored bytes are not what was written. `key` names the entry; without one a file of the store is damaged. */
  STORE_CORRUPT: false,
  /** The entry was written by a later version of this package. */
  STORE_VERSION: false,
  /** No space left for the write, or what the backend needs to go on. Succeeds once there is space again. */
  STORE_FULL: true,
  /** More writes, bytes or reads are waiting than the limits allow. Nothing of this call was done. */
  STORE_BUSY: true,
  /** The backend reported an error, kept as `cause`. After a rejected write, whether it was done is unknown. */
  STORE_FAILED: true,
  /** Another process, or this one, has the store open. */
  STORE_LOCKED: true,
  /** `close()` was called. */
  STORE_CLOSED: false,
} as const

export type StoreErrorCode = keyof typeof RETRYABLE

export interface StoreErrorOptions {
  readonly cause?: unknown
  readonly key?: Uint8Array
  readonly path?: string
}

/** Everything this package throws or rejects with, except `signal.reason` of a signal that was passed in. */
export class StoreError extends Error {
  override name = 'StoreError'
  readonly code: StoreErrorCode
  /** Whether the same call can succeed later unchanged. */
  readonly retryable: boolean
  /** The entry, with STORE_CORRUPT and STORE_VERSION; a copy. */
  readonly key: Uint8Array | undefined
  /** The folder or file, where there is one. */
  readonly path: string | undefined

  constructor(code: StoreErrorCode, message: string, options: StoreErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.retryable = RETRYABLE[code]
    this.key = options.key === undefined ? undefined : Uint8Array.from(options.key)
    this.path = options.path
  }
}

/** What a backend threw, as the error callers get. A code of this package stays; so does the text. */
export function asStoreError(error: unknown, doing: string): StoreError {
  if (error instanceof StoreError) return error
  const { code, message } = Object(error) as { code?: unknown; message?: unknown }
  const text = `${doing}: ${typeof message === 'string' ? message : String(error)}`
  if (typeof code === 'string' && Object.hasOwn(RETRYABLE, code)) {
    return new StoreError(code as StoreErrorCode, text, { cause: error })
  }
  return new StoreError(code === 'ENOSPC' || code === 'EDQUOT' ? 'STORE_FULL' : 'STORE_FAILED', text, { cause: error })
}

/** A key for people: as text where it is plain ASCII, else as hex; cut after 64 bytes. */
export function describeKey(key: Uint8Array): string {
  const shown = Buffer.from(key.subarray(0, 64))
  const plain = shown.every((byte) => byte >= 0x20 && byte < 0x7f)
  return `${plain ? JSON.stringify(shown.toString('latin1')) : `0x${shown.toString('hex')}`}${key.length > 64 ? '…' : ''}`
}
