/** Stable codes of `DispatchError`; append-only. */
export type DispatchErrorCode =
  | 'HANDLER_EXISTS'
  | 'NO_HANDLER'
  | 'DENIED'
  | 'BUSY'
  | 'HANDLER_FAILED'
  | 'CLOSED'
  | 'REPLY_TIMEOUT'
  | 'REPLY_ALREADY_EXPECTED'
  | 'TOO_MANY_PENDING'
  | 'FEED_OVERFLOW'
  | 'TOO_MANY_SUBSCRIBERS'
  | 'NO_SOCKET'
  | 'INVALID_ARGUMENT'
  | 'TOO_MANY_MIDDLEWARES'
  | 'PEER_UNREACHABLE'
  | 'BAD_INPUT'
  | 'TOO_LARGE'
  | 'REMOTE_ERROR'

const RETRYABLE: ReadonlySet<DispatchErrorCode> = new Set([
  'BUSY',
  'REPLY_TIMEOUT',
  'PEER_UNREACHABLE',
  'TOO_MANY_PENDING',
  'FEED_OVERFLOW',
  'TOO_MANY_SUBSCRIBERS',
])

/** Everything this package throws or rejects with, except `signal.reason` of a signal that was passed in. */
export class DispatchError extends Error {
  override name = 'DispatchError'
  readonly code: DispatchErrorCode
  /** Whether the same call can succeed later without anything being changed. */
  readonly retryable: boolean
  /** The header the error is about, where there is one. */
  readonly header: string | undefined

  constructor(code: DispatchErrorCode, message: string, options: { cause?: unknown; header?: string } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.retryable = RETRYABLE.has(code)
    this.header = options.header
  }
}
