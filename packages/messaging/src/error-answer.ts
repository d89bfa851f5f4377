/** What of an error goes back to whoever asked: codes and texts meant for others, and nothing of the insides. */
import { WireError } from '@pc/wire'
import { codeOf, isWireErrorName, MessagingError, textOf } from './errors.js'
import type { ErrorBody } from './frames.js'

export function shuttingDown(): MessagingError {
  return new MessagingError('SHUTTING_DOWN', 'this peer is shutting down')
}

export function asMessagingError(error: unknown): MessagingError {
  if (error instanceof MessagingError) return error
  const code = codeOf(error)
  return new MessagingError('HANDLER_FAILED', textOf(error), {
    cause: error,
    retryable: (error as { retryable?: unknown } | null)?.retryable === true,
    ...(code === undefined ? {} : { details: { code } }),
  })
}

/** An error whose author marked its text and code as fit for strangers. */
export function isExposed(error: unknown): boolean {
  return error instanceof Error && (error as { expose?: unknown }).expose === true
}

/**
 * An error of ours goes out under its own number if it has one. One that came from a third peer, or that only means
 * something here, goes out as HANDLER_FAILED, so that the caller does not take it for a word about itself.
 */
export function bodyOf(error: MessagingError): ErrorBody {
  const { code, message: text, retryable, details } = error
  if (!error.remote && isWireErrorName(code) && code !== 'HANDLER_FAILED') return { name: code, text, retryable }
  const shown = code === 'HANDLER_FAILED' && !error.remote ? details?.code : code
  return { name: 'HANDLER_FAILED', text, retryable, ...(typeof shown === 'string' ? { details: { code: shown } } : {}) }
}

export function unfitResult(error: unknown, name: string): MessagingError | undefined {
  if (codeOf(error) === 'TOO_LARGE') {
    return new MessagingError('TOO_LARGE', `the result of "${name}" does not fit into one frame`)
  }
  if (!(error instanceof WireError)) return undefined
  return new MessagingError('BAD_OUTPUT', `the result of "${name}" cannot be encoded`)
}
