export type KademliaErrorCode =
  /** An option is outside its documented range. */
  | 'BAD_OPTION'
  /** Bytes of another peer are no message, contact or record of this protocol. */
  | 'BAD_MESSAGE'
  /** What was to be stored breaks a rule: too long, not signed by its author, not valid for its validator. */
  | 'BAD_RECORD'
  /** There is a newer record than the one that was to be stored, or another than the one it was to replace. */
  | 'CONFLICT'
  /** No peer is known that could be asked. */
  | 'NO_CONTACTS'
  /** The value, or the peer, is not in the network as far as could be asked. */
  | 'NOT_FOUND'
  /** Too few peers stored what was to be stored. */
  | 'NOT_STORED'
  /** As many lookups are under way as may be at a time. */
  | 'BUSY'
  /** It was closed. */
  | 'CLOSED'

/** The one error class of this package. */
export class KademliaError extends Error {
  override name = 'KademliaError'
  readonly code: KademliaErrorCode

  constructor(code: KademliaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
