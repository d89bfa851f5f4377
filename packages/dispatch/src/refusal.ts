import { DispatchError, type DispatchErrorCode } from './errors.js'

/**
 * An error without a stack, for an event that is not taken or a peer that is silent: such errors are made as fast as strangers send or are gone,
 * the stack is most of what they cost, and it would only name whoever called `dispatch`, or a timer.
 */
export function refusal(code: DispatchErrorCode, message: string, header?: string): DispatchError {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return new DispatchError(code, message, header === undefined ? {} : { header })
  } finally {
    Error.stackTraceLimit = limit
  }
}
