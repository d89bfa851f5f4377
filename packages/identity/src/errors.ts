/**
 * What went wrong. Append-only: programs branch on these.
 *
 * - `BAD_PEER_ID`: the bytes or the text are not an acceptable Ed25519 public key
 * - `BAD_RECORD`: a peer record that must not be used, received or about to be signed
 * - `BAD_CERTIFICATE`: a TLS certificate that names no peer
 * - `BAD_NETWORK_NAME`: a network name outside the rules of `openNetwork`
 * - `BAD_ARGUMENT`: the calling program broke a contract (seed length, domain, epoch, sequence)
 * - `KEY_CORRUPT`: the key file exists and holds no usable key; it is never replaced
 * - `KEY_PERMISSIONS`: the key file is open to other users of the machine
 * - `KEY_UNREADABLE`: the key file exists and cannot be read
 * - `KEY_UNWRITABLE`: no key file exists and none can be made
 * - `BAD_NETWORK_SECRET`: a network secret outside the rules of `openNetwork`; the text never has the secret
 * - `SESSION_EXHAUSTED`: a datagram session has sealed as many datagrams as it may
 */
export type IdentityErrorCode =
  | 'BAD_PEER_ID'
  | 'BAD_RECORD'
  | 'BAD_CERTIFICATE'
  | 'BAD_NETWORK_NAME'
  | 'BAD_ARGUMENT'
  | 'KEY_CORRUPT'
  | 'KEY_PERMISSIONS'
  | 'KEY_UNREADABLE'
  | 'KEY_UNWRITABLE'
  | 'BAD_NETWORK_SECRET'
  | 'SESSION_EXHAUSTED'

/** The one error class of this package; branch on `code`. */
export class IdentityError extends Error {
  override name = 'IdentityError'
  readonly code: IdentityErrorCode
  /** The key file, for the `KEY_…` codes. */
  readonly path: string | undefined

  constructor(code: IdentityErrorCode, message: string, options: { cause?: unknown; path?: string } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.path = options.path
  }
}
