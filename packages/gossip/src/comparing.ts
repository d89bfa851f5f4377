/**
 * When two peers compare what they have, and how an exchange goes on: with somebody by chance now and then, and soon after somebody came up, who
 * may have been on the other side of a partition.
 */
import { AntiEntropy } from './anti-entropy.js'
import type { Effect, GossipCounters } from './events.js'
import { syncDelay } from './formulas.js'
import type { Live, Neighbours } from './neighbours.js'
import { RateLimit } from './rate-limit.js'
import type { Scores } from './scores.js'
import type { Spread } from './spread.js'
import { type Exchange, packExchange } from './sync-messages.js'

export interface ComparingParts {
  readonly spread: Spread
  readonly neighbours: Neighbours
  readonly scores: Scores
  readonly counters: GossipCounters
  readonly random: () => number
  readonly emit: (effect: Effect) => void
  /** Undefined for bytes that are no exchange, and for whom nothing is taken of. */
  readonly read: (from: Live, bytes: Uint8Array, now: number) => Exchange | undefined
  readonly now: number
}

/** After somebody came up an exchange soon, at most one in a while. */
const ARRIVAL_SYNC_MS = 1_000
const ARRIVAL_PAUSE_MS = 5_000
/** Exchanges in a row with one peer while it says that there is more. */
const MAX_SYNC_ROUNDS = 16
/** An answer is up to 64,000 bytes and as many as that come with a push: a peer has so many each second, and at once what a long absence takes. */
const EXCHANGES_PER_SECOND = 1
const EXCHANGES_AT_ONCE: number = 2 * MAX_SYNC_ROUNDS
const MAX_TRACKED = 10_000

export class Comparing {
  readonly #parts: ComparingParts
  readonly #sync: AntiEntropy
  readonly #answering = new RateLimit({
    perSecond: EXCHANGES_PER_SECOND,
    burst: EXCHANGES_AT_ONCE,
    limit: MAX_TRACKED,
  })
  /** Exchanges under way, by peer: how many have followed each other. */
  readonly #exchanges = new Map<string, number>()
  #syncAt: number
  #arrival: Live | undefined
  #arrivalAt = Number.POSITIVE_INFINITY
  #lastArrivalSync = Number.NEGATIVE_INFINITY

  constructor(parts: ComparingParts) {
    this.#parts = parts
    this.#sync = new AntiEntropy(parts.spread)
    this.#syncAt = parts.now + syncDelay(1, parts.random())
  }

  /** When something is due next. */
  get dueAt(): number {
    return Math.min(this.#arrivalAt, this.#syncAt)
  }

  /** Somebody came up. Gives back when to compare with it; infinity when that is planned already. */
  cameUp(live: Live, now: number): number {
    // The latest of those that come at a time: among many who all come back, everybody picks somebody else.
    this.#arrival = live
    if (this.#arrivalAt !== Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    const soon = ARRIVAL_SYNC_MS * (0.5 + this.#parts.random())
    this.#arrivalAt = Math.max(now, this.#lastArrivalSync + ARRIVAL_PAUSE_MS) + soon
    return this.#arrivalAt
  }

  wentDown(key: string): void {
    this.#exchanges.delete(key)
    if (this.#arrival?.key === key) this.#arrival = undefined
  }

  /** Somebody else began an exchange, or goes on with it. */
  asked(from: Live, bytes: Uint8Array, now: number): void {
    const { counters, emit, read } = this.#parts
    let reply: Exchange = { type: 'done' }
    if (this.#answering.take(from.key, now)) {
      const exchange = read(from, bytes, now)
      if (exchange?.type === 'sync') reply = this.#sync.tell(exchange.vector, now)
      if (exchange?.type === 'push') this.#receive(exchange, from, now)
    } else {
      counters.limited += 1
    }
    emit({ type: 'reply', bytes: packExchange(reply) })
  }

  answered(from: Live, bytes: Uint8Array, now: number): void {
    const { emit, read } = this.#parts
    const rounds = this.#exchanges.get(from.key)
    this.#exchanges.delete(from.key)
    if (rounds === undefined) return
    const exchange = read(from, bytes, now)
    if (exchange?.type !== 'tell') return
    this.#receive(exchange, from, now)
    if (exchange.more && rounds < MAX_SYNC_ROUNDS) {
      this.#begin(from, rounds + 1, now)
      return
    }
    const push = this.#sync.push(exchange.vector, now)
    if (push === undefined) return
    // Nothing follows it: its answer says no more than that it came.
    this.#exchanges.set(from.key, MAX_SYNC_ROUNDS)
    emit({ type: 'exchange', to: from.peer, bytes: packExchange(push) })
  }

  failed(key: string): void {
    this.#exchanges.delete(key)
  }

  /** Begins what is due. */
  wake(now: number): void {
    const { neighbours, random } = this.#parts
    if (this.#arrivalAt <= now) {
      this.#arrivalAt = Number.POSITIVE_INFINITY
      this.#lastArrivalSync = now
      if (this.#arrival !== undefined) this.#begin(this.#arrival, 1, now)
      this.#arrival = undefined
    }
    if (this.#syncAt <= now) {
      const live = neighbours.anyone()
      if (live !== undefined) this.#begin(live, 1, now)
      this.#syncAt = now + syncDelay(neighbours.count + 1, random())
    }
  }

  #begin(live: Live, round: number, now: number): void {
    if (this.#exchanges.has(live.key)) return
    this.#exchanges.set(live.key, round)
    this.#parts.emit({ type: 'exchange', to: live.peer, bytes: packExchange(this.#sync.ask(now)) })
  }

  #receive({ rumors }: Extract<Exchange, { type: 'tell' | 'push' }>, from: Live, now: number): void {
    const { spread, scores } = this.#parts
    for (const hop of rumors) {
      // What is forged costs a signature to find out: of 512 in one exchange ten are enough.
      if (scores.standing(from.key, now) !== 'good') return
      spread.receive(hop, from, 'exchange', now)
    }
  }
}
