/**
 * Why a connection ended. The position in the list is the number inside a GOAWAY frame, so the list is append-only.
 * The codes from PING_TIMEOUT on are normally seen on one side only: the other is not reachable to be told.
 */
export const CLOSE_CODES = [
  /** The peer stops, or leaves this network. */
  'LEAVING',
  /** The pair has another connection; what was on its way here has been delivered. */
  'DUPLICATE',
  /** The peer is stopping and takes nothing new. */
  'SHUTTING_DOWN',
  /** HELLO named another network. */
  'OTHER_NETWORK',
  /** No protocol version that both sides speak. */
  'VERSION_MISMATCH',
  /** Bytes that no correct peer sends. */
  'PROTOCOL_ERROR',
  /** A limit of the side that closed is reached. */
  'BUSY',
  /** Unused for long. */
  'IDLE',
  /** The same peer has come back with another boot id; this connection led to the process before. */
  'RESTARTED',
  /** No HELLO in time. */
  'HELLO_TIMEOUT',
  /** Closed by its owner without a special reason. */
  'CLOSED',
  /** No answer to a ping, or nothing heard for too long. */
  'PING_TIMEOUT',
  /** The other side ended the stream without saying why. */
  'ENDED',
  /** The stream broke. */
  'FAILED',
  /** A reason that this version does not know. */
  'UNKNOWN',
  /** The other side took nothing of what waited for it, or finished no frame that it had begun, for 10 s. */
  'TOO_SLOW',
] as const

export type CloseCode = (typeof CLOSE_CODES)[number]

export interface CloseReason {
  readonly code: CloseCode
  /** True when everything that was sent before had been flushed, as far as this side can know. */
  readonly polite: boolean
  readonly error?: Error
}

const NUMBERS: ReadonlyMap<CloseCode, number> = new Map(CLOSE_CODES.map((code, number) => [code, number]))

/** The number that stands for `code` in a GOAWAY frame. */
export function closeCodeNumber(code: CloseCode): number {
  return NUMBERS.get(code) ?? CLOSE_CODES.length
}

/** The code behind a number from the network; UNKNOWN for one that a later version added. */
export function closeCodeOf(number: number): CloseCode {
  return CLOSE_CODES[number] ?? 'UNKNOWN'
}
