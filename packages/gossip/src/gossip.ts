import { Feed } from '@pc/dispatch'
import type { Identity, PeerId } from '@pc/identity'
import { type Clock, type Logger, type Random, silentLogger, systemClock, systemRandom } from '@pc/transport'
import { keyOfBytes } from '@pc/wire'
import { GossipError } from './errors.js'
import type { Effect, GossipMessage, GossipQuery, Input, PublishFields } from './events.js'
import type { GossipLimits } from './options.js'
import type { GossipTransport, PeerInView, PeersView } from './ports.js'
import type { BodyReference, Rumor } from './rumor.js'
import { GossipState, type GossipStatus } from './state.js'

/** What this peer answers to a query; undefined when it has nothing to say. At most 900 bytes. */
export type Answerer = (
  query: GossipQuery,
  options: { readonly signal: AbortSignal },
) => Uint8Array | undefined | Promise<Uint8Array | undefined>

export interface GossipOptions extends GossipLimits {
  /** Of this peer: signs what it publishes. */
  readonly identity: Identity
  /** How others are reached. It is not closed with this. */
  readonly transport: GossipTransport
  /** Who is live and proved. */
  readonly peers: PeersView
  /** @default nothing is answered; queries are passed on all the same */
  readonly answer?: Answerer
  /** Another way to check that a rumor is its origin's, for simulations. @default verifyRumor */
  readonly verify?: (rumor: Rumor, origin: PeerId) => boolean
  /** Names this run: greater with each start of the peer. @default what the clock of this machine reads, in Unix ms */
  readonly boot?: number
  /** @default systemClock */
  readonly clock?: Clock
  /** @default systemRandom */
  readonly random?: Pick<Random, 'float'>
  /** pino-shaped. @default silent */
  readonly logger?: Logger
}

export interface PublishOptions {
  /** How long it is news, from 1 to 600,000 ms: longer than a partition that it is to survive. @default 6000 */
  readonly ttlMs?: number
}

export interface SearchOptions {
  /** What kind of question it is: 1 to 64 bytes of UTF-8. @default 'search' */
  readonly topic?: string
  /** When the search is over, from 1 to 30,000 ms. @default 3000 */
  readonly deadlineMs?: number
  /** After so many answers the search is over and is cancelled everywhere. @default 50 */
  readonly limit?: number
  /** Ends the search and cancels it everywhere. */
  readonly signal?: AbortSignal
}

export interface SearchHit {
  readonly peer: PeerId
  readonly answer: Uint8Array
}

/** Long enough for every repair by digests (5.1 s). */
const DEFAULT_TTL_MS = 6_000
const DEFAULT_DEADLINE_MS = 3_000
const MAX_DEADLINE_MS = 30_000
const DEFAULT_HITS = 50
const MAX_HITS = 1_000
/** Queries whose answers are being worked out; one that comes beyond it is passed on and not answered. */
const MAX_ANSWERING = 1_024

/**
 * News for everybody, and search. Drives {@link GossipState}: owns the timer, the subscriptions and what is under way, and decides nothing itself.
 */
export class Gossip {
  readonly #options: GossipOptions
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #state: GossipState
  readonly #topics = new Map<string, Feed<GossipMessage>>()
  readonly #everything = new Feed<GossipMessage>()
  readonly #searches = new Map<string, Feed<SearchHit>>()
  readonly #answering = new Map<string, AbortController>()
  readonly #abort = new AbortController()
  readonly #unwatch: () => void
  #timer: unknown
  #closed = false

  /** Takes part at once. @throws GossipError BAD_OPTION */
  static create(options: GossipOptions): Gossip {
    return new Gossip(options)
  }

  private constructor(options: GossipOptions) {
    const { identity, peers, random = systemRandom } = options
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    const boot = options.boot ?? this.#clock.unixNow()
    const now = this.#clock.now()
    this.#state = new GossipState({ ...options, identity, boot, random: () => random.float(), now })
    this.#unwatch = peers.watch((change) => this.#onPeer(change.type, change))
    for (const peer of peers.live()) this.#onPeer('up', peer)
  }

