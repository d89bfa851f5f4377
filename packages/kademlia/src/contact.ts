/**
 * A contact: a peer and the address where it was met. As long as nobody has proved to be that peer at that address it is a hint, and is
 * kept nowhere but in the lookup that was told of it. So its id is bytes, not yet checked to be a key: that costs more than
 * everything else about a hint, and the handshake with it does it again.
 *
 *     contact = bin: id (32) | port (2, big-endian) | ip (4 or 16)
 */
import { bytesOfHost, PEER_ID_BYTES, type PeerAddress, unicastHost } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import { KademliaError } from './errors.js'
import { type Position, positionOf } from './position.js'

const IP_OFFSET = PEER_ID_BYTES + 2

export interface Contact {
  /** 32 bytes. Shared: do not write into it. */
  readonly id: Uint8Array
  readonly address: PeerAddress
  /** SHA-256 of the id. */
  readonly position: Position
  /** The id as a text of 32 characters U+0000 to U+00FF: what contacts are told apart by, in maps and sets. */
  readonly key: string
}

/** So many contacts go into one datagram, IPv4 alone or with an IPv6 among them. */
export const MAX_HINTS = 20
export const MAX_HINTS_WITH_IPV6 = 16
/** Of one with an IPv6 address. */
export const HINT_BYTES_IPV6: number = IP_OFFSET + 16

/** A contact for an id and an address. Keeps a copy of the id; a `Buffer` of 32 bytes would keep the 8 KiB alive that it is cut from. */
export function contactOf(id: Uint8Array, address: PeerAddress): Contact {
  return { id: new Uint8Array(id), address, position: positionOf(id), key: keyOf(id) }
}

/** The text that tells ids apart. */
export function keyOf(id: Uint8Array): string {
  return keyOfBytes(id)
}

/** What was packed already: a peer names the same contacts all the time. */
const packed = new WeakMap<Contact, Uint8Array>()

/**
 * 38 bytes with an IPv4 address, 50 with an IPv6 one; undefined for one with a scope, which says nothing to another machine. Shared: do not write
 * into it.
 */
export function packContact(contact: Contact): Uint8Array | undefined {
  const known = packed.get(contact)
  if (known !== undefined) return known
  const { id, address } = contact
  const ip = bytesOfHost(address.host)
  if (ip === undefined) return undefined
  const bytes = new Uint8Array(IP_OFFSET + ip.length)
  bytes.set(id)
  bytes[PEER_ID_BYTES] = address.port >> 8
  bytes[PEER_ID_BYTES + 1] = address.port & 0xff
  bytes.set(ip, IP_OFFSET)
  packed.set(contact, bytes)
  return bytes
}

/** What was read already, by the text of its bytes: most answers of a lookup name the same peers, and a hash costs more than looking. */
export type ReadContacts = Map<string, Contact>

/** Reads what `packContact` wrote; the result owns its bytes. @throws KademliaError BAD_MESSAGE */
export function readContact(bytes: Uint8Array, known?: ReadContacts): Contact {
  const text = known === undefined ? '' : keyOf(bytes)
  const before = known?.get(text)
  if (before !== undefined) return before
  const contact = contactIn(bytes)
  known?.set(text, contact)
  return contact
}

function contactIn(bytes: Uint8Array): Contact {
  const host = unicastHost(bytes.subarray(IP_OFFSET))
  const port = ((bytes[PEER_ID_BYTES] ?? 0) << 8) | (bytes[PEER_ID_BYTES + 1] ?? 0)
  if (host !== undefined && port !== 0) return contactOf(bytes.subarray(0, PEER_ID_BYTES), { host, port })
  throw new KademliaError(
    'BAD_MESSAGE',
    `a contact is an id, a port and a unicast IP address, got ${bytes.length} bytes`,
  )
}
