/**
 * The datagrams that lead to a session: root code 0x03, protection HANDSHAKE, all under the network's MAC, so that outsiders of a
 * network with a secret are not even answered. None is longer than the one that it answers. All numbers are big-endian.
 *
 *     every one       03 | 13 | type u8 | key id u32 | … | mac 16 B over everything before
 *     INITIATION      sender index u32 | cookie 16 B, zeros for none | message 1 of the key exchange
 *     RESPONSE        receiver index u32 | message 2, which has the sender's index sealed in it
 *     COOKIE          receiver index u32 | cookie 16 B
 *     RECORD_REQUEST  nonce 8 B | zeros, which nobody reads, 400 bytes in all
 *     RECORD          nonce 8 B | cookie 16 B | seal nonce 12 B | sealed peer record
 *     RESET           receiver index u32 of a session datagram that names no session here
 */
import { MAX_DATAGRAM, PROTOCOL_VERSION, Protection, RootCode } from '@pc/wire'
import { IdentityError } from './errors.js'
import type { Network } from './network.js'
import { MESSAGE_1_OVERHEAD, MESSAGE_2_OVERHEAD } from './noise.js'
import { PEER_ID_BYTES } from './peer-id.js'
import { MAX_RECORD_BYTES } from './peer-record.js'
import { requireIndex } from './sealed-session.js'

/** Append-only. */
export const SessionPacketType = {
  INITIATION: 1,
  RESPONSE: 2,
  COOKIE: 3,
  RECORD_REQUEST: 4,
  RECORD: 5,
  RESET: 6,
} as const

/** Indexes are u32; byte strings are views when read, and are copied when packed. */
export type SessionPacket =
  | { type: 1; senderIndex: number; cookie: Uint8Array; message: Uint8Array }
  | { type: 2; receiverIndex: number; message: Uint8Array }
  | { type: 3; receiverIndex: number; cookie: Uint8Array }
  | { type: 4; nonce: Uint8Array }
  | { type: 5; nonce: Uint8Array; cookie: Uint8Array; sealNonce: Uint8Array; sealed: Uint8Array }
  | { type: 6; receiverIndex: number }

/** Why a packet was not read, in the order of the checks. `length`: no packet of a known type, or of a length that its type has not. */
export type SessionPacketFault = 'length' | 'keyId' | 'mac'

export const COOKIE_BYTES = 16
export const REQUEST_NONCE_BYTES = 8
export const SEAL_NONCE_BYTES = 12
const VERSION_AND_PROTECTION = (PROTOCOL_VERSION << 4) | Protection.HANDSHAKE
const HEADER_BYTES = 7
const MAC_BYTES = 16
const TAG_BYTES = 16
const INDEX_BYTES = 4
/** At least as long as the longest RECORD. */
const RECORD_REQUEST_BYTES = 400
const INITIATION_OFFSET = HEADER_BYTES + INDEX_BYTES + COOKIE_BYTES
const RECORD_OFFSET = HEADER_BYTES + REQUEST_NONCE_BYTES + COOKIE_BYTES + SEAL_NONCE_BYTES
/** What of an INITIATION is left for early data. */
export const MAX_EARLY_BYTES: number = MAX_DATAGRAM - INITIATION_OFFSET - MESSAGE_1_OVERHEAD - PEER_ID_BYTES - MAC_BYTES

/** Whole lengths: from … to. */
const LENGTHS: Readonly<Record<SessionPacket['type'], readonly [least: number, most: number]>> = {
  1: [INITIATION_OFFSET + MESSAGE_1_OVERHEAD + PEER_ID_BYTES + MAC_BYTES, MAX_DATAGRAM],
  2: only(HEADER_BYTES + INDEX_BYTES + MESSAGE_2_OVERHEAD + INDEX_BYTES + MAC_BYTES),
  3: only(HEADER_BYTES + INDEX_BYTES + COOKIE_BYTES + MAC_BYTES),
  4: only(RECORD_REQUEST_BYTES),
  5: [RECORD_OFFSET + TAG_BYTES + MAC_BYTES, RECORD_OFFSET + MAX_RECORD_BYTES + TAG_BYTES + MAC_BYTES],
  6: only(HEADER_BYTES + INDEX_BYTES + MAC_BYTES),
}

/** A whole datagram in a buffer of the caller's own. @throws IdentityError BAD_ARGUMENT for a wrong length, an index that is no u32 */
export function packSessionPacket(network: Network, packet: SessionPacket): Uint8Array {
  const fields = fieldsOf(packet)
  // From Node's pool, which is several times faster than memory of its own; every byte is written.
  const bytes = Buffer.allocUnsafe(packet.type === 4 ? RECORD_REQUEST_BYTES : lengthOf(fields))
  const [least, most] = LENGTHS[packet.type]
  if (bytes.length < least || bytes.length > most) {
    throw new IdentityError('BAD_ARGUMENT', `expected a packet of ${least} to ${most} bytes, got ${bytes.length}`)
  }
  bytes[0] = RootCode.SESSION
  bytes[1] = VERSION_AND_PROTECTION
  bytes[2] = packet.type
  bytes.writeUInt32BE(network.keyId, 3)
  let offset = HEADER_BYTES
  for (const field of fields) {
    if (typeof field === 'number') {
      requireIndex(field)
      offset = bytes.writeUInt32BE(field, offset)
    } else {
      bytes.set(field, offset)
      offset += field.length
    }
  }
  const macOffset = bytes.length - MAC_BYTES
  bytes.fill(0, offset, macOffset)
  bytes.set(network.mac(bytes.subarray(0, macOffset)), macOffset)
  return bytes
}

