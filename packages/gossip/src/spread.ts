/**
 * How a rumor is taken and passed on (rumor mongering, Demers et al. 1987 §1.4): known → news → signature → rate of its origin → deliver → push on
 * once → announce. Nothing is remembered of a rumor before its signature passed, so nobody can use up an id, a sequence or a rate that is not his.
 */
import { PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import { Bodies } from './bodies.js'
import { Digests } from './digests.js'
import type { Effect, GossipCounters, GossipMessage } from './events.js'
import { forwardProbability } from './formulas.js'
import { type Hop, packRumor } from './messages.js'
import type { Live, Neighbours } from './neighbours.js'
import type { GossipLimits } from './options.js'
import { Origins } from './origins.js'
import { RateLimit } from './rate-limit.js'
import { fitsReference, isKnownKind, type Rumor, RumorKind, referenceOf } from './rumor.js'
import { type Cached, RumorCache } from './rumor-cache.js'
import { Fault, type Scores } from './scores.js'
import { MAX_QUERY_HOPS, type Searches } from './searches.js'
import { SeenKeys } from './seen.js'

export interface SpreadParts {
  readonly self: PeerId
  readonly limits: Required<GossipLimits>
  readonly neighbours: Neighbours
  readonly searches: Searches
  readonly scores: Scores
  readonly counters: GossipCounters
  readonly verify: (rumor: Rumor, origin: PeerId) => boolean
  readonly random: () => number
  readonly emit: (effect: Effect) => void
  /** Something is due then. */
  readonly arm: (at: number) => void
  readonly now: number
}

/** How it came: pushed or given by datagram, or in an exchange, where much comes at once. */
type Way = 'datagram' | 'exchange'

const SEEN_MS = 60_000
const MAX_SEEN = 65_536
const MAX_ORIGINS = 10_000
const MAX_RUMORS = 16_384
const MAX_DIGESTS = 4_096
const MAX_FETCHES = 64
const SLOW_FETCH_MS = 3_000
/** From this age on a rumor comes after a partition or an absence, with many others: it is announced, not pushed, and not held to the rate of fresh ones. */
const OLD_MS = 6_000
/**
 * Fresh rumors of one origin that are taken at once, in seconds of its rate. A publisher keeps to two: what it may say and is held up on its way,
 * and so arrives closer together than it was said, is not to be lost.
 */
const LENIENT_BURST = 3
/** Of one origin, fresh or old, after a long silence. Beyond it all of them together have the rate of fresh ones, whatever age they are said to be of. */
const ALL_BURST = 1_024
/** Whoever makes a key can sign with it: origins that are not live here have a rate of this kind together, whoever they are. */
const STRANGERS = ''
/** Of a small network's peers each pushes on to so many, as each has got it from the publisher already: so all get about three copies. */
const SMALL_FAN_OUT = 2

export class Spread {
  readonly origins: Origins = new Origins(MAX_ORIGINS)
  readonly cache: RumorCache
  readonly digests: Digests
  readonly bodies: Bodies
  readonly #parts: SpreadParts
  readonly #seen: SeenKeys
  readonly #own: RateLimit
  readonly #fresh: RateLimit
  readonly #all: RateLimit

  constructor(parts: SpreadParts) {
    const { limits, random, now } = parts
    const perSecond = limits.originPerSecond
    this.#parts = parts
    this.cache = new RumorCache({ maxBytes: limits.cacheBytes, maxRumors: MAX_RUMORS })
    this.digests = new Digests(MAX_DIGESTS, random)
    this.bodies = new Bodies({ maxFetches: MAX_FETCHES, maxBytes: limits.bodyBytes })
    this.#seen = new SeenKeys(SEEN_MS, MAX_SEEN, now)
    this.#own = new RateLimit({ perSecond, burst: 2 * perSecond, limit: 1 })
    this.#fresh = new RateLimit({ perSecond, burst: LENIENT_BURST * perSecond, limit: MAX_ORIGINS })
    this.#all = new RateLimit({ perSecond, burst: ALL_BURST, limit: MAX_ORIGINS })
  }

  /** Whether a rumor is here, on its way, or was here lately. */
  knows(key: string): boolean {
    return this.#seen.has(key) || this.cache.has(key) || this.bodies.isFetching(key)
  }

  /** Whether it is news still, and here with its body: who asks for what is announced and gets nothing takes that for a broken promise. */
  mayAnnounce(key: string, now: number): boolean {
    const rumor = this.cache.get(key, now)?.rumor
    if (rumor?.kind !== RumorKind.REFERENCE) return rumor !== undefined
    return this.bodies.get(referenceOf(rumor).hash, now) !== undefined
  }

  /** Whether this peer may publish one now: others would drop what is faster. Takes its part of the rate. */
  mayPublish(now: number): boolean {
    return this.#own.take('', now)
  }

  /** A rumor of this peer's own. @param body of a REFERENCE */
  publish(rumor: Rumor, now: number, body?: Uint8Array): void {
    const cached = { rumor, hops: 0, bornAt: now }
    if (body !== undefined) this.bodies.hold(rumor, body, now + rumor.ttlMs)
    this.#remember(cached, now)
    const { neighbours, limits } = this.#parts
    const targets = this.#isToldToAll(rumor) ? neighbours.all() : neighbours.sample(limits.fanOut, () => false)
    this.#push(cached, targets, now)
  }

  /** A rumor came from a peer. */
  receive(hop: Hop, from: Live, way: Way, now: number): void {
    const { counters, searches, scores, verify } = this.#parts
    const { rumor } = hop
    if (this.knows(rumor.key)) {
      counters.duplicates += 1
      this.digests.has(rumor.key, from.key)
      if (way === 'datagram') this.digests.copied(rumor.key, now)
      this.bodies.alsoAt(rumor.key, from.peer)
      return
    }
    const ageMs = hop.ageMs + from.roundTripMs / 2
    if (ageMs > rumor.ttlMs) {
      this.#count('expired')
      return
    }
    if (!this.origins.isNew(rumor)) {
      this.#count('replayed')
      return
    }
    const origin = this.#peerOf(rumor.origin)
    if (origin === undefined || !verify(rumor, origin)) {
      counters.invalid += 1
      scores.add(from.key, Fault.INVALID, now)
      return
    }
    if (!this.#withinRate(rumor, ageMs, way, now)) {
      this.#count('limited')
      return
    }
    const cached = { rumor, hops: hop.hops, bornAt: now - ageMs }
    if (rumor.kind === RumorKind.QUERY && searches.isCancelled(rumor)) {
      this.#seen.add(rumor.key, now)
      return
    }
    if (rumor.kind !== RumorKind.REFERENCE) {
      this.#take(cached, origin, rumor.body, from, now)
      return
    }
    this.#takeReference(cached, origin, from, now)
  }

  /** A large body came. */
  fetched(key: string, from: PeerId, body: Uint8Array, now: number): void {
    const fetch = this.bodies.ended(key, from)
    if (fetch === undefined) return
    const { rumor, bornAt } = fetch.cached
    const origin = this.#peerOf(rumor.origin)
    if (origin === undefined || !fitsReference(body, referenceOf(rumor))) {
      this.#fetchNext(key, from, true, now)
      return
    }
    this.bodies.drop(key)
    this.bodies.hold(rumor, body, bornAt + rumor.ttlMs)
    this.#take(fetch.cached, origin, body, this.#liveOf(from), now)
  }

  /** A large body did not come. Who has it no more and says so at once has done no harm; who takes long over it has kept a place. */
  fetchFailed(key: string, from: PeerId, now: number): void {
    const fetch = this.bodies.ended(key, from)
    if (fetch !== undefined) this.#fetchNext(key, from, now - fetch.askedAt >= SLOW_FETCH_MS, now)
  }

  /** A query is over: it is neither passed on nor announced any more. */
  stop(key: string, now: number): void {
    this.#seen.add(key, now)
    this.cache.delete(key)
    this.digests.stop(key)
  }

  sweep(now: number): void {
    this.#seen.sweep(now)
    this.cache.sweep(now)
    this.bodies.sweep(now)
  }

  #takeReference(cached: Cached, origin: PeerId, from: Live, now: number): void {
    const { limits, counters } = this.#parts
    const reference = referenceOf(cached.rumor)
    const held = this.bodies.get(reference.hash, now)
    // The same body under another rumor need not come again.
    if (held !== undefined) {
      this.bodies.hold(cached.rumor, held, cached.bornAt + cached.rumor.ttlMs)
      this.#take(cached, origin, held, from, now)
      return
    }
    if (reference.size > limits.maxBody) {
      counters.limited += 1
      this.#seen.add(cached.rumor.key, now)
      return
    }
    if (this.bodies.start(cached, from.peer, now)) this.#fetch(cached.rumor, from.peer)
  }

  #fetchNext(key: string, from: PeerId, isFault: boolean, now: number): void {
    if (isFault) this.#parts.scores.add(keyOfBytes(from.bytes), Fault.BROKEN_PROMISE, now)
    const next = this.bodies.next(key, now)
    if (next !== undefined) this.#fetch(next.cached.rumor, next.from)
  }

  #fetch(rumor: Rumor, from: PeerId): void {
    this.#parts.emit({ type: 'fetch', key: rumor.key, from, reference: referenceOf(rumor) })
  }

  /** It is news, proved, and complete. */
  #take(cached: Cached, origin: PeerId, body: Uint8Array, from: Live, now: number): void {
    const { rumor, hops, bornAt } = cached
    this.#hand(rumor, origin, body, cached, now)
    this.#remember(cached, now, from.key)
    if (rumor.kind === RumorKind.QUERY && hops >= MAX_QUERY_HOPS) {
      this.digests.stop(rumor.key)
      return
    }
    const ageMs = now - bornAt
    const { random, neighbours, limits } = this.#parts
    if (random() >= forwardProbability(ageMs, rumor.ttlMs)) return
    const fanOut = this.#isToldToAll(rumor) ? Math.min(SMALL_FAN_OUT, limits.fanOut) : limits.fanOut
    const originKey = keyOfBytes(rumor.origin)
    this.#push(
      cached,
      neighbours.sample(fanOut, (key) => key === from.key || key === originKey),
      now,
    )
  }

  /** To the application, by kind. */
  #hand(rumor: Rumor, origin: PeerId, body: Uint8Array, { hops, bornAt }: Cached, now: number): void {
    const { emit, searches, counters } = this.#parts
    const { id, kind, topic, createdAt } = rumor
    if (!isKnownKind(kind)) {
      counters.unknown += 1
      return
    }
    const message: GossipMessage = { id, topic, origin, body, createdAt, ageMs: now - bornAt, hops }
    switch (kind) {
      case RumorKind.DATA:
      case RumorKind.REFERENCE:
        counters.delivered += 1
        emit({ type: 'deliver', message })
        return
      case RumorKind.QUERY:
        searches.take(rumor, origin, bornAt + rumor.ttlMs)
        this.#parts.arm(bornAt + rumor.ttlMs)
        emit({ type: 'query', query: message })
        return
      case RumorKind.CANCEL:
        this.#cancel(rumor, now)
        return
      default:
        kind satisfies never
        return
    }
  }

  #cancel(rumor: Rumor, now: number): void {
    const query = this.#parts.searches.cancel(rumor.origin, rumor.body, now)
    if (query === undefined) return
    this.stop(query, now)
    this.#parts.emit({ type: 'query-cancelled', id: rumor.body })
  }

  #remember(cached: Cached, now: number, from?: string): void {
    const { rumor } = cached
    this.#seen.add(rumor.key, now)
    this.origins.add(rumor, now)
    this.cache.add(cached)
    const having = from === undefined ? [] : [from]
    this.#parts.arm(this.digests.start(rumor.key, now, having))
  }

  /** Whether its publisher sends it to everybody. Who is told of a large body fetches it at once, and one uplink is not to carry all of them. */
  #isToldToAll({ kind }: Rumor): boolean {
    const { neighbours, limits } = this.#parts
    return kind !== RumorKind.REFERENCE && neighbours.count < limits.smallNetwork
  }

  #push(cached: Cached, targets: readonly Live[], now: number): void {
    const hop = this.cache.get(cached.rumor.key, now)
    if (hop === undefined || targets.length === 0) return
    const bytes = packRumor(hop)
    for (const { key, peer } of targets) {
      this.digests.told(cached.rumor.key, key)
      this.#parts.counters.pushed += 1
      this.#parts.emit({ type: 'send', to: peer, bytes })
    }
  }

  #count(what: keyof GossipCounters): void {
    this.#parts.counters[what] += 1
  }

  #withinRate(rumor: Rumor, ageMs: number, way: Way, now: number): boolean {
    const origin = keyOfBytes(rumor.origin)
    const isLive = this.#parts.neighbours.get(origin) !== undefined
    // What is dropped of a backlog is not remembered: it comes again when there is room.
    if (ageMs > OLD_MS || this.#fresh.take(origin, now)) return this.#all.take(isLive ? origin : STRANGERS, now)
    // Its signature passed. Remembered, it is not asked for again by digests.
    if (way === 'datagram') this.#seen.add(rumor.key, now)
    return false
  }

  #liveOf(peer: PeerId): Live {
    const key = keyOfBytes(peer.bytes)
    return this.#parts.neighbours.get(key) ?? { key, peer, roundTripMs: 0 }
  }

  /** The id of live peers is at hand; to make one of bytes costs more than a signature. */
  #peerOf(bytes: Uint8Array): PeerId | undefined {
    if (Buffer.compare(bytes, this.#parts.self.bytes) === 0) return this.#parts.self
    const live = this.#parts.neighbours.get(keyOfBytes(bytes))
    if (live !== undefined) return live.peer
    try {
      return PeerId.fromBytes(bytes)
    } catch {
      return undefined
    }
  }
}