  /**
   * Tells everybody. Returns its id, 16 bytes. Up to 900 bytes travel with the news; a larger body is fetched by each peer from one that has it.
   * This peer's own subscribers do not get it.
   * @throws GossipError BAD_RUMOR, RATE_LIMITED beyond 10 a second, CLOSED
   */
  publish(topic: string, body: Uint8Array, options: PublishOptions = {}): Uint8Array {
    this.#requireOpen()
    return this.#publish({ type: 'publish', topic, body, options: this.#fields(options.ttlMs ?? DEFAULT_TTL_MS) })
  }

  /**
   * News of others from this call on, of one topic or of all, each once, until `break`, {@link Gossip.close} or `signal` (the iteration then rejects
   * with its reason). A subscriber that is 1,024 behind ends with DispatchError FEED_OVERFLOW.
   * @throws DispatchError TOO_MANY_SUBSCRIBERS, beyond 1,024 of a topic
   */
  subscribe(
    options: { readonly topic?: string; readonly signal?: AbortSignal } = {},
  ): AsyncIterableIterator<GossipMessage> {
    this.#requireOpen()
    const { topic, signal } = options
    return this.#feedOf(topic).subscribe(signal === undefined ? {} : { signal })
  }

  /**
   * Asks everybody, and gives out each answer as it comes, one of each peer. Begins with the first `next`; ends at its deadline, after `limit` answers,
   * with `break` or {@link Gossip.close}, and is cancelled everywhere when it ends early.
   *
   * Throws GossipError BAD_OPTION, BAD_RUMOR, RATE_LIMITED, BUSY beyond 64 at a time, CLOSED, or the signal's reason.
   */
  async *search(query: Uint8Array, options: SearchOptions = {}): AsyncGenerator<SearchHit, void, undefined> {
    this.#requireOpen()
    const { topic = 'search', deadlineMs = DEFAULT_DEADLINE_MS, limit = DEFAULT_HITS, signal } = options
    requireWithin('deadlineMs', deadlineMs, MAX_DEADLINE_MS)
    requireWithin('limit', limit, MAX_HITS)
    signal?.throwIfAborted()
    const id = this.#publish({ type: 'search', topic, query, limit, options: this.#fields(deadlineMs) })
    const feed = new Feed<SearchHit>()
    this.#searches.set(keyOfBytes(id), feed)
    try {
      yield* feed.subscribe(signal === undefined ? {} : { signal })
    } finally {
      this.#searches.delete(keyOfBytes(id))
      this.#handle({ type: 'cancel', id })
    }
  }

  /** A datagram came, of a peer that the transport has proved. Never throws. */
  receive(from: PeerId, bytes: Uint8Array): void {
    this.#handle({ type: 'datagram', from, bytes })
  }

  /** Another peer's exchange: what it gets back. @throws GossipError CLOSED */
  answer(from: PeerId, bytes: Uint8Array): Uint8Array {
    this.#requireOpen()
    const reply = this.#handle({ type: 'exchange-asked', from, bytes }).find(({ type }) => type === 'reply')
    return reply?.type === 'reply' ? reply.bytes : NO_BYTES
  }

  /** A large body that another peer fetches, if it is here. Shared: do not write into it. */
  body(hash: Uint8Array): Uint8Array | undefined {
    return this.#closed ? undefined : this.#state.body(hash, this.#clock.now())
  }

  status(): GossipStatus {
    return this.#state.status()
  }