/**
 * The type of a datagram of root code SESSION and protection HANDSHAKE, before anything costly: `undefined` for another header, an
 * unknown type, and a length that its type cannot have.
 */
export function sessionPacketTypeOf(bytes: Uint8Array): SessionPacket['type'] | undefined {
  // The MAC key serves announcements too: without this a packet of theirs could be taken for one of these.
  if (bytes[0] !== RootCode.SESSION || bytes[1] !== VERSION_AND_PROTECTION) return undefined
  const type = bytes[2] as SessionPacket['type']
  const lengths = LENGTHS[type]
  if (lengths === undefined) return undefined
  return bytes.length >= lengths[0] && bytes.length <= lengths[1] ? type : undefined
}

/** The index of the receiver's own that a RESPONSE or COOKIE names. @param bytes of a length that {@link sessionPacketTypeOf} accepts */
export function receiverIndexOf(bytes: Uint8Array): number {
  return viewOf(bytes).readUInt32BE(HEADER_BYTES)
}

/** Takes a packet apart once its MAC is right. Never throws. */
export function readSessionPacket(network: Network, bytes: Uint8Array): SessionPacket | SessionPacketFault {
  const type = sessionPacketTypeOf(bytes)
  if (type === undefined) return 'length'
  const buffer = viewOf(bytes)
  if (buffer.readUInt32BE(3) !== network.keyId) return 'keyId'
  const macOffset = buffer.length - MAC_BYTES
  if (!network.verify(buffer.subarray(0, macOffset), buffer.subarray(macOffset))) return 'mac'
  const first = HEADER_BYTES + INDEX_BYTES
  switch (type) {
    case 1:
      return {
        type,
        senderIndex: buffer.readUInt32BE(HEADER_BYTES),
        cookie: buffer.subarray(first, INITIATION_OFFSET),
        message: buffer.subarray(INITIATION_OFFSET, macOffset),
      }
    case 2:
      return {
        type,
        receiverIndex: buffer.readUInt32BE(HEADER_BYTES),
        message: buffer.subarray(first, macOffset),
      }
    case 3:
      return { type, receiverIndex: buffer.readUInt32BE(HEADER_BYTES), cookie: buffer.subarray(first, macOffset) }
    case 4:
      return { type, nonce: buffer.subarray(HEADER_BYTES, HEADER_BYTES + REQUEST_NONCE_BYTES) }
    case 5: {
      const cookieAt = HEADER_BYTES + REQUEST_NONCE_BYTES
      const sealNonceAt = cookieAt + COOKIE_BYTES
      return {
        type,
        nonce: buffer.subarray(HEADER_BYTES, cookieAt),
        cookie: buffer.subarray(cookieAt, sealNonceAt),
        sealNonce: buffer.subarray(sealNonceAt, RECORD_OFFSET),
        sealed: buffer.subarray(RECORD_OFFSET, macOffset),
      }
    }
    case 6:
      return { type, receiverIndex: buffer.readUInt32BE(HEADER_BYTES) }
    default:
      return type satisfies never
  }
}

function fieldsOf(packet: SessionPacket): readonly (number | Uint8Array)[] {
  switch (packet.type) {
    case 1:
      return [packet.senderIndex, exactly(packet.cookie, COOKIE_BYTES), packet.message]
    case 2:
      return [packet.receiverIndex, packet.message]
    case 3:
      return [packet.receiverIndex, exactly(packet.cookie, COOKIE_BYTES)]
    case 4:
      return [exactly(packet.nonce, REQUEST_NONCE_BYTES)]
    case 5:
      return [
        exactly(packet.nonce, REQUEST_NONCE_BYTES),
        exactly(packet.cookie, COOKIE_BYTES),
        exactly(packet.sealNonce, SEAL_NONCE_BYTES),
        packet.sealed,
      ]
    case 6:
      return [packet.receiverIndex]
    default:
      return packet satisfies never
  }
}

function lengthOf(fields: readonly (number | Uint8Array)[]): number {
  let length = HEADER_BYTES + MAC_BYTES
  for (const field of fields) length += typeof field === 'number' ? INDEX_BYTES : field.length
  return length
}

function only(length: number): readonly [least: number, most: number] {
  return [length, length]
}

function exactly(bytes: Uint8Array, length: number): Uint8Array {
  if (bytes.length === length) return bytes
  throw new IdentityError('BAD_ARGUMENT', `expected ${length} bytes, got ${bytes.length}`)
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
