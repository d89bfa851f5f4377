import { DispatchError, type DispatchErrorCode } from './errors.js'

/**
 * An error for an event that is not taken, without a stack: such errors are made as fast as a stranger sends, the stack is most of
 * what they cost, and it would only name whoever called `dispatch`.
 */
export function refusal(code: DispatchErrorCode, message: string, header: string): DispatchError {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return new DispatchError(code, message, { header })
  } finally {
    Error.stackTraceLimit = limit
  }
}
