import { ErrorNumber } from '../error-number.js'
import { DispatchError, type DispatchErrorCode } from '../errors.js'
import type { Pair } from './live-session.js'

/** What the numbers that come back mean here. */
const CODE_OF: ReadonlyMap<number, DispatchErrorCode> = new Map([
  [ErrorNumber.NO_HANDLER, 'NO_HANDLER'],
  [ErrorNumber.DENIED, 'DENIED'],
  [ErrorNumber.BUSY, 'BUSY'],
  [ErrorNumber.BAD_INPUT, 'BAD_INPUT'],
  [ErrorNumber.HANDLER_FAILED, 'HANDLER_FAILED'],
  [ErrorNumber.TOO_LARGE, 'TOO_LARGE'],
])

const NUMBER_OF: ReadonlyMap<string, number> = new Map([...CODE_OF].map(([number, code]) => [code, number]))

/** The error that the other side answered. */
export function remoteError(pair: Pair, { code, text }: { code: number; text: string }): DispatchError {
  return new DispatchError(CODE_OF.get(code) ?? 'REMOTE_ERROR', `${pair.id.short} answered with error ${code}: ${text}`)
}

/** What the other side is told, and nothing of the insides. */
export function errorNumberOf(error: unknown): number {
  const code = error instanceof DispatchError ? error.code : 'HANDLER_FAILED'
  return NUMBER_OF.get(code) ?? ErrorNumber.HANDLER_FAILED
}
