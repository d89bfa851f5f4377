/**
 * Lazy repair between neighbours: what is announced and not here is asked for, what is asked for is given, each at a rate that harms nobody.
 */
import type { PeerId } from '@pc/identity'
import { TOGETHER_MS } from './digests.js'
import type { GossipCounters } from './events.js'
import { wantDelay } from './formulas.js'
import { MAX_KEYS, packKeys, packRumor } from './messages.js'
import type { Live, Neighbours } from './neighbours.js'
import { RateLimit } from './rate-limit.js'
import type { Spread } from './spread.js'
import { Wants } from './wants.js'

/** Keys of digests are looked up cheaply, but each datagram costs: honest peers send far fewer. */
const DIGESTS_PER_SECOND = 40
/** Rumors given to one peer in a second, and asked of it. */
const GIVEN_PER_SECOND = 64
/** One rumor is given to one peer so often: it was lost, or somebody plays. */
const GIVEN_TIMES = 3
const MAX_TRACKED = 10_000
const MAX_WANTS = 4_096

export interface RepairParts {
  readonly spread: Spread
  readonly neighbours: Neighbours
  readonly counters: GossipCounters
  readonly send: (to: PeerId, bytes: Uint8Array) => void
}

export class Repair {
  readonly #parts: RepairParts
  readonly #wants = new Wants(MAX_WANTS)
  readonly #digestRate = limitOf(DIGESTS_PER_SECOND, 2 * DIGESTS_PER_SECOND)
  readonly #giving = limitOf(GIVEN_PER_SECOND, 2 * GIVEN_PER_SECOND)
  readonly #asking = limitOf(GIVEN_PER_SECOND, GIVEN_PER_SECOND)
  /** A rumor and a peer: three times, then one more each minute. */
  readonly #givenTimes = limitOf(1 / 60, GIVEN_TIMES)

  constructor(parts: RepairParts) {
    this.#parts = parts
  }

  get wanted(): number {
    return this.#wants.size
  }

  /** When something is due next, or infinity. */
  get dueAt(): number {
    return Math.min(this.#parts.spread.digests.dueAt, this.#wants.dueAt)
  }

  /** A rumor came by datagram. True when it had been asked of that peer. */
  came(key: string, from: string, now: number): boolean {
    return this.#wants.came(key, from, now)
  }

  /** Ends the want of what is here by now. What came and was not taken goes on being asked for. */
  settle(key: string): void {
    if (this.#parts.spread.knows(key)) this.#wants.end(key)
  }

  /** Who has announced and not given since the last time. */
  broken(now: number): Set<string> {
    return this.#wants.broken(now)
  }

  /** Somebody has these, or only says that this peer is its neighbour. Gives back when to look again; infinity when nothing was asked for. */
  onIHave(keys: readonly string[], from: Live, now: number): number {
    if (!this.#digestRate.take(from.key, now)) {
      this.#parts.counters.limited += 1
      return Number.POSITIVE_INFINITY
    }
    // Nothing else says that it picked this peer: it announces to those that picked it, too, and two such would hold each other for good.
    if (keys.length === 0) this.#parts.neighbours.pickedBy(from.key, now)
    const asked: string[] = []
    for (const key of keys) {
      if (!this.#parts.spread.knows(key)) {
        if (this.#wants.announced(key, from, now)) asked.push(key)
      } else {
        this.#parts.spread.digests.has(key, from.key)
        this.#parts.spread.bodies.alsoAt(key, from.peer)
      }
    }
    if (asked.length === 0) return Number.POSITIVE_INFINITY
    this.#ask(from, asked, now)
    return now + wantDelay(1, from.roundTripMs)
  }

  /** Somebody lacks these. */
  onIWant(keys: readonly string[], from: Live, now: number): void {
    for (const key of keys) {
      const hop = this.#parts.spread.cache.promised(key, now)
      if (hop === undefined) continue
      if (!this.#giving.take(from.key, now) || !this.#givenTimes.take(key + from.key, now)) {
        this.#parts.counters.limited += 1
        continue
      }
      this.#parts.spread.digests.drew(key)
      this.#parts.counters.given += 1
      this.#parts.send(from.peer, packRumor(hop))
    }
  }

  /** Asks the next announcers, and announces. */
  wake(now: number): void {
    const { spread, neighbours, send } = this.#parts
    for (const [live, keys] of this.#wants.due(now)) {
      // By an exchange it may have come meanwhile.
      for (const key of keys) this.settle(key)
      this.#ask(
        live,
        keys.filter((key) => !spread.knows(key)),
        now,
      )
    }
    if (spread.digests.dueAt > now + TOGETHER_MS) return
    for (const [{ peer }, keys] of spread.digests.due(now, neighbours.current)) {
      const here = keys.filter((key) => spread.mayAnnounce(key, now))
      for (const bytes of packed('ihave', here)) send(peer, bytes)
    }
  }

  /** What others would not give any more is not asked of them: another announcer is, or the next announcement. */
  #ask(from: Live, keys: readonly string[], now: number): void {
    const asked = keys.slice(0, this.#asking.takeUpTo(from.key, now, keys.length))
    this.#wants.promised(asked, from, now)
    for (const bytes of packed('iwant', asked)) this.#parts.send(from.peer, bytes)
  }
}

function limitOf(perSecond: number, burst: number): RateLimit {
  return new RateLimit({ perSecond, burst, limit: MAX_TRACKED })
}

function packed(type: 'ihave' | 'iwant', keys: readonly string[]): Uint8Array[] {
  const packets: Uint8Array[] = []
  for (let at = 0; at < keys.length; at += MAX_KEYS) packets.push(packKeys(type, keys.slice(at, at + MAX_KEYS)))
  return packets
}
