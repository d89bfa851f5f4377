/** The checks that every implementation of the seam makes in the same words. */
import type { PeerId } from '@pc/identity'
import { MAX_DATAGRAM } from '@pc/wire'
import { type Address, formatAddress } from './address.js'
import { TransportError } from './errors.js'

/**
 * What a dialler makes of the key that was proved to it, before it shows anything of its own.
 * @throws TransportError SELF_DIALLED, WRONG_PEER
 */
export function refuseWrongPeer(own: PeerId, proved: PeerId, address: Address, expect: PeerId | undefined): void {
  if (proved.equals(own)) {
    throw new TransportError('SELF_DIALLED', `${formatAddress(address)} leads back to this peer itself.`, { address })
  }
  if (expect !== undefined && !proved.equals(expect)) {
    throw new TransportError(
      'WRONG_PEER',
      `Expected ${expect.short} at ${formatAddress(address)}, but ${proved.short} answered there.`,
      { address },
    )
  }
}

/** @throws TransportError DATAGRAM_TOO_LARGE */
export function refuseLongDatagram(bytes: Uint8Array, to: Address): void {
  if (bytes.length <= MAX_DATAGRAM) return
  throw new TransportError(
    'DATAGRAM_TOO_LARGE',
    `A datagram may have ${MAX_DATAGRAM} bytes, but this one has ${bytes.length}; send it over a connection.`,
    { address: to },
  )
}
