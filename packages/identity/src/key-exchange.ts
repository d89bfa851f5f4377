/**
 * How two peers get the keys of a datagram session: Noise IK with both identities, both indexes and the network bound into it.
 *
 *     prologue               "pc-session-v1" | responder's id 32 B | initiator's index u32 | the network's name in UTF-8
 *     payload of message 1   initiator's id 32 B | early data
 *     payload of message 2   responder's index u32
 *
 * The responder's id is in the prologue, so that nobody can pass a message on to another; the initiator's id must be one whose
 * X25519 key the handshake proves. Indexes are bound because on an open network everybody can make the MAC of a packet: whoever
 * overtook a message with another index on it would make two peers wait for each other.
 *
 * Sixteen ids belong to one X25519 secret: both signs of x, each with the eight points of small order added. Only who has that
 * secret can speak under them, and nobody honest uses but one, so the others are further names of the same stranger, as cheap as a
 * new key. To initiate to one of them is no way to reach the honest one: his prologue has the id he uses.
 */
import type { Identity } from './identity.js'
import type { Network } from './network.js'
import { initiate, respond, type Terms } from './noise.js'
import { PEER_ID_BYTES, PeerId } from './peer-id.js'
import { type DatagramSession, requireIndex, SealedSession } from './sealed-session.js'
import { exchangeKeyOf, exchangeKeyPair, exchangeKeysOf } from './x25519.js'

/** One side's half of an exchange that it began. */
export interface PendingExchange {
  /** Message 1: what to send. */
  readonly message: Uint8Array
  /**
   * The session, from what the other side answered; `undefined` for anything but the answer of the peer that was meant, after
   * which the right answer is still good. Succeeds once: the same answer again would give the same keys to a second session.
   */
  finish(message2: Uint8Array): DatagramSession | undefined
}

/** A message 1 that is genuine, but may be a repeated one: only what the initiator seals in the session proves that he is there. */
export interface ReceivedExchange {
  readonly remoteId: PeerId
  /** What came with message 1. */
  readonly early: Uint8Array
  /**
   * Message 2 and the session; another one with every call.
   * @param ownIndex u32, under which this side will find the session
   */
  accept(ownIndex: number): { message: Uint8Array; session: DatagramSession } | undefined
}

/** The way to sessions, as whoever keeps sessions needs it. */
export interface KeyExchange {
  /**
   * `early` travels sealed in message 1, and whoever copies that can have it read again.
   * @param ownIndex u32, under which this side will find the session
   * @returns undefined if that id's key is one that nobody can agree with
   */
  initiate(to: PeerId, early: Uint8Array, ownIndex: number): PendingExchange | undefined
  /**
   * @param remoteIndex what came with message 1 as the initiator's index
   * @returns undefined for everything that is not message 1 of an exchange with this peer on this network
   */
  respond(message1: Uint8Array, remoteIndex: number): ReceivedExchange | undefined
}

export interface KeyExchangeOptions {
  readonly identity: Identity
  readonly network: Network
  /** For ephemeral keys: fresh and unpredictable. */
  readonly random: (length: number) => Uint8Array
  /** The `PeerId` object of an id that is known already, which spares checking it and converting its key again. */
  readonly known?: (id: Uint8Array) => PeerId | undefined
}

const LABEL = Buffer.from('pc-session-v1')
const SECRET_BYTES = 32
const INDEX_BYTES = 4

/** Noise_IKpsk0_25519_AESGCM_SHA256 between identities. Costs each side about four Diffie-Hellman and a new key pair. */
export function createKeyExchange({ identity, network, random, known }: KeyExchangeOptions): KeyExchange {
  const own = exchangeKeysOf(identity)
  const termsOf = (responder: PeerId, initiatorIndex: number): Terms => ({
    prologue: Buffer.concat([LABEL, responder.bytes, indexBytes(initiatorIndex), Buffer.from(network.name)]),
    psk: network.psk,
  })
  return {
    initiate(to, early, ownIndex) {
      const ephemeral = exchangeKeyPair(random(SECRET_BYTES))
      const payload = Buffer.concat([identity.id.bytes, early])
      const begun = initiate(termsOf(to, ownIndex), own, ephemeral, exchangeKeyOf(to), payload)
      if (begun === undefined) return undefined
      let done = false
      return {
        message: begun.message,
        finish(message2) {
          const finished = done ? undefined : begun.finish(message2)
          if (finished?.payload.length !== INDEX_BYTES) return undefined
          done = true
          const { fromInitiator, fromResponder } = finished.keys
          return new SealedSession(to, indexOf(finished.payload), { send: fromInitiator, receive: fromResponder })
        },
      }
    },
    respond(message1, remoteIndex) {
      const received = respond(termsOf(identity.id, remoteIndex), own, message1)
      if (received === undefined || received.payload.length < PEER_ID_BYTES) return undefined
      const remoteId = idOf(received.payload.subarray(0, PEER_ID_BYTES), known)
      // Our own message, come back to us, is nobody's.
      if (remoteId === undefined || remoteId.equals(identity.id)) return undefined
      if (Buffer.compare(exchangeKeyOf(remoteId), received.remoteStatic) !== 0) return undefined
      return {
        remoteId,
        early: received.payload.subarray(PEER_ID_BYTES),
        accept(ownIndex) {
          const reply = received.reply(exchangeKeyPair(random(SECRET_BYTES)), indexBytes(ownIndex))
          if (reply === undefined) return undefined
          const { fromInitiator, fromResponder } = reply.keys
          const session = new SealedSession(remoteId, remoteIndex, { send: fromResponder, receive: fromInitiator })
          return { message: reply.message, session }
        },
      }
    },
  }
}

function idOf(bytes: Uint8Array, known: KeyExchangeOptions['known']): PeerId | undefined {
  const found = known?.(bytes)
  if (found !== undefined) return found
  try {
    return PeerId.fromBytes(bytes)
  } catch {
    // BAD_PEER_ID: somebody claims to be what nobody can be.
    return undefined
  }
}

function indexBytes(index: number): Uint8Array {
  requireIndex(index)
  const bytes = Buffer.alloc(INDEX_BYTES)
  bytes.writeUInt32BE(index)
  return bytes
}

function indexOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, INDEX_BYTES).getUint32(0)
}
