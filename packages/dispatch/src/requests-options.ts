/** What a `RequestsEndpoint` is made with, and what its calls take. */
import type { Identity, KeyExchange, Network, PeerId, SignedPeerRecord } from '@pc/identity'
import type { Address, AddressLimiterOptions, Clock, Logger, NetworkInterface, Random } from '@pc/transport'
import type { Value } from '@pc/wire'
import type { Authorize, Handler, HandlerOptions } from './handler.js'
import type { Rate } from './rate-limit.js'
import type { PeerQuotaLimits } from './sessions/peer-quota.js'
import type { DatagramEvent } from './sessions/sealed-handlers.js'
import type { SessionsLimits } from './sessions/sessions.js'

/** Where a datagram goes. Without `id` whoever is at the address is asked who he is first. */
export interface Destination {
  readonly id?: PeerId | undefined
  readonly address: Address
}

export interface SendOptions {
  /** How long to try, in milliseconds. @default 1000 */
  timeoutMs?: number
  /** Rejects with its reason. */
  signal?: AbortSignal
}

export interface SubmitOptions extends SendOptions {
  /**
   * Running it twice does no harm, and its handler says so too. Then it may ride in the first message of a handshake, which saves a
   * round trip, but which whoever copies it can repeat. @default false
   */
  idempotent?: boolean
}

export interface DatagramHandlerOptions extends HandlerOptions<DatagramEvent> {
  /** Running a request twice does no harm. Then it may come in a first message, and repetitions are run again. @default false */
  idempotent?: boolean
}

/** Answers a request with what it returns, nil for undefined; what it returns for a datagram goes nowhere. */
export type DatagramHandler = Handler<DatagramEvent, Value | undefined>

export interface RequestsEndpointLimits extends SessionsLimits {
  /** Buckets of addresses on the network, for what names no session. @default 20/s, burst 40, 4,096 addresses */
  addresses?: AddressLimiterOptions
  /** Buckets of loopback addresses: all peers of one machine share one there. @default 1000/s, burst 2000 */
  loopback?: AddressLimiterOptions
  /** Boots whose last stamp is remembered. @default 4096 */
  boots?: number
  /** What one proved peer may send. @default 500 datagrams/s, burst 1,000; 256 KiB/s, burst 512 KiB */
  peer?: Partial<PeerQuotaLimits>
  /** Signature checks of what comes by datagram: about 10 % of a core. @default 1,500/s, burst 256 */
  signatures?: Rate
  /** Handlers that run at once, of all root codes together. @default 256 */
  concurrency?: number
}

export interface RequestsEndpointOptions {
  identity: Identity
  network: Network
  /** 8 bytes, drawn anew at every start: stamps rise within one boot only. */
  bootId: Uint8Array
  clock: Clock
  /** For keys, indexes and ids. @default systemRandom */
  random?: Random
  /** Asked before every handler. @default only handlers whose access is 'anyone' */
  authorize?: Authorize
  /** This peer's own record, for those who ask who is here. Without it nobody is answered. */
  record?: () => SignedPeerRecord
  /** The `PeerId` object of an id that is known already, which spares checking it again. */
  known?: (id: Uint8Array) => PeerId | undefined
  /** To choose the socket that leads to an address. Without it the first of its family is taken. */
  interfaces?: () => readonly NetworkInterface[]
  /** Another way to keys, for simulations. @default Noise of `@pc/identity` */
  exchange?: KeyExchange
  /**
   * Told of each new session: that peer has just been proved to be at that address, which its first message alone did not prove. Must not
   * throw.
   */
  onSession?: (peer: { readonly id: PeerId; readonly address: Address }) => void
  /** Told of each datagram of a session that opened: that peer lives. Must be quick, and must not throw. */
  onHeard?: (peer: PeerId) => void
  limits?: RequestsEndpointLimits
  /** @default silentLogger */
  logger?: Logger
}

export interface ReceiveOptions {
  /** For sockets whose port is shared with other peers of the machine: they may take announcements, nothing else. */
  announcementsOnly?: boolean
}

/** How many of what there is now. */
export interface RequestsEndpointSize {
  readonly sessions: number
  /** Sessions that others began and have not used yet. */
  readonly unconfirmed: number
  readonly handshakes: number
  readonly pairs: number
  /** Own requests, datagrams and questions for records that wait. */
  readonly pending: number
  /** Events that handlers have not settled. */
  readonly handling: number
}
