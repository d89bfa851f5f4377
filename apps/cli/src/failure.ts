import { ControlError, type ControlErrorCode } from '@pc/control/client'
import { ExitCode } from './exit-codes.js'
import { Interruption } from './io.js'

/** A failure as it is told: what happened, what to do next, and the number for scripts. */
export interface Failure {
  readonly exitCode: ExitCode
  /** Stable name, in JSON. */
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** Thrown by commands for what goes wrong on this side of the socket. */
export class CliError extends Error {
  override name = 'CliError'
  readonly code: 'USAGE' | 'START_FAILED' | 'BAD_ANSWER' | 'TOO_LARGE'
  readonly hint: string | undefined

  constructor(code: CliError['code'], message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.hint = options.hint
  }
}

/** undefined for an end that needs no words. */
export function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Interruption) return interruption(error)
  if (error instanceof ControlError) return controlFailure(error)
  if (error instanceof CliError) {
    const exitCode = error.code === 'USAGE' || error.code === 'TOO_LARGE' ? ExitCode.USAGE : ExitCode.FAILURE
    return { exitCode, code: error.code, message: error.message, hint: error.hint }
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return {
    exitCode: ExitCode.FAILURE,
    code: 'INTERNAL',
    message,
    hint: 'this is a fault of pc itself: please report it',
  }
}

function interruption({ cause }: Interruption): Failure | undefined {
  if (cause === 'CLOSED') return undefined
  const exitCode = cause === 'SIGINT' ? ExitCode.INTERRUPTED : ExitCode.TERMINATED
  return { exitCode, code: 'INTERRUPTED', message: `interrupted by ${cause}` }
}

function controlFailure(error: ControlError): Failure {
  const { code, details } = error
  const known = KNOWN[code]
  return {
    exitCode: known?.exitCode ?? ExitCode.FAILURE,
    code,
    message: known?.message ?? error.message,
    hint: known?.hint,
    details,
  }
}

interface Known {
  readonly exitCode: ExitCode
  /** Replaces the daemon's words where a person of the command line is better served by others. */
  readonly message?: string
  readonly hint?: string
}

/** Codes that are not listed exit with 1 and the daemon's own words. */
const KNOWN: { readonly [code in ControlErrorCode]?: Known } = {
  NOT_RUNNING: { exitCode: ExitCode.NOT_RUNNING, message: 'the daemon is not running', hint: 'pc up starts it' },
  CONNECTION_CLOSED: {
    exitCode: ExitCode.NOT_RUNNING,
    message: 'the daemon went away before it answered',
    hint: 'pc status tells whether it is running; its log says why it stopped (daemon.log in the state folder)',
  },
  PEER_NOT_FOUND: { exitCode: ExitCode.PEER_UNREACHABLE, hint: 'pc peers lists who is known' },
  PEER_AMBIGUOUS: { exitCode: ExitCode.PEER_UNREACHABLE, hint: 'name one of them by its id' },
  PEER_OFFLINE: { exitCode: ExitCode.PEER_UNREACHABLE, hint: 'pc peers tells when each peer was last seen' },
  DENIED: { exitCode: ExitCode.DENIED, hint: 'ask the other side to allow it' },
  TIMEOUT: { exitCode: ExitCode.TIMEOUT, hint: '--timeout <ms> waits longer' },
  VERSION_MISMATCH: {
    exitCode: ExitCode.VERSION_MISMATCH,
    hint: 'pc down, then pc up, runs the daemon that came with this pc',
  },
  UNKNOWN_COMMAND: {
    exitCode: ExitCode.VERSION_MISMATCH,
    message: 'the running daemon does not know this command',
    hint: 'pc down, then pc up, runs the daemon that came with this pc',
  },
  BAD_ARGUMENTS: { exitCode: ExitCode.USAGE, hint: 'pc help <command> shows how it is used' },
  BUSY: { exitCode: ExitCode.FAILURE, hint: 'try again in a moment' },
  INTERNAL: { exitCode: ExitCode.FAILURE, hint: 'daemon.log in the state folder says more' },
  SLOW_CLIENT: { exitCode: ExitCode.FAILURE, hint: 'read the output faster, or write it to a file' },
  PATH_TOO_LONG: { exitCode: ExitCode.USAGE, hint: '--state <folder> chooses another' },
  NOT_FOUND: {
    exitCode: ExitCode.NOT_FOUND,
    hint: "names are their author's: --from <peer> reads what another has put",
  },
  CONFLICT: { exitCode: ExitCode.CONFLICT, hint: 'pc get reads what is there' },
  ANSWER_TOO_LARGE: { exitCode: ExitCode.FAILURE, hint: 'ask for less (-n)' },
}
