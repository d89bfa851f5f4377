import { ErrorNumber } from '@pc/dispatch'

/** Codes that travel between peers; as local errors they mean the same. */
export type WireErrorName = keyof typeof ErrorNumber

/** Stable codes of `MessagingError`; append-only. */
export type MessagingErrorCode =
  | WireErrorName
  | 'SELF'
  | 'PEER_OFFLINE'
  | 'OUTBOX_FULL'
  | 'CONNECTION_LOST'
  | 'NOT_ACKNOWLEDGED'
  | 'BAD_PAYLOAD'
  | 'BAD_REPLY'
  | 'BAD_ARGUMENT'
  | 'HANDLER_EXISTS'
  | 'FELL_BEHIND'
  | 'REMOTE_ERROR'
  | 'CLOSED'

const RETRYABLE: ReadonlySet<MessagingErrorCode> = new Set([
  'BUSY',
  'DEADLINE',
  'SHUTTING_DOWN',
  'INBOX_REFUSED',
  'OUT_OF_ORDER',
  'PEER_OFFLINE',
  'OUTBOX_FULL',
  'CONNECTION_LOST',
  'NOT_ACKNOWLEDGED',
  'FELL_BEHIND',
])

export interface MessagingErrorOptions {
  readonly cause?: unknown
  /** Whether the same call can succeed later unchanged. @default by code */
  readonly retryable?: boolean
  /** The other peer said it, not this one. @default false */
  readonly remote?: boolean
  /** What the code of a handler on the other side adds, e.g. its own error code. */
  readonly details?: { readonly [key: string]: unknown }
}

/**
 * Everything this package throws or rejects with, except `signal.reason` of a signal that was passed in.
 *
 * A request handler may throw one itself: its code and text reach the caller. Any other exception reaches the caller
 * as HANDLER_FAILED with a neutral text, unless it carries `expose: true`.
 */
export class MessagingError extends Error {
  override name = 'MessagingError'
  readonly code: MessagingErrorCode
  /** Whether the same call can succeed later unchanged. */
  readonly retryable: boolean
  /** `true`: the other peer answered this; `false`: it was found out here. */
  readonly remote: boolean
  readonly details: { readonly [key: string]: unknown } | undefined

  constructor(code: MessagingErrorCode, message: string, options: MessagingErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.retryable = options.retryable ?? RETRYABLE.has(code)
    this.remote = options.remote ?? false
    this.details = options.details
  }
}

const NAMES: ReadonlyMap<number, WireErrorName> = new Map(
  Object.entries(ErrorNumber).map(([name, number]) => [number, name as WireErrorName]),
)

/** `undefined` for a number that a later version added. */
export function errorNameOf(number: number): WireErrorName | undefined {
  return NAMES.get(number)
}

export function isWireErrorName(code: string): code is WireErrorName {
  return Object.hasOwn(ErrorNumber, code)
}

/** The `code` of an error of another package, if it has one. */
export function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' ? code : undefined
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
