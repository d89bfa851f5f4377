/**
 * Gossip without sockets, clocks and chance of its own: inputs come in with the time, effects go out; `Gossip` performs them, and so may you. After
 * Demers et al. 1987: rumors are pushed on once, announced until they draw no interest, and compared between two peers now and then.
 *
 * Where we differ: a rumor is pushed once and not until it is stale, because digests of 8 bytes find who lacks it more cheaply than further pushes.
 * There is one timer: each `wake` replaces the one before.
 */
import type { Identity, PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import { Comparing } from './comparing.js'
import { GossipError } from './errors.js'
import type { Effect, GossipCounters, Input, PublishFields } from './events.js'
import { type Packet, packAck, packHit, packKeys, readPacket } from './messages.js'
import { type Live, Neighbours } from './neighbours.js'
import { type GossipLimits, resolveLimits } from './options.js'
import { RateLimit } from './rate-limit.js'
import { Repair } from './repair.js'
import { MAX_INLINE_BODY, packReference, type Rumor, RumorKind, signRumor, verifyRumor } from './rumor.js'
import { Fault, Scores } from './scores.js'
import { Searches } from './searches.js'
import { Spread } from './spread.js'
import { type Exchange, readExchange } from './sync-messages.js'

export interface GossipStateOptions extends GossipLimits {
  readonly identity: Pick<Identity, 'id' | 'sign'>
  /** Names this run of the peer, from 0 to 2^48 - 1: greater with each start, or others take its news for old ones. */
  readonly boot: number
  /** A number in [0, 1). */
  readonly random: () => number
  /** The time as `handle` will be given it. */
  readonly now: number
  /** Whether a rumor is its origin's. @default verifyRumor */
  readonly verify?: (rumor: Rumor, origin: PeerId) => boolean
}

export interface GossipStatus extends Readonly<GossipCounters> {
  readonly peers: number
  readonly neighbours: number
  /** Rumors kept for others, and those being announced, asked for, and fetched. */
  readonly cached: number
  readonly announced: number
  readonly wanted: number
  readonly fetching: number
  /** Own searches under way, and queries of others that are worked on. */
  readonly searches: number
  readonly queries: number
}

const MAX_TRACKED = 10_000
const MAX_SCORES = 4_096
const SEARCH_LIMITS = { maxOwn: 64, maxForeign: 1_024 }
const SWEEP_MS = 1_000

export class GossipState {
  readonly #identity: Pick<Identity, 'id' | 'sign'>
  readonly #selfKey: string
  readonly #boot: number
  readonly #limits: Required<GossipLimits>
  readonly #neighbours: Neighbours
  readonly #scores = new Scores(MAX_SCORES)
  readonly #searches: Searches
  readonly #spread: Spread
  readonly #repair: Repair
  readonly #comparing: Comparing
  readonly #random: () => number
  readonly #pushes: RateLimit
  readonly #bytes: RateLimit
  readonly #counters: GossipCounters = {
    delivered: 0,
    duplicates: 0,
    pushed: 0,
    given: 0,
    expired: 0,
    replayed: 0,
    limited: 0,
    invalid: 0,
    unknown: 0,
    ignored: 0,
  }
  #effects: Effect[] = []
  #sequence = 0
  #wakeAt = Number.POSITIVE_INFINITY
  #now: number
  #rotateAt: number
  #sweepAt: number

  /** @throws GossipError BAD_OPTION */
  constructor(options: GossipStateOptions) {
    const { identity, random, now } = options
    const limits = resolveLimits(options)
    this.#identity = identity
    this.#selfKey = keyOfBytes(identity.id.bytes)
    this.#boot = options.boot
    this.#now = now
    this.#limits = limits
    this.#random = random
    this.#neighbours = new Neighbours({ size: limits.neighbours, maxPeers: limits.maxPeers, random })
    this.#searches = new Searches(SEARCH_LIMITS, random, now)
    this.#spread = new Spread({
      self: identity.id,
      limits,
      neighbours: this.#neighbours,
      searches: this.#searches,
      scores: this.#scores,
      counters: this.#counters,
      verify: options.verify ?? verifyRumor,
      random,
      emit: (effect) => this.#effects.push(effect),
      arm: (at) => this.#arm(at),
      now,
    })
    this.#repair = new Repair({
      spread: this.#spread,
      neighbours: this.#neighbours,
      counters: this.#counters,
      send: (to, bytes) => this.#effects.push({ type: 'send', to, bytes }),
    })
    this.#comparing = new Comparing({
      spread: this.#spread,
      neighbours: this.#neighbours,
      scores: this.#scores,
      counters: this.#counters,
      random,
      emit: (effect) => this.#effects.push(effect),
      read: (from, bytes, at) => this.#readExchange(from, bytes, at),
      now,
    })
    this.#pushes = limitPerSecond(limits.neighbourPerSecond)
    this.#bytes = limitPerSecond(limits.neighbourBytesPerSecond)
    this.#rotateAt = this.#nextRotation(now)
    this.#sweepAt = now + SWEEP_MS
  }

  /** Whether a large body is here, for who asks for it. Shared: do not write into it. */
  body(hash: Uint8Array, now: number): Uint8Array | undefined {
    return this.#spread.bodies.get(hash, now)
  }

  /** 0 or below: what a peer's faults have left of its standing. */
  score(peer: PeerId, now: number): number {
    return this.#scores.value(keyOfBytes(peer.bytes), now)
  }

  status(): GossipStatus {
    return {
      ...this.#counters,
      peers: this.#neighbours.count,
      neighbours: this.#neighbours.current.length,
      cached: this.#spread.cache.size,
      announced: this.#spread.digests.size,
      wanted: this.#repair.wanted,
      fetching: this.#spread.bodies.fetching,
      searches: this.#searches.own,
      queries: this.#searches.foreign,
    }
  }

  /** @throws GossipError BAD_RUMOR for an own rumor, query or answer that cannot be one; never for what came from others */
  handle(input: Input, now: number): readonly Effect[] {
    this.#effects = []
    this.#now = now
    switch (input.type) {
      case 'peer-up':
        this.#onPeerUp(input.peer, input.roundTripMs, now)
        break
      case 'peer-down':
        this.#onPeerDown(keyOfBytes(input.peer.bytes))
        break
      case 'datagram':
        this.#onDatagram(this.#liveOf(input.from), input.bytes, now)
        break
      case 'publish':
        this.#onPublish(input.topic, input.body, input.options, now)
        break
      case 'search':
        this.#onSearch(input, now)
        break
      case 'cancel':
        if (this.#searches.end(input.id)) this.#onCancel(input.id, now)
        break
      case 'answer':
        packHit(input.query, input.answer)
        this.#arm(this.#searches.answer(input.query, input.answer, now))
        break
      case 'exchange-asked':
        this.#comparing.asked(this.#liveOf(input.from), input.bytes, now)
        break
      case 'exchange-answered':
        this.#comparing.answered(this.#liveOf(input.from), input.bytes, now)
        break
      case 'exchange-failed':
        this.#comparing.failed(keyOfBytes(input.from.bytes))
        break
      case 'fetched':
        this.#spread.fetched(input.key, input.from, input.body, now)
        break
      case 'fetch-failed':
        this.#spread.fetchFailed(input.key, input.from, now)
        break
      case 'wake':
        this.#onWake(now)
        break
      default:
        input satisfies never
    }
    // The first input starts the timer of what is periodic.
    if (this.#wakeAt === Number.POSITIVE_INFINITY) this.#armAll()
    return this.#effects
  }

  #onPeerUp(peer: PeerId, roundTripMs: number | undefined, now: number): void {
    if (keyOfBytes(peer.bytes) === this.#selfKey) return
    if (this.#neighbours.add(peer, roundTripMs)) this.#arm(this.#comparing.cameUp(this.#liveOf(peer), now))
  }

  #onPeerDown(key: string): void {
    this.#neighbours.remove(key)
    this.#comparing.wentDown(key)
  }

  #onDatagram(from: Live, bytes: Uint8Array, now: number): void {
    const standing = this.#scores.standing(from.key, now)
    if (standing === 'banned') {
      this.#count('ignored')
      return
    }
    if (!this.#bytes.take(from.key, now, bytes.length)) {
      this.#count('limited')
      return
    }
    const packet = this.#read(() => readPacket(bytes), from, now)
    if (packet === undefined) return
    if (standing === 'ignored' && packet.type !== 'hit' && packet.type !== 'ack') {
      this.#counters.ignored += 1
      return
    }
    this.#onPacket(packet, from, now)
  }

  #onPacket(packet: Packet, from: Live, now: number): void {
    switch (packet.type) {
      case 'rumor': {
        const isAsked = this.#repair.came(packet.rumor.key, from.key, now)
        if (!isAsked && !this.#pushes.take(from.key, now)) {
          this.#count('limited')
          return
        }
        this.#spread.receive(packet, from, 'datagram', now)
        this.#repair.settle(packet.rumor.key)
        return
      }
      case 'ihave':
        this.#arm(this.#repair.onIHave(packet.keys, from, now))
        return
      case 'iwant':
        this.#repair.onIWant(packet.keys, from, now)
        return
      case 'hit':
        this.#onHit(packet.query, packet.answer, from, now)
        return
      case 'ack':
        this.#searches.acknowledged(packet.query, from.peer)
        return
      case 'unknown':
        return
      default:
        packet satisfies never
    }
  }

  #onHit(query: Uint8Array, answer: Uint8Array, from: Live, now: number): void {
    const outcome = this.#searches.hit(query, from.key)
    if (outcome === undefined) return
    this.#effects.push({ type: 'send', to: from.peer, bytes: packAck(query) })
    if (!outcome.isNew) return
    this.#effects.push({ type: 'hit', id: query, from: from.peer, answer })
    if (!outcome.isLast || !this.#searches.end(query)) return
    this.#effects.push({ type: 'search-over', id: query })
    this.#onCancel(query, now)
  }

  #onPublish(topic: string, body: Uint8Array, options: PublishFields, now: number): void {
    if (body.length > this.#limits.maxBody) {
      throw new GossipError('BAD_RUMOR', `a body may have ${this.#limits.maxBody} bytes, not ${body.length}`)
    }
    const isLarge = body.length > MAX_INLINE_BODY
    const kind = isLarge ? RumorKind.REFERENCE : RumorKind.DATA
    const own = isLarge ? new Uint8Array(body) : undefined
    this.#publish(kind, topic, isLarge ? packReference(body) : body, options, now, own)
  }

  #onSearch(input: Extract<Input, { type: 'search' }>, now: number): void {
    if (this.#searches.isFull) return void this.#effects.push({ type: 'refused', reason: 'BUSY' })
    const rumor = this.#publish(RumorKind.QUERY, input.topic, input.query, input.options, now)
    if (rumor === undefined) return
    const until = now + input.options.ttlMs
    this.#searches.begin(rumor, input.limit, until)
    this.#arm(until)
  }

  /** Nobody need work on a query of this peer any more. */
  #onCancel(id: Uint8Array, now: number): void {
    const query = this.#searches.queryOf(id)
    if (query === undefined) return
    this.#spread.stop(query.key, now)
    const rumor = this.#sign(RumorKind.CANCEL, query.topic, id, query)
    // It takes its part of the rate when there is some; but work everywhere is to end in any case.
    this.#spread.mayPublish(now)
    this.#sequence = rumor.sequence
    this.#spread.publish(rumor, now)
  }

  #publish(
    kind: RumorKind,
    topic: string,
    body: Uint8Array,
    options: PublishFields,
    now: number,
    large?: Uint8Array,
  ): Rumor | undefined {
    const rumor = this.#sign(kind, topic, body, options)
    if (!this.#spread.mayPublish(now)) {
      this.#effects.push({ type: 'refused', reason: 'RATE_LIMITED' })
      return undefined
    }
    this.#sequence = rumor.sequence
    this.#effects.push({ type: 'published', id: rumor.id })
    this.#spread.publish(rumor, now, large)
    return rumor
  }

  /** A sequence that was refused is used again, so that no gap is left. */
  #sign(kind: RumorKind, topic: string, body: Uint8Array, { ttlMs, createdAt }: PublishFields): Rumor {
    const sequence = this.#sequence + 1
    return signRumor(this.#identity, { kind, topic, boot: this.#boot, sequence, createdAt, ttlMs, body })
  }

  #onWake(now: number): void {
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.#repair.wake(now)
    const { hits, unanswered, over } = this.#searches.due(now)
    for (const { to, query, answer } of hits) {
      this.#effects.push({ type: 'send', to, bytes: packHit(query, answer) })
    }
    for (const id of unanswered) this.#effects.push({ type: 'query-cancelled', id })
    for (const id of over) this.#effects.push({ type: 'search-over', id })
    this.#doPeriodic(now)
    this.#armAll()
  }

  #doPeriodic(now: number): void {
    if (this.#rotateAt <= now) {
      this.#neighbours.rotate()
      this.#rotateAt = this.#nextRotation(now)
    }
    if (this.#sweepAt <= now) {
      this.#neighbours.sweep(now)
      for (const { peer } of this.#neighbours.toTell(now)) {
        this.#effects.push({ type: 'send', to: peer, bytes: packKeys('ihave', []) })
      }
      this.#spread.sweep(now)
      this.#searches.sweep(now)
      for (const peer of this.#repair.broken(now)) this.#scores.add(peer, Fault.BROKEN_PROMISE, now)
      this.#sweepAt = now + SWEEP_MS
    }
    this.#comparing.wake(now)
  }

  /** Not all at a time, where many started together: each new neighbour is a handshake. */
  #nextRotation(now: number): number {
    return now + this.#limits.rotateMs * (0.5 + this.#random())
  }

  /** Undefined, for who returns it in place of a result. */
  #count(what: keyof GossipCounters): undefined {
    this.#counters[what] += 1
  }

  #readExchange(from: Live, bytes: Uint8Array, now: number): Exchange | undefined {
    if (this.#scores.standing(from.key, now) !== 'good') return this.#count('ignored')
    return this.#read(() => readExchange(bytes), from, now)
  }

  #read<Result>(read: () => Result, from: Live, now: number): Result | undefined {
    try {
      return read()
    } catch {
      this.#counters.invalid += 1
      this.#scores.add(from.key, Fault.INVALID, now)
      return undefined
    }
  }

  #liveOf(peer: PeerId): Live {
    const key = keyOfBytes(peer.bytes)
    return this.#neighbours.get(key) ?? { key, peer, roundTripMs: 0 }
  }

  #arm(at: number): void {
    if (at >= this.#wakeAt) return
    this.#wakeAt = at
    this.#effects.push({ type: 'wake', after: Math.max(0, at - this.#now) })
  }

  #armAll(): void {
    const dueAt = Math.min(this.#repair.dueAt, this.#searches.dueAt, this.#comparing.dueAt)
    this.#arm(Math.min(dueAt, this.#rotateAt, this.#sweepAt))
  }
}

function limitPerSecond(perSecond: number): RateLimit {
  return new RateLimit({ perSecond, burst: 2 * perSecond, limit: MAX_TRACKED })
}
