/** What is known of sessions: plain data that `SessionTable` and `Handshakes` keep in order. */
import type { DatagramSession, PeerId, PendingExchange } from '@pc/identity'
import type { Address, DatagramSocket } from '@pc/transport'
import type { Waiting } from '../deadlines.js'
import type { PeerQuota } from './peer-quota.js'
import { RoundTrip } from './round-trip.js'
import type { PlainMessage } from './sealed-message.js'

/** One remote peer at one address. Another address is another pair: sessions do not roam. */
export class Pair {
  readonly id: PeerId
  readonly address: Address
  readonly roundTrip: RoundTrip = new RoundTrip()
  /** The socket that reaches it: where its last genuine datagram came in. */
  via: DatagramSocket
  /** What is sealed with now. */
  current: LiveSession | undefined
  /** The one before, good for what is still on the way. */
  previous: LiveSession | undefined
  /** Made by the other side, who has not used it yet: he may be somebody else's echo. */
  next: LiveSession | undefined
  /** The one that this side began. */
  handshake: Handshake | undefined
  /** Of the other side, for the next handshake. */
  cookie: Uint8Array | undefined
  heardAt: number = Number.NEGATIVE_INFINITY
  /** When a handshake was last begun beside a session, because that seemed to be dead. */
  doubtedAt: number = Number.NEGATIVE_INFINITY
  /** Requests and datagrams that need it to stay. */
  users = 0
  /** What it may send, made when it first sends something that is no reply. */
  quota: PeerQuota | undefined

  constructor(id: PeerId, address: Address, via: DatagramSocket) {
    this.id = id
    this.address = address
    this.via = via
  }
}

/** A session with its keys. */
export interface LiveSession extends Waiting {
  /** By which the other side names it. */
  readonly index: number
  readonly pair: Pair
  readonly session: DatagramSession
  /** Whether this side began it; that side renews it. */
  readonly initiator: boolean
  readonly createdAt: number
  /** Sent last, or opened last. */
  usedAt: number
  /** Whether the other side has proved to have the keys. */
  confirmed: boolean
  /** Whether what is sent there arrives there. Until then no more bytes go out than came in. */
  addressProved: boolean
  bytesIn: number
  bytesOut: number
  /** Of those that the other side began: the first message, with its address. */
  readonly initiation: string
  /** The answer to `initiation` if that comes again, until the session is confirmed. */
  response: Uint8Array | undefined
  /** It has sealed so much that it is being renewed before its time. */
  renewing: boolean
  /** When a datagram that names it was last found forged. */
  attackedAt: number
}

export interface HeldDatagram {
  readonly bytes: Uint8Array
  readonly from: Address
  readonly via: DatagramSocket
}

/** One that this side began and that is not answered yet. */
export interface Handshake extends Waiting {
  readonly index: number
  readonly pair: Pair
  readonly exchange: PendingExchange
  readonly startedAt: number
  /** What travels in its first message. */
  readonly early: PlainMessage | undefined
  packet: Uint8Array
  /** Sealed datagrams of the session to come that have overtaken the answer. */
  readonly held: HeldDatagram[]
  repetitions: number
  cookiesTaken: number
}
