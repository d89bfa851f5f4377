export type MembershipErrorCode =
  /** An option is outside its documented range. */
  | 'BAD_OPTION'
  /** A check got no connection within its time. Seen in logs and in the detail of an offline peer only. */
  | 'CHECK_TIMEOUT'
  /** A state change that the rules do not allow: a fault of this package, not of its user. */
  | 'ILLEGAL_TRANSITION'
  /** What came from a peer is no packet of this protocol. Counted, and seen by users of the decoders only. */
  | 'BAD_PACKET'
  /** Neither a datagram nor a connection brought an answer to a `ping`. */
  | 'NO_ANSWER'
  /** As many pings as may be under way are: wait for some. */
  | 'BUSY'
  | 'CLOSED'

/** The one error class of this package. */
export class MembershipError extends Error {
  override name = 'MembershipError'
  readonly code: MembershipErrorCode

  constructor(code: MembershipErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