  /** Ends subscriptions and searches, and whatever is under way; tells nobody. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#unwatch()
    this.#clock.clearTimeout(this.#timer)
    this.#abort.abort(closed())
    for (const abort of this.#answering.values()) abort.abort(closed())
    this.#everything.close()
    for (const feed of this.#topics.values()) feed.close()
    for (const feed of this.#searches.values()) feed.close()
    this.#topics.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #onPeer(type: 'up' | 'down', { peer, roundTripMs }: PeerInView): void {
    if (type === 'down') this.#handle({ type: 'peer-down', peer })
    else this.#handle({ type: 'peer-up', peer, ...(roundTripMs !== undefined && { roundTripMs }) })
  }

  #publish(input: Extract<Input, { type: 'publish' | 'search' }>): Uint8Array {
    const effects = this.#handle(input)
    for (const effect of effects) {
      if (effect.type === 'published') return effect.id
      if (effect.type === 'refused') {
        throw new GossipError(effect.reason, 'as many are under way as others would take: try again in a moment')
      }
    }
    throw closed()
  }

  #fields(ttlMs: number): PublishFields {
    return { ttlMs, createdAt: Math.max(0, Math.floor(this.#clock.unixNow())) }
  }

  #handle(input: Input): readonly Effect[] {
    if (this.#closed) return []
    const effects = this.#state.handle(input, this.#clock.now())
    for (const effect of effects) this.#perform(effect)
    return effects
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#send(effect.to, effect.bytes)
        return
      case 'exchange':
        return void this.#exchange(effect.to, effect.bytes)
      case 'fetch':
        return void this.#fetch(effect.key, effect.from, effect.reference)
      case 'deliver':
        this.#deliver(effect.message)
        return
      case 'query':
        return void this.#answer(effect.query)
      case 'query-cancelled':
        this.#answering.get(keyOfBytes(effect.id))?.abort(new GossipError('CLOSED', 'nobody asks any more'))
        return
      case 'hit':
        this.#searches.get(keyOfBytes(effect.id))?.publish({ peer: effect.from, answer: effect.answer })
        return
      case 'search-over':
        this.#searches.get(keyOfBytes(effect.id))?.close()
        return
      case 'wake':
        this.#clock.clearTimeout(this.#timer)
        this.#timer = this.#clock.setTimeout(() => this.#handle({ type: 'wake' }), effect.after)
        return
      case 'reply':
      case 'published':
      case 'refused':
        // Whoever gave the input reads these.
        return
      default:
        effect satisfies never
    }
  }

  #send(to: PeerId, bytes: Uint8Array): void {
    try {
      this.#options.transport.send(to, bytes)
    } catch (error) {
      // As good as lost: repair is made for that.
      this.#logger.debug({ err: error, peer: to }, 'a gossip datagram was not sent')
    }
  }

  async #exchange(to: PeerId, bytes: Uint8Array): Promise<void> {
    try {
      const reply = await this.#options.transport.exchange(to, bytes, { signal: this.#abort.signal })
      this.#handle({ type: 'exchange-answered', from: to, bytes: reply })
    } catch (error) {
      this.#logger.debug({ err: error, peer: to }, 'a gossip exchange failed')
      this.#handle({ type: 'exchange-failed', from: to })
    }
  }

  async #fetch(key: string, from: PeerId, reference: BodyReference): Promise<void> {
    try {
      const body = await this.#options.transport.fetch(from, reference, { signal: this.#abort.signal })
      this.#handle({ type: 'fetched', key, from, body })
    } catch (error) {
      this.#logger.debug({ err: error, peer: from }, 'a large body was not fetched')
      this.#handle({ type: 'fetch-failed', key, from })
    }
  }

  #deliver(message: GossipMessage): void {
    this.#everything.publish(message)
    const feed = this.#topics.get(message.topic)
    if (feed === undefined) return
    // Everybody carries every topic; those that nobody here listens to any more are forgotten.
    if (feed.size === 0) this.#topics.delete(message.topic)
    else feed.publish(message)
  }

  async #answer(query: GossipQuery): Promise<void> {
    const { answer } = this.#options
    if (answer === undefined || this.#answering.size >= MAX_ANSWERING) return
    const key = keyOfBytes(query.id)
    const abort = new AbortController()
    this.#answering.set(key, abort)
    try {
      const bytes = await answer(query, { signal: abort.signal })
      if (bytes !== undefined && !abort.signal.aborted) {
        this.#handle({ type: 'answer', query: query.id, answer: bytes })
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'a query was not answered')
    } finally {
      this.#answering.delete(key)
    }
  }

  #feedOf(topic: string | undefined): Feed<GossipMessage> {
    if (topic === undefined) return this.#everything
    const known = this.#topics.get(topic)
    if (known !== undefined) return known
    // News may never come of a topic that nobody listens to any more.
    for (const [each, { size }] of this.#topics) if (size === 0) this.#topics.delete(each)
    const feed = new Feed<GossipMessage>()
    this.#topics.set(topic, feed)
    return feed
  }

  #requireOpen(): void {
    if (this.#closed) throw closed()
  }
}

const NO_BYTES = new Uint8Array(0)

function closed(): GossipError {
  return new GossipError('CLOSED', 'gossip was closed: create another one')
}

function requireWithin(name: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return
  throw new GossipError('BAD_OPTION', `${name} must be an integer from 1 to ${most}, got ${value}`)
}
