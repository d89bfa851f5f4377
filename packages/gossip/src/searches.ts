/**
 * Search: a query spreads as a rumor, who has an answer sends it straight to the asker, and a second rumor ends the work everywhere. Answers are
 * spread over a moment, so that they do not meet at the asker; each is sent again until it is acknowledged, for it has only one way.
 */
import type { PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import { RateLimit } from './rate-limit.js'
import type { Rumor } from './rumor.js'
import { SeenKeys } from './seen.js'

/** A query stops here, however long it may live. */
export const MAX_QUERY_HOPS = 16
/** Answers are spread over so long after the question was asked, by chance, ms: whom it reached late answers at once. */
const ANSWER_SPREAD_MS = 100
/** An answer is sent again so long after it was sent the last time, until it is acknowledged, ms. */
const REPEAT_AFTER_MS: readonly number[] = [30, 60, 120]
/** Answers of this peer in all searches together. */
const ANSWERS_PER_SECOND = 20
const CANCELLED_MS = 60_000
const MAX_CANCELLED = 4_096

interface Own {
  readonly rumor: Rumor
  readonly limit: number
  readonly until: number
  readonly answered: Set<string>
  over: boolean
}

interface Foreign {
  readonly rumor: Rumor
  readonly asker: PeerId
  readonly until: number
  answer: Uint8Array | undefined
  dueAt: number
  sent: number
}

interface Hit {
  readonly to: PeerId
  readonly query: Uint8Array
  readonly answer: Uint8Array
}

export interface SearchLimits {
  /** Searches of this peer at a time. */
  readonly maxOwn: number
  /** Queries of others that are worked on; beyond it the oldest is given up. */
  readonly maxForeign: number
}

/** What came of an answer: whether it is the asker's to see, and whether it was the last that was wanted. */
export interface HitOutcome {
  readonly isNew: boolean
  readonly isLast: boolean
}

export class Searches {
  readonly #limits: SearchLimits
  readonly #random: () => number
  readonly #own = new Map<string, Own>()
  readonly #foreign = new Map<string, Foreign>()
  readonly #cancelled: SeenKeys
  readonly #answers = new RateLimit({ perSecond: ANSWERS_PER_SECOND, burst: ANSWERS_PER_SECOND, limit: 1 })

  constructor(limits: SearchLimits, random: () => number, now: number) {
    this.#limits = limits
    this.#random = random
    this.#cancelled = new SeenKeys(CANCELLED_MS, MAX_CANCELLED, now)
  }

  /** Searches of this peer that are not over. */
  get own(): number {
    let count = 0
    for (const { over } of this.#own.values()) if (!over) count++
    return count
  }

  /** Queries of others that this peer still works on. */
  get foreign(): number {
    return this.#foreign.size
  }

  get isFull(): boolean {
    return this.#own.size >= this.#limits.maxOwn
  }

  /** When something is due next, or infinity. */
  get dueAt(): number {
    let dueAt = Number.POSITIVE_INFINITY
    for (const { until } of this.#own.values()) dueAt = Math.min(dueAt, until)
    for (const foreign of this.#foreign.values()) dueAt = Math.min(dueAt, foreign.dueAt, foreign.until)
    return dueAt
  }

  /** A search of this peer begins; it ends after `limit` answers or at `until`. */
  begin(rumor: Rumor, limit: number, until: number): void {
    this.#own.set(keyOfBytes(rumor.id), { rumor, limit, until, answered: new Set(), over: false })
  }

  /** What was asked, until its time is over. */
  queryOf(id: Uint8Array): Rumor | undefined {
    return this.#own.get(keyOfBytes(id))?.rumor
  }

  /** Ends a search of this peer. False when it was over. */
  end(id: Uint8Array): boolean {
    const own = this.#own.get(keyOfBytes(id))
    if (own === undefined || own.over) return false
    own.over = true
    return true
  }

  /** An answer came: each peer gives one. Undefined when no such search is known, so it is not acknowledged. */
  hit(query: Uint8Array, from: string): HitOutcome | undefined {
    const own = this.#own.get(keyOfBytes(query))
    if (own === undefined) return undefined
    if (own.over || own.answered.has(from)) return { isNew: false, isLast: false }
    own.answered.add(from)
    return { isNew: true, isLast: own.answered.size >= own.limit }
  }

  isCancelled(rumor: Rumor): boolean {
    return this.#cancelled.has(keyOfBytes(rumor.origin) + keyOfBytes(rumor.id))
  }

  /** Somebody asks something. */
  take(rumor: Rumor, asker: PeerId, until: number): void {
    const foreign = { rumor, asker, until, answer: undefined, dueAt: Number.POSITIVE_INFINITY, sent: 0 }
    this.#foreign.set(keyOfBytes(rumor.id), foreign)
    for (const oldest of this.#foreign.keys()) {
      if (this.#foreign.size <= this.#limits.maxForeign) break
      this.#foreign.delete(oldest)
    }
  }

  /** This peer has an answer. When it is due; infinity when nobody waits for it, or this peer has answered too much. */
  answer(query: Uint8Array, answer: Uint8Array, now: number): number {
    const foreign = this.#foreign.get(keyOfBytes(query))
    if (foreign === undefined || foreign.answer !== undefined) return Number.POSITIVE_INFINITY
    if (!this.#answers.take('', now)) return Number.POSITIVE_INFINITY
    foreign.answer = answer
    const ageMs = now - (foreign.until - foreign.rumor.ttlMs)
    foreign.dueAt = now + this.#random() * Math.max(0, ANSWER_SPREAD_MS - ageMs)
    return foreign.dueAt
  }

  /** The asker has the answer. */
  acknowledged(query: Uint8Array, from: PeerId): void {
    const key = keyOfBytes(query)
    if (this.#foreign.get(key)?.asker.equals(from)) this.#foreign.delete(key)
  }

  /** The origin of a query wants no more. Gives the key of the query's rumor, if it is worked on. */
  cancel(origin: Uint8Array, query: Uint8Array, now: number): string | undefined {
    this.#cancelled.add(keyOfBytes(origin) + keyOfBytes(query), now)
    const key = keyOfBytes(query)
    const foreign = this.#foreign.get(key)
    // Only the asker's own word counts.
    if (foreign === undefined || Buffer.compare(foreign.rumor.origin, origin) !== 0) return undefined
    this.#foreign.delete(key)
    return foreign.rumor.key
  }

  /** Answers that are to be sent now; queries of others whose time is over without one; this peer's searches whose time is. */
  due(now: number): { hits: Hit[]; unanswered: Uint8Array[]; over: Uint8Array[] } {
    const hits: Hit[] = []
    const unanswered: Uint8Array[] = []
    for (const [key, foreign] of this.#foreign) {
      const { answer, rumor, asker } = foreign
      if (foreign.until <= now) {
        this.#foreign.delete(key)
        if (answer === undefined) unanswered.push(rumor.id)
      } else if (foreign.dueAt <= now && answer !== undefined) {
        hits.push({ to: asker, query: rumor.id, answer })
        foreign.dueAt = now + (REPEAT_AFTER_MS[foreign.sent] ?? Number.POSITIVE_INFINITY)
        foreign.sent += 1
      }
    }
    return { hits, unanswered, over: this.#overDue(now) }
  }

  sweep(now: number): void {
    this.#cancelled.sweep(now)
  }

  #overDue(now: number): Uint8Array[] {
    const over: Uint8Array[] = []
    for (const [key, own] of this.#own) {
      if (own.until > now) continue
      this.#own.delete(key)
      if (!own.over) over.push(own.rumor.id)
    }
    return over
  }
}
