export type GossipErrorCode =
  /** An option is outside its documented range. */
  | 'BAD_OPTION'
  /** Bytes of another peer are no packet of this protocol. */
  | 'BAD_PACKET'
  /** Bytes are no rumor, or what was to be published cannot be one: its topic, its length, its time to live. */
  | 'BAD_RUMOR'
  /** This peer publishes faster than others would carry: wait a little and publish again. */
  | 'RATE_LIMITED'
  /** As many searches of this peer are under way as may be at a time. */
  | 'BUSY'
  /** It was closed. */
  | 'CLOSED'

/** The one error class of this package. */
export class GossipError extends Error {
  override name = 'GossipError'
  readonly code: GossipErrorCode

  constructor(code: GossipErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  /** Whether the same call may succeed a little later. */
  get retryable(): boolean {
    return this.code === 'RATE_LIMITED' || this.code === 'BUSY'
  }
}
