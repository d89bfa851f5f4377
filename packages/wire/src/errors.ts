/**
 * What can go wrong, append-only: a code keeps its meaning for ever, since other programs and the vectors name them.
 * The class says whose fault it is: `InvalidPacketError` for bytes that came in, plain `WireError` for our own misuse.
 */
export type WireErrorCode =
  // our own misuse
  | 'UNENCODABLE' // a value that has no form on the wire, see `Value`
  | 'TOO_LARGE' // the encoded bytes would exceed the limit
  | 'BAD_LIMIT' // a limit outside its range
  | 'BAD_FIELD' // a datagram field outside its range
  | 'DECODER_CLOSED' // push() after end()
  // values
  | 'TRUNCATED' // the bytes end before the value does, or a declared length exceeds the bytes present
  | 'TRAILING_BYTES' // bytes left over after the value
  | 'TOO_DEEP' // more nested arrays and maps than allowed (also when encoding)
  | 'TOO_MANY_ELEMENTS' // more array items and map members than allowed (also when encoding)
  | 'EXTENSION_TYPE' // a msgpack extension, timestamps and record definitions included
  | 'RESERVED_BYTE' // 0xc1
  | 'BAD_KEY' // a map key that is not a string
  | 'DUPLICATE_KEY'
  | 'FORBIDDEN_KEY' // __proto__ (also when encoding)
  | 'BAD_UTF8'
  | 'INTEGER_RANGE' // an integer beyond ±(2^53 - 1)
  // envelopes (also when encoding)
  | 'BAD_ENVELOPE' // not an array of five
  | 'VERSION_UNSUPPORTED' // of an envelope or of a datagram
  | 'BAD_HEADER'
  | 'BAD_ID'
  | 'BAD_PEER_ID'
  // frames
  | 'EMPTY_FRAME' // declared length 0
  | 'FRAME_TOO_LARGE' // declared length over the limit
  | 'FRAME_TRUNCATED' // the stream ended inside a frame
  // datagrams
  | 'DATAGRAM_TOO_SHORT'
  | 'DATAGRAM_TOO_LARGE'
  | 'ROOT_CODE_UNKNOWN'
  | 'PROTECTION_UNKNOWN'

export interface WireErrorOptions extends ErrorOptions {
  /** Where in the bytes, counted from the first byte handed in. */
  offset?: number
  /** Where in the value, as in `$.items[3].when`. */
  path?: string
}

/** Something could not be put on the wire or read from it. Repeating the call cannot help. */
export class WireError extends Error {
  override name = 'WireError'
  readonly code: WireErrorCode
  /** Where in the bytes, if bytes came in and the place is known. */
  readonly offset: number | undefined
  /** Where in the value, if a value was to be encoded. */
  readonly path: string | undefined

  constructor(code: WireErrorCode, message: string, options?: WireErrorOptions) {
    super(message, options)
    this.code = code
    this.offset = options?.offset
    this.path = options?.path
  }
}

/**
 * Somebody else sent bytes that this protocol refuses: the only error that reading bytes throws.
 * The message never quotes the bytes, so it is safe to log.
 */
export class InvalidPacketError extends WireError {
  override name = 'InvalidPacketError'
}
