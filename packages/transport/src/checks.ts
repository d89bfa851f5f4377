/** The checks that every implementation of the seam makes in the same words. */
import type { PeerId } from '@pc/identity'
import { MAX_DATAGRAM } from '@pc/wire'
import { type Address, familyOf, formatAddress, isMulticast, isWildcard } from './address.js'
import { TransportError } from './errors.js'

/**
 * What a dialler makes of the key that was proved to it, before it shows anything of its own.
 * @throws TransportError SELF_DIALLED, WRONG_PEER
 */
export function refuseWrongPeer(own: PeerId, proved: PeerId, address: Address, expect: PeerId | undefined): void {
  if (proved.equals(own)) throw selfDialled(address)
  if (expect !== undefined && !proved.equals(expect)) {
    throw new TransportError(
      'WRONG_PEER',
      `Expected ${expect.short} at ${formatAddress(address)}, but ${proved.short} answered there.`,
      { address },
    )
  }
}

export function selfDialled(address: Address): TransportError {
  return new TransportError('SELF_DIALLED', `${formatAddress(address)} leads back to this peer itself.`, { address })
}

/** For a dialler whose connection the other side's gate did not let in. */
export function notLetIn(address: Address): TransportError {
  return new TransportError('CONNECTION_RESET', `${formatAddress(address)} cut the connection at once.`, { address })
}

export function listenerClosed(address: Address): TransportError {
  return new TransportError('SOCKET_CLOSED', `The listener at ${formatAddress(address)} was closed.`, { address })
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

/**
 * That `group` can be joined by a socket that is bound to `bound`.
 * @throws TransportError ADDRESS_INVALID, GROUP_NOT_HEARD
 */
export function requireGroup(group: string, bound: string): void {
  const family = familyOf(bound)
  if (familyOf(group) !== family || !isMulticast(group)) {
    throw new TransportError(
      'ADDRESS_INVALID',
      `Expected the address of a multicast group of IPv${family}, but got ${JSON.stringify(group)}.`,
    )
  }
  if (isWildcard(bound) || isMulticast(bound)) return
  throw new TransportError(
    'GROUP_NOT_HEARD',
    `A socket bound to ${bound} hears no groups on most systems: bind it to ${family === 4 ? '0.0.0.0' : '::'} to join ${group}.`,
  )
}

/** For a datagram to `to`, which is a broadcast address, on a socket that may not. */
export function broadcastNotAllowed(to: Address, cause?: unknown): TransportError {
  return new TransportError(
    'BROADCAST_NOT_ALLOWED',
    `${to.host} is a broadcast address: open the socket with the option broadcast to send there.`,
    { address: to, cause },
  )
}

/** For a datagram to an address of the family that the socket does not have. */
export function otherFamily(to: Address, bound: Address): TransportError {
  return new TransportError(
    'UNREACHABLE',
    `Nothing leads from ${formatAddress(bound)} to ${formatAddress(to)}: that is the other IP version.`,
    { address: to },
  )
}
