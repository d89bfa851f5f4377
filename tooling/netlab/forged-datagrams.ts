/**
 * Datagrams as somebody makes them who knows docs/protocol.md, the name of a network and what the wire carried, and is no member:
 * right in every byte that such a one can know. Pure: chance is an argument.
 */
import { packAnnouncement } from '@pc/discovery'
import { type Network, packSessionPacket, SessionPacketType } from '@pc/identity'
import { encodeValue, packMacDatagram, RootCode } from '@pc/wire'

/** That many random bytes. */
export type Draw = (bytes: number) => Uint8Array

const [SESSION_BYTE, HANDSHAKE_BYTE] = [0x12, 0x13]
const COOKIE_BYTES = 16
const NONCE_BYTES = 8
const COUNTER_BYTES = 8
const TAG_BYTES = 16
/** Noise IKpsk0: ephemeral key, sealed static key, the sealed id. */
const MESSAGE_1_BYTES = 32 + 48 + 48
/** Ephemeral key, the sealed index. */
const MESSAGE_2_BYTES = 32 + 20
/** Where handshake datagrams name a session. */
const INDEX_AT = 7
const NAME_RECEIVER: readonly (number | undefined)[] = [
  SessionPacketType.RESPONSE,
  SessionPacketType.COOKIE,
  SessionPacketType.RESET,
]

/** Asks everybody of that network to answer and to dial `port` where it came from. */
export function announcement(network: Network, draw: Draw, port: number, sentAt: number): Uint8Array {
  const body = encodeValue(
    packAnnouncement({ wantsAnswers: true, blindedId: draw(8), epoch: 1, port, estimate: 0, nonce: draw(8) }),
  )
  const fields = { rootCode: RootCode.DISCOVERY, keyId: network.keyId, sentAt, bootId: draw(8), body }
  return packMacDatagram(fields, (authenticated) => network.mac(authenticated))
}

export function recordRequest(network: Network, draw: Draw): Uint8Array {
  return packSessionPacket(network, { type: SessionPacketType.RECORD_REQUEST, nonce: draw(NONCE_BYTES) })
}

/** `exchange` makes a first message of Noise with that index bound into it; without it one that nobody can open. */
export function initiation(
  network: Network,
  draw: Draw,
  exchange: (senderIndex: number) => Uint8Array = () => draw(MESSAGE_1_BYTES),
): Uint8Array {
  const [cookie, senderIndex] = [new Uint8Array(COOKIE_BYTES), Buffer.from(draw(4)).readUInt32BE()]
  const message = exchange(senderIndex)
  return packSessionPacket(network, { type: SessionPacketType.INITIATION, senderIndex, cookie, message })
}

/** Answers an initiation that the receiver may have sent under that index. */
export function response(network: Network, draw: Draw, receiverIndex: number): Uint8Array {
  const message = draw(MESSAGE_2_BYTES)
  return packSessionPacket(network, { type: SessionPacketType.RESPONSE, receiverIndex, message })
}

export function cookie(network: Network, draw: Draw, receiverIndex: number): Uint8Array {
  return packSessionPacket(network, { type: SessionPacketType.COOKIE, receiverIndex, cookie: draw(COOKIE_BYTES) })
}

/** Claims that a session which the receiver uses is not known any more. */
export function reset(network: Network, receiverIndex: number): Uint8Array {
  return packSessionPacket(network, { type: SessionPacketType.RESET, receiverIndex })
}

/** Of the receiver's session under that index, sealed by nobody. */
export function sessionDatagram(rootCode: number, draw: Draw, receiverIndex: number, length = 48): Uint8Array {
  const index = Buffer.alloc(4)
  index.writeUInt32BE(receiverIndex)
  const parts = [Uint8Array.of(rootCode, SESSION_BYTE), index, draw(COUNTER_BYTES), draw(length), draw(TAG_BYTES)]
  return new Uint8Array(Buffer.concat(parts))
}

/** The index by which a captured datagram names a session: one of whom it goes to, or in an initiation of whom it comes from. */
export function indexIn(bytes: Uint8Array): { readonly of: 'receiver' | 'sender'; readonly index: number } | undefined {
  const session = bytes[1] === SESSION_BYTE
  const at = session ? 2 : INDEX_AT
  if (bytes.length < at + 4) return undefined
  const index = Buffer.from(bytes.buffer, bytes.byteOffset).readUInt32BE(at)
  if (session) return { of: 'receiver', index }
  if (bytes[0] !== RootCode.SESSION || bytes[1] !== HANDSHAKE_BYTE) return undefined
  if (NAME_RECEIVER.includes(bytes[2])) return { of: 'receiver', index }
  return bytes[2] === SessionPacketType.INITIATION ? { of: 'sender', index } : undefined
}
