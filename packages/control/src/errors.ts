/** Stable codes; they travel between daemon and client, so the list is append-only. */
export const CONTROL_ERROR_CODES = [
  /** The other side does not speak this protocol: a frame, an envelope or the order of messages is wrong. */
  'BAD_REQUEST',
  /** The daemon has no command of that name. */
  'UNKNOWN_COMMAND',
  /** The command exists, its arguments do not fit. */
  'BAD_ARGUMENTS',
  /** A limit is reached (sessions, commands in flight, starts at the same moment); try again later. */
  'BUSY',
  /** The command failed in a way it did not foresee; the daemon's log says how. */
  'INTERNAL',
  /** The client cancelled, or the daemon is stopping. */
  'CANCELLED',
  /** No answer within the time allowed. */
  'TIMEOUT',
  /** No daemon answers in that folder. */
  'NOT_RUNNING',
  /** A daemon already answers in that folder. */
  'ALREADY_RUNNING',
  /** The reader of a stream fell too far behind. */
  'SLOW_CLIENT',
  /** Daemon and client speak different versions of this protocol; details.protocol is the daemon's. */
  'VERSION_MISMATCH',
  'PEER_NOT_FOUND',
  /** Several peers fit; details.candidates lists them. */
  'PEER_AMBIGUOUS',
  'PEER_OFFLINE',
  /** The peer, or this daemon, does not permit it. */
  'DENIED',
  /** The peer's handler failed. */
  'REQUEST_FAILED',
  /** The connection between client and daemon ended before the answer. */
  'CONNECTION_CLOSED',
  /** The socket's path does not fit into what the operating system allows. */
  'PATH_TOO_LONG',
  /** Other users of the machine could reach the socket. */
  'FOLDER_UNSAFE',
  /** The answer of a command is larger than a frame may be. */
  'ANSWER_TOO_LARGE',
  /** Our own misuse: a setting, a command's name, two commands of one name. */
  'BAD_OPTION',
  /** Nothing is stored there, as far as peers could be asked. */
  'NOT_FOUND',
  /** Something else is there than was expected; read it and decide anew. */
  'CONFLICT',
] as const

/** Stable name of a failure of this package or of a command. */
export type ControlErrorCode = (typeof CONTROL_ERROR_CODES)[number]

export interface ControlErrorOptions {
  readonly cause?: unknown
  /** Facts for programs; must be encodable as a map of wire values, because it travels with the error. */
  readonly details?: Readonly<Record<string, unknown>> | undefined
}

/** Everything this package throws or rejects with, except the reason of a signal that was passed in. */
export class ControlError extends Error {
  override name = 'ControlError'
  readonly code: ControlErrorCode
  readonly details: Readonly<Record<string, unknown>> | undefined

  constructor(code: ControlErrorCode, message: string, options: ControlErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : {})
    this.code = code
    this.details = options.details
  }
}
