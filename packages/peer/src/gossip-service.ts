/**
 * Gossip of a running peer: `Gossip` over what is there. News go by sealed datagram, comparisons over the control connection, large bodies by bulk connection;
 * who is live, membership says.
 */
import { type ConnectionDispatcher, Priority, type RequestsEndpoint } from '@pc/dispatch'
import {
  type Answerer,
  Gossip,
  type GossipLimits,
  type GossipStatus,
  isQueryPacket,
  MAX_EXCHANGE_BYTES,
} from '@pc/gossip'
import type { Identity, PeerId, SignedPeerRecord } from '@pc/identity'
import type { Membership } from '@pc/membership'
import { type Messaging, MessagingError } from '@pc/messaging'
import type { Address, Clock, Connector, Logger, PeerBook, Random } from '@pc/transport'
import { RootCode, type Value } from '@pc/wire'
import { PeerError } from './errors.js'
import { GossipBodies } from './gossip-bodies.js'
import { matchRecord, readQuery, SEARCH_TOPIC } from './gossip-search.js'
import { LivePeers } from './live-peers.js'

export interface PeerGossipOptions extends GossipLimits {
  /**
   * `peer.gossip.boot` of an earlier run: this run's number is greater, also when the clock was set back; else others take its news for old
   * ones, for as long as they remember that run. @default 0: the clock alone decides
   */
  readonly afterBoot?: number
}

export interface GossipServiceOptions {
  readonly identity: Identity
  readonly endpoint: Pick<RequestsEndpoint, 'send' | 'register'>
  readonly messaging: Pick<Messaging, 'request' | 'handle'>
  readonly services: Pick<ConnectionDispatcher, 'register'>
  readonly connector: Pick<Connector, 'leaseBulk'>
  readonly membership: Pick<Membership, 'events' | 'members' | 'isOnline'>
  readonly book: Pick<PeerBook, 'get' | 'addressesOf'>
  /** What is searched, and given to who asks. */
  readonly record: () => SignedPeerRecord
  /** Whether datagrams may go to an address. */
  readonly mayReach: (address: Address) => boolean
  readonly settings: PeerGossipOptions
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export interface GossipServiceCounters {
  /** Datagrams for peers without an address that may be used, or that could not be sent. */
  unsent: number
  /** Datagrams that were no byte string. */
  notBytes: number
  /** Answers to searches that were no record of their sender, or did not fit. */
  badAnswers: number
  /** Exchanges of this peer that wait for their answer: requests of messaging. */
  exchanging: number
}

export const EXCHANGE_REQUEST = 'pc/gossip'
/** 64,000 bytes each way over a slow network, and a busy peer. */
const EXCHANGE_MS = 10_000
/** Topics with an answerer of the program's own. */
const MAX_ANSWERERS = 256

export class GossipService {
  readonly gossip: Gossip
  /** Names this run. */
  readonly boot: number
  readonly counters: GossipServiceCounters = { unsent: 0, notBytes: 0, badAnswers: 0, exchanging: 0 }
  readonly #options: GossipServiceOptions
  readonly #bodies: GossipBodies
  readonly #answerers = new Map<string, Answerer>()
  readonly #unregister: (() => void)[] = []

  /** Takes part at once. @throws GossipError BAD_OPTION, DispatchError and MessagingError HANDLER_EXISTS, CLOSED */
  constructor(options: GossipServiceOptions) {
    const { identity, endpoint, messaging, clock, random, logger, settings } = options
    const { afterBoot = 0, ...limits } = settings
    this.#options = options
    this.boot = Math.max(Math.floor(clock.unixNow()), afterBoot + 1)
    this.#bodies = new GossipBodies({ ...options, find: (hash) => this.gossip.body(hash) })
    this.#answerers.set(SEARCH_TOPIC, ({ body }) => this.#answerSearch(body))
    this.gossip = Gossip.create({
      ...limits,
      identity,
      boot: this.boot,
      clock,
      random,
      logger,
      peers: new LivePeers(options),
      transport: {
        send: (to, bytes) => this.#send(to, bytes),
        exchange: (to, bytes, { signal }) => this.#exchange(to, bytes, signal),
        fetch: (from, reference, { signal }) => this.#bodies.fetch(from, reference, { signal }),
      },
      answer: (query, context) => this.#answerers.get(query.topic)?.(query, context),
    })
    const take = ({ peer, body }: { peer: PeerId; body: Value }): undefined => this.#receive(peer, body)
    this.#unregister.push(
      () => this.#bodies.close(),
      endpoint.register(RootCode.GOSSIP, { access: 'anyone', classify }, take),
      messaging.handle(EXCHANGE_REQUEST, { access: 'anyone' }, (bytes, { peer }) => this.#compare(peer, bytes)),
    )
  }

  /** Answers queries of a topic; what it returns takes the answerer away. @throws PeerError BAD_OPTIONS: the topic has one, or too many do */
  answer(topic: string, answerer: Answerer): () => void {
    if (this.#answerers.has(topic) || this.#answerers.size > MAX_ANSWERERS) {
      const why = this.#answerers.has(topic) ? `Topic ${JSON.stringify(topic)} has` : `${MAX_ANSWERERS} topics have`
      throw new PeerError('BAD_OPTIONS', `${why} an answerer already: take it away first.`)
    }
    this.#answerers.set(topic, answerer)
    return () => {
      if (this.#answerers.get(topic) === answerer) this.#answerers.delete(topic)
    }
  }

  status(): GossipStatus & Readonly<GossipServiceCounters> {
    return { ...this.gossip.status(), ...this.counters }
  }

  async close(): Promise<void> {
    for (const unregister of this.#unregister.splice(0)) unregister()
    await this.gossip.close()
  }

  #send(to: PeerId, bytes: Uint8Array): void {
    const { book, mayReach, endpoint, logger } = this.#options
    const address = book.addressesOf(to).find(mayReach)
    if (address === undefined) {
      this.counters.unsent += 1
      return
    }
    endpoint.send({ id: to, address }, RootCode.GOSSIP, bytes).catch((error: unknown) => {
      // As good as lost: repair is made for that.
      this.counters.unsent += 1
      logger.debug({ err: error, peer: to }, 'a gossip datagram was not sent')
    })
  }

  #receive(from: PeerId, body: Value): undefined {
    if (body instanceof Uint8Array) this.gossip.receive(from, body)
    else this.counters.notBytes += 1
  }

  async #exchange(to: PeerId, bytes: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const { messaging } = this.#options
    this.counters.exchanging += 1
    try {
      const reply = await messaging.request<Uint8Array>(to, EXCHANGE_REQUEST, bytes, { timeoutMs: EXCHANGE_MS, signal })
      return requireBytes(reply)
    } finally {
      this.counters.exchanging -= 1
    }
  }

  #compare(from: PeerId, bytes: unknown): Uint8Array {
    return this.gossip.answer(from, requireBytes(bytes))
  }

  #answerSearch(body: Uint8Array): Uint8Array | undefined {
    const query = readQuery(body)
    if (query === undefined) return undefined
    const record = this.#options.record()
    return matchRecord(query, record) === undefined ? undefined : record.bytes
  }
}

/** Where not everything can be handled, questions are dropped before news: they are work for everybody, and are told again. */
function classify({ body }: { body: Value }): Priority {
  return body instanceof Uint8Array && isQueryPacket(body) ? Priority.SEARCH : Priority.GOSSIP
}

function requireBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array && value.length <= MAX_EXCHANGE_BYTES) return value
  throw new MessagingError('BAD_INPUT', `expected at most ${MAX_EXCHANGE_BYTES} bytes of gossip`)
}
