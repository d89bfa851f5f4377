/** What `createPeer()` gives: one running peer. */

import type { Discovery, DiscoveryStatus } from '@pc/discovery'
import type { ConnectionDispatcher, Feed, RequestsEndpoint } from '@pc/dispatch'
import type { GossipStatus } from '@pc/gossip'
import { type Identity, PeerId } from '@pc/identity'
import type { KademliaStatus } from '@pc/kademlia'
import type { Membership, Pong } from '@pc/membership'
import type {
  Inbox,
  MessageContract,
  MessageHandler,
  Messaging,
  Receipt,
  RequestContract,
  RequestHandler,
  RequestOptions,
  SendOptions,
} from '@pc/messaging'
import { type Address, type BulkLease, type Connector, formatAddress, type PeerBook } from '@pc/transport'
import type { Value } from '@pc/wire'
import { Dht } from './dht.js'
import type { DhtService, KnownContact } from './dht-service.js'
import type { Directory } from './directory.js'
import { PeerError } from './errors.js'
import type { GossipService } from './gossip-service.js'
import type { MembershipService } from './membership-service.js'
import type { NamePins } from './names.js'
import { PeerGossip } from './peer-gossip.js'
import { PeerRequests } from './peer-requests.js'
import type { PhaseReport, Phases } from './phases.js'
import type { PeerView } from './view.js'

/** A peer by id, or by what people call it: name, unique start of name or id, short id (see {@link Peer.find}). */
export type PeerRef = PeerId | string

/** The answer to a ping: by which way, how long it took, and from where. */
export interface PeerPong extends Pong {
  readonly address?: Address
}

export type PeerEvent =
  | { readonly type: 'phase'; readonly phase: PhaseReport }
  | { readonly type: 'up' | 'back' | 'checking' | 'offline'; readonly peer: PeerView }
  | { readonly type: 'forgotten'; readonly id: PeerId }
  /** Another key uses a name that is pinned to somebody else: `peer` is the newcomer, shown apart. */
  | { readonly type: 'name-conflict'; readonly peer: PeerView }
  /** Somebody announced a known id and then proved another key; it has learnt nothing. */
  | { readonly type: 'impostor'; readonly expected: PeerId; readonly address: Address }

export interface PeerStatus {
  readonly port: number
  readonly addresses: readonly string[]
  /** Unix ms from which on others could connect. */
  readonly listeningAt: number
  readonly phases: readonly PhaseReport[]
  /** Absent while discovery does not run. */
  readonly discovery?: DiscoveryStatus
  /** What of the directory is here: contacts, records, peers on lists. Absent when it is off. */
  readonly directory?: KademliaStatus
  /** What of gossip is here, and what became of news. Absent when it is off. */
  readonly gossip?: GossipStatus
  /** What happened to datagrams, connections and hints, by reason. */
  readonly counters: Readonly<Record<string, number>>
}

/** What a peer is made of; put together by `createPeer`. */
export interface Parts {
  readonly identity: Identity
  readonly name: string
  readonly network: string
  readonly port: number
  readonly listeningAt: number
  readonly addresses: () => Address[]
  readonly counters: () => Record<string, number>
  readonly phases: Phases
  readonly book: PeerBook
  readonly directory: Directory
  readonly messaging: Messaging
  readonly membership: Membership
  readonly members: Pick<MembershipService, 'addressOf'>
  readonly endpoint: RequestsEndpoint
  /** Whether datagrams may go to an address. */
  readonly mayReach: (address: Address) => boolean
  readonly services: ConnectionDispatcher
  readonly connector: Connector
  /** Undefined while it starts, when it failed to, and when it is off. */
  readonly discovery: () => Discovery | undefined
  /** Undefined when the directory is off. */
  readonly dht: DhtService | undefined
  /** Undefined when gossip is off. */
  readonly gossip: GossipService | undefined
  readonly pins: NamePins
  readonly events: Feed<PeerEvent>
}

export class Peer implements AsyncDisposable {
  readonly #parts: Parts
  readonly #requests: PeerRequests
  readonly #dht: Dht | undefined
  readonly #gossip: PeerGossip | undefined

