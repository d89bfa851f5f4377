/**
 * Lazy repair, the half that asks: of those who announce a rumor one is asked at a time, and the next, around and around, when it does not come. Who
 * announces and does not give has broken a promise.
 */
import { RoundTripEstimate } from '@pc/transport'
import { wantDelay } from './formulas.js'
import type { Live } from './neighbours.js'

interface Want {
  /** Who announced it, in the order in which they are asked, again and again. The first one began it. */
  readonly sources: [Live, ...Live[]]
  /** Who is next among them. */
  next: number
  /** Times that somebody's turn came, and of these the times that the rate of asking had room for it. */
  turns: number
  attempts: number
  askedAt: number
  dueAt: number
}

/** So often is asked for one rumor; after that a new announcement is needed. With one packet in five lost, one try in three fails. */
const MAX_ATTEMPTS = 16
/** Of each who announced it: it gives one rumor to one peer three times. */
const ATTEMPTS_OF_ONE = 5
const MAX_TURNS = 64
const MAX_SOURCES = 8
/** Begun by one announcer: a table that one could fill would be closed to all others. */
const MAX_OF_ONE = 512
/** From one try to the next the wait grows by a step, so many times. */
const MAX_STEPS = 3
/** Until an announcer that was asked must have given it (GossipSub: IWANT follow-up). */
const PROMISE_MS = 3_000

export class Wants {
  readonly #limit: number
  /** How long what was asked for takes to come: longer than a round trip where machines are busy. */
  readonly #giving = new RoundTripEstimate()
  readonly #wants = new Map<string, Want>()
  /** How many each announcer has begun. */
  readonly #begun = new Map<string, number>()
  /** By rumor and peer, the oldest first: when each is broken. */
  readonly #promises = new Map<string, { readonly peer: string; readonly until: number }>()

  /** @param limit rumors wanted, and promises held, at a time; an announcement beyond it is not heard: it comes again */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#wants.size
  }

  /** When the next has to be asked for anew, or infinity. */
  get dueAt(): number {
    let dueAt = Number.POSITIVE_INFINITY
    for (const want of this.#wants.values()) dueAt = Math.min(dueAt, want.dueAt)
    return dueAt
  }

  /** Somebody announces what is not here. True when it is to be asked now; then say with `promised` that it was. */
  announced(key: string, source: Live, now: number): boolean {
    const want = this.#wants.get(key)
    if (want !== undefined) {
      const isThere = want.sources.some((other) => other.key === source.key)
      if (want.sources.length < MAX_SOURCES && !isThere) want.sources.push(source)
      return false
    }
    const begun = this.#begun.get(source.key) ?? 0
    if (this.#wants.size >= this.#limit || begun >= MAX_OF_ONE) return false
    this.#begun.set(source.key, begun + 1)
    const first: Want = { sources: [source], next: 0, turns: 0, attempts: 0, askedAt: now, dueAt: now }
    this.#wants.set(key, first)
    this.#turn(first, now)
    return true
  }

  /** These are asked of that peer indeed: from now on it has promised them. */
  promised(keys: readonly string[], source: Live, now: number): void {
    for (const key of keys) {
      const want = this.#wants.get(key)
      if (want !== undefined) {
        want.attempts += 1
        want.askedAt = now
      }
      const promise = promiseOf(key, source.key)
      if (this.#promises.size >= this.#limit || this.#promises.has(promise)) continue
      this.#promises.set(promise, { peer: source.key, until: now + PROMISE_MS })
    }
  }

  /** The rumor came from that peer. True when that peer had been asked for it. Whether it is good shows later: see `end`. */
  came(key: string, from: string, now: number): boolean {
    const want = this.#wants.get(key)
    const promised = this.#promises.delete(promiseOf(key, from))
    // Karn: of something asked twice nobody knows which question was answered.
    if (promised && want?.attempts === 1) this.#giving.measured(now - want.askedAt)
    return promised
  }

  /** It is wanted no more. */
  end(key: string): void {
    const want = this.#wants.get(key)
    if (want === undefined) return
    this.#wants.delete(key)
    const [{ key: first }] = want.sources
    const begun = (this.#begun.get(first) ?? 0) - 1
    if (begun > 0) this.#begun.set(first, begun)
    else this.#begun.delete(first)
  }

  /** Whom to ask for what now; say with `promised` what was. */
  due(now: number): Map<Live, string[]> {
    const asking = new Map<Live, string[]>()
    for (const [key, want] of this.#wants) {
      if (want.dueAt > now) continue
      const most = Math.min(MAX_ATTEMPTS, ATTEMPTS_OF_ONE * want.sources.length)
      if (want.attempts >= most || want.turns >= MAX_TURNS) {
        this.end(key)
        continue
      }
      const source = this.#turn(want, now)
      const keys = asking.get(source)
      if (keys === undefined) asking.set(source, [key])
      else keys.push(key)
    }
    return asking
  }

  /** Who has broken a promise since the last time; each only once. */
  broken(now: number): Set<string> {
    const peers = new Set<string>()
    for (const [promise, { peer, until }] of this.#promises) {
      if (until > now) break
      this.#promises.delete(promise)
      peers.add(peer)
    }
    return peers
  }

  /** Who is asked now, and when the next is. */
  #turn(want: Want, now: number): Live {
    const index = want.next % want.sources.length
    const source = want.sources[index] as Live
    want.next = index + 1
    want.turns += 1
    const steps = Math.min(want.turns, MAX_STEPS)
    const usual = this.#giving.smoothed === undefined ? 0 : steps * this.#giving.timeoutMs
    want.dueAt = now + Math.max(usual, wantDelay(steps, source.roundTripMs))
    return source
  }
}

/** Keys have a fixed length, so nothing is ambiguous. */
function promiseOf(key: string, peer: string): string {
  return key + peer
}
