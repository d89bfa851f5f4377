/** Stable codes with whether the same call can succeed later by itself. Append-only. */
const RETRYABLE = {
  /** `runUntil` gave up: the condition did not hold within its limit, or nothing is scheduled that could make it hold. */
  CONDITION_NOT_REACHED: false,
  /** `advance` or `runUntil` was called while another call was still moving the clock. */
  CLOCK_BUSY: false,
  /** Timers keep scheduling timers without time moving on. */
  RUNAWAY_TIMERS: false,
  /** An argument is outside its documented range. */
  BAD_ARGUMENT: false,
  /** Not an IP literal with a port. */
  ADDRESS_INVALID: false,
  /** Something already has that port. */
  ADDRESS_IN_USE: false,
  /** No interface of this machine has the address. */
  ADDRESS_NOT_AVAILABLE: false,
  /** Nobody listens on that port of that address. */
  CONNECTION_REFUSED: true,
  /** The other side's gate did not let the connection in. */
  CONNECTION_RESET: true,
  /** No answer within the time limit: the machine is off, or a partition swallows everything. */
  CONNECT_TIMEOUT: true,
  /** No host has that address, or no interface of this one leads there. */
  UNREACHABLE: true,
  /** The host at that address proved another id than the one expected. */
  WRONG_PEER: false,
  /** The host at that address proved the dialler's own id. */
  SELF_DIALLED: false,
  /** More bytes than a datagram may have. */
  DATAGRAM_TOO_LARGE: false,
  /** The socket or the listener is closed. */
  SOCKET_CLOSED: false,
  /** On a stream: the other end cut it; the code that Node's own sockets report. */
  ECONNRESET: true,
  /** On a stream: nothing was acknowledged any more, and the sender gave up. */
  ETIMEDOUT: true,
  /** On a stream: a write was under way when the stream was destroyed. */
  ECANCELED: false,
  /** The simulated disk has no room for the batch. */
  STORE_FULL: true,
  /** The simulated disk failed to read, write or sync. */
  STORE_FAILED: true,
  /** The simulated disk already has an open store. */
  STORE_LOCKED: true,
  /** The simulated store was closed, or crashed. */
  STORE_CLOSED: false,
  /** A broadcast address, and the socket was not opened with `broadcast`. */
  BROADCAST_NOT_ALLOWED: false,
  /** A group was to be joined on a socket that is bound to one address. */
  GROUP_NOT_HEARD: false,
  /** A simulated machine has no such thing. */
  NOT_SUPPORTED: false,
} as const

export type TestkitErrorCode = keyof typeof RETRYABLE

/** The one error class of this package. */
export class TestkitError extends Error {
  override name = 'TestkitError'
  readonly code: TestkitErrorCode
  readonly retryable: boolean

  constructor(code: TestkitErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.retryable = RETRYABLE[code]
  }
}