  /** Use `createPeer`. */
  constructor(parts: Parts) {
    this.#parts = parts
    this.#requests = new PeerRequests({
      endpoint: parts.endpoint,
      idOf: (peer) => this.#idOf(peer),
      addressesOf: (id) => parts.book.addressesOf(id),
      allowed: parts.mayReach,
    })
    const { identity, dht, gossip } = parts
    if (dht !== undefined) {
      this.#dht = new Dht({ identity, kademlia: dht.kademlia, idOf: (peer) => this.#idOf(peer) })
    }
    if (gossip !== undefined) this.#gossip = new PeerGossip(gossip)
  }

  get id(): PeerId {
    return this.#parts.identity.id
  }

  get name(): string {
    return this.#parts.name
  }

  get network(): string {
    return this.#parts.network
  }

  /** What others sent, in the order it was stored. */
  get inbox(): Inbox {
    return this.#parts.messaging.inbox
  }

  /** Who handles what; programs may add handlers of their own. */
  get dispatchers(): {
    messages: Messaging['messages']
    requests: Messaging['requests']
    services: ConnectionDispatcher
  } {
    const { messaging, services } = this.#parts
    return { messages: messaging.messages, requests: messaging.requests, services }
  }

  /** The datagram door: sealed datagrams and requests. Root codes from 0x80 on belong to programs. */
  get requests(): PeerRequests {
    return this.#requests
  }

  /** The directory that nobody runs: values, and everybody in the network. @throws PeerError DHT_OFF */
  get dht(): Dht {
    if (this.#dht !== undefined) return this.#dht
    throw new PeerError('DHT_OFF', 'This peer was started without the directory (option "dht").')
  }

  /** News for everybody, and search. @throws PeerError GOSSIP_OFF */
  get gossip(): PeerGossip {
    if (this.#gossip !== undefined) return this.#gossip
    throw new PeerError('GOSSIP_OFF', 'This peer was started without gossip (option "gossip").')
  }

  /** Where others reach this peer. */
  addresses(): Address[] {
    return this.#parts.addresses()
  }

  /** Everybody known, online first, then by label. */
  peers(): PeerView[] {
    return this.#parts.directory.all()
  }

  /** The one peer that `text` means. @throws PeerError PEER_NOT_FOUND, PEER_AMBIGUOUS, both with candidates */
  find(text: string): PeerView {
    return this.#parts.directory.find(text)
  }

  /** From this call on, until the peer closes or the reader breaks off. A reader that falls far behind gets FEED_OVERFLOW. */
  events(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<PeerEvent> {
    return this.#parts.events.subscribe(options)
  }

  status(): PeerStatus {
    const { port, listeningAt, phases, counters, dht, gossip } = this.#parts
    const discovery = this.#parts.discovery()
    return {
      port,
      addresses: this.addresses().map(formatAddress),
      listeningAt,
      phases: phases.reports(),
      counters: counters(),
      ...(discovery === undefined ? {} : { discovery: discovery.status() }),
      ...(dht === undefined ? {} : { directory: dht.kademlia.status() }),
      ...(gossip === undefined ? {} : { gossip: gossip.status() }),
    }
  }

  /** Names pinned so far, for `knownNames` of the next run. */
  names(): Record<string, string> {
    return this.#parts.pins.toJSON()
  }

  /** Contacts of the directory, for `knownContacts` of the next run: at most 64. */
  knownContacts(): readonly KnownContact[] {
    return this.#parts.dht?.contacts() ?? []
  }

  /** As `Messaging.send`, to a peer by id or by what people call it. */
  async send<P = Value>(
    peer: PeerRef,
    type: string | MessageContract<P>,
    payload: P,
    options: SendOptions = {},
  ): Promise<Receipt> {
    return this.#parts.messaging.send(this.#idOf(peer), type, payload, options)
  }

  /** As `Messaging.sendText`. */
  async sendText(peer: PeerRef, text: string, options: SendOptions = {}): Promise<Receipt> {
    return this.#parts.messaging.sendText(this.#idOf(peer), text, options)
  }

  /** As `Messaging.request`: rejects at its deadline, when the other side refuses or fails, and when the connection is lost. */
  async request<I = Value, O = Value>(
    peer: PeerRef,
    name: string | RequestContract<I, O>,
    input: I,
    options: RequestOptions = {},
  ): Promise<O> {
    return this.#parts.messaging.request(this.#idOf(peer), name, input, options)
  }

  /**
   * How long a datagram takes to that peer and back, or, when none does, a ping over the control connection, which is made if there is none. As
   * `Membership.ping`.
   */
  async ping(peer: PeerRef, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<PeerPong> {
    const id = this.#idOf(peer)
    const { membership, book, members, connector } = this.#parts
    const pong = await membership.ping(id, options)
    book.noteRoundTrip(id, pong.roundTripMs)
    const address = pong.path === 'udp' ? members.addressOf(id) : connector.current(id)?.remoteAddress
    return { ...pong, ...(address !== undefined && { address }) }
  }

  /**
   * A bulk connection for one use, to talk with a service of that peer's (`dispatchers.services.register`): its first frame names the service.
   * As `Connector.leaseBulk` of `@pc/transport`.
   */
  async leaseBulk(peer: PeerRef, options: { signal?: AbortSignal; waitMs?: number } = {}): Promise<BulkLease> {
    return this.#parts.connector.leaseBulk(this.#idOf(peer), options)
  }

  /** As `Messaging.handle`; returns how to take the handler away again. */
  handle<I = Value, O = Value>(
    name: string | RequestContract<I, O>,
    options: Parameters<Messaging['handle']>[1],
    handler: RequestHandler<I, O>,
  ): () => void {
    return this.#parts.messaging.handle(name, options, handler)
  }

  /** As `Messaging.onMessage`; returns how to take the handler away again. */
  onMessage<P = Value>(
    type: string | MessageContract<P>,
    options: Parameters<Messaging['onMessage']>[1],
    handler: MessageHandler<P>,
  ): () => void {
    return this.#parts.messaging.onMessage(type, options, handler)
  }

  /**
   * Stops accepting, says goodbye, drains, and closes everything in reverse order of the start. Settles when it is over; an aborted
   * signal makes the rest abrupt. Idempotent.
   */
  close(options: { signal?: AbortSignal } = {}): Promise<void> {
    return this.#parts.phases.stop(options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #idOf(peer: PeerRef): PeerId {
    return peer instanceof PeerId ? peer : this.find(peer).peerId
  }
}
