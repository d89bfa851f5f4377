/** Stable codes of `DiscoveryError`; append-only. */
export type DiscoveryErrorCode = 'INVALID_OPTION'

/** Wrong use of this package. What goes wrong on the network is counted and shown by `status()`, never thrown. */
export class DiscoveryError extends Error {
  override name = 'DiscoveryError'
  readonly code: DiscoveryErrorCode

  constructor(code: DiscoveryErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
