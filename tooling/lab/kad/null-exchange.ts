/**
 * A key exchange without keys, for networks in which real ones would take hours: as many bytes, round trips and simulated time as Noise,
 * and nothing secret. Whoever can name a session's check may speak in it, so no scenario may forge packets of sessions with it.
 */
import {
  type DatagramSession,
  type Identity,
  type KeyExchange,
  MAX_SEALED_PLAINTEXT,
  type Network,
  type OpenFailure,
  openNetwork,
  PEER_ID_BYTES,
  type PeerId,
  SESSION_OVERHEAD,
} from '@pc/identity'
import { PROTOCOL_VERSION, Protection } from '@pc/wire'

/** Of so many nodes on sessions have no keys (the rules of measuring allow it, and it is said with each run). */
export const NULL_CIPHER_FROM = 500

export interface NullExchangeOptions {
  readonly identity: Identity
  /** 32 bytes that are not given twice: first messages are told apart by them. */
  readonly random: (length: number) => Uint8Array
  /** The peer of an id; undefined for nobody. */
  readonly known: (id: Uint8Array) => PeerId | undefined
}

/** Of a first message: an ephemeral key, the sealed static one, a tag. Of a second one: an ephemeral key and a tag. */
const [OVERHEAD_1, OVERHEAD_2] = [96, 48]
const MESSAGE_2_BYTES = OVERHEAD_2 + 4
const HEADER_BYTES = 14
const CHECK_BYTES = 16
/** Datagrams that may overtake each other. */
const WINDOW = 31

/** A network whose MACs say nothing, as nothing else under the null cipher does. */
export function nullNetwork(): Network {
  return { ...openNetwork('lab'), psk: new Uint8Array(32), mac: () => new Uint8Array(16), verify: () => true }
}

export function nullExchange({ identity, random, known }: NullExchangeOptions): KeyExchange {
  return {
    initiate(to, early, ownIndex) {
      const message = Buffer.allocUnsafe(OVERHEAD_1 + PEER_ID_BYTES + early.length).fill(0, 0, OVERHEAD_1)
      message.set(random(32))
      // Whom it is for, where Noise has a key that only that peer can use.
      message.set(to.bytes, 32)
      message.set(identity.id.bytes, OVERHEAD_1)
      message.set(early, OVERHEAD_1 + PEER_ID_BYTES)
      let done = false
      return {
        message,
        finish(message2) {
          const reply = Buffer.from(message2.buffer, message2.byteOffset, message2.length)
          const isAnswer = reply.length === MESSAGE_2_BYTES && reply.compare(message, 0, 32, 0, 32) === 0
          if (done || !isAnswer) return undefined
          done = true
          return new NullSession(to, reply.readUInt32BE(OVERHEAD_2), ownIndex)
        },
      }
    },
    respond(message1, remoteIndex) {
      const message = Buffer.from(message1.buffer, message1.byteOffset, message1.length)
      if (message.length < OVERHEAD_1 + PEER_ID_BYTES) return undefined
      if (message.compare(identity.id.bytes, 0, PEER_ID_BYTES, 32, 32 + PEER_ID_BYTES) !== 0) return undefined
      const remoteId = known(message.subarray(OVERHEAD_1, OVERHEAD_1 + PEER_ID_BYTES))
      if (remoteId === undefined || remoteId.equals(identity.id)) return undefined
      return {
        remoteId,
        early: message.subarray(OVERHEAD_1 + PEER_ID_BYTES),
        accept(ownIndex) {
          const reply = Buffer.allocUnsafe(MESSAGE_2_BYTES).fill(0)
          message.copy(reply, 0, 0, 32)
          reply.writeUInt32BE(ownIndex, OVERHEAD_2)
          return { message: reply, session: new NullSession(remoteId, remoteIndex, ownIndex) }
        },
      }
    },
  }
}

/** Datagrams in clear, with a counter, and at their end the index of their sender in the place of a tag. */
class NullSession implements DatagramSession {
  readonly remoteId: PeerId
  readonly remoteIndex: number
  readonly #ownIndex: number
  #sealed = 0
  #highest = -1
  /** Bit n: whether the counter n below the highest has come. */
  #seen = 0

  constructor(remoteId: PeerId, remoteIndex: number, ownIndex: number) {
    this.remoteId = remoteId
    this.remoteIndex = remoteIndex
    this.#ownIndex = ownIndex
  }

  get sealed(): number {
    return this.#sealed
  }

  seal(rootCode: number, plaintext: Uint8Array): Uint8Array {
    const { length } = plaintext
    if (length > MAX_SEALED_PLAINTEXT) throw new Error(`${length} bytes are too many for one datagram`)
    const datagram = Buffer.allocUnsafe(SESSION_OVERHEAD + length)
    datagram[0] = rootCode
    datagram[1] = (PROTOCOL_VERSION << 4) | Protection.SESSION
    datagram.writeUInt32BE(this.remoteIndex, 2)
    datagram.writeUInt32BE(0, 6)
    datagram.writeUInt32BE(this.#sealed++, 10)
    datagram.set(plaintext, HEADER_BYTES)
    datagram.fill(0, HEADER_BYTES + length)
    datagram.writeUInt32BE(this.#ownIndex, HEADER_BYTES + length)
    return datagram
  }

  open(datagram: Uint8Array): Uint8Array | OpenFailure {
    const bytes = Buffer.from(datagram.buffer, datagram.byteOffset, datagram.length)
    const end = bytes.length - CHECK_BYTES
    if (end < HEADER_BYTES || bytes.readUInt32BE(end) !== this.remoteIndex) return 'seal'
    return this.#isFresh(bytes.readUInt32BE(10)) ? bytes.subarray(HEADER_BYTES, end) : 'replay'
  }

  #isFresh(counter: number): boolean {
    const ahead = counter - this.#highest
    if (ahead > 0) {
      this.#seen = ahead > WINDOW ? 1 : (this.#seen << ahead) | 1
      this.#highest = counter
      return true
    }
    if (-ahead > WINDOW || (this.#seen & (1 << -ahead)) !== 0) return false
    this.#seen |= 1 << -ahead
    return true
  }
}
