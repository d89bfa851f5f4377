import type { SecureStream } from './network-protocol.js'

/**
 * Whether a stream can still be written to and read from, as far as this side knows now: it was neither ended nor destroyed here, and no
 * end of the other side (FIN) or reset was seen. What stands behind bytes that nobody has read yet is not seen, and a machine that lost
 * its power says nothing at all: `Connection.closed` and the pings of control connections tell in time.
 */
export function isConnected({ duplex }: Pick<SecureStream, 'duplex'>): boolean {
  return duplex.readable && duplex.writable
}
