export type NetlabErrorCode =
  /** ip(8), nft(8) or tc(8) said no; the text has the command and what it said. */
  | 'COMMAND_FAILED'
  /** A name, a share, a rate or a number of hosts that cannot be. */
  | 'BAD_ARGUMENT'
  /** The host is off, or the program on it has ended. */
  | 'NOT_RUNNING'
  /** The daemons could not be built. */
  | 'BUILD_FAILED'
  /** A scenario took longer than it may. */
  | 'TIME_LIMIT'

export class NetlabError extends Error {
  override readonly name = 'NetlabError'
  readonly code: NetlabErrorCode

  constructor(code: NetlabErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options)
    this.code = code
  }
}
