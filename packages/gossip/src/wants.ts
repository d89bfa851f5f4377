/**
 * Lazy repair, the half that asks: of those who announce a rumor one is asked at a time, and the next, around and around, when it does not come. Who
 * announces and does not give has broken a promise.
 */
import { RoundTripEstimate } from '@pc/transport'
import { wantDelay } from './formulas.js'
import type { Live } from './neighbours.js'

interface Want {
  /** Who announced it, in the order in which they are asked, again and again. */
  readonly sources: Live[]
  attempts: number
  askedAt: number
  dueAt: number
}

/** So often is asked for one rumor; after that a new announcement is needed. With one packet in five lost, one try in three fails. */
const MAX_ATTEMPTS = 16
const MAX_SOURCES = 8
/** From one try to the next the wait grows by a step, so many times. */
const MAX_STEPS = 3
/** Until an announcer that was asked must have given it (GossipSub: IWANT follow-up). */
const PROMISE_MS = 3_000

export class Wants {
  readonly #limit: number
  /** How long what was asked for takes to come: longer than a round trip where machines are busy. */
  readonly #giving = new RoundTripEstimate()
  readonly #wants = new Map<string, Want>()
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
    if (this.#wants.size >= this.#limit) return false
    this.#ask(key, { sources: [source], attempts: 0, askedAt: 0, dueAt: 0 }, source, now)
    return true
  }

  /** These are asked of that peer indeed: from now on it has promised them. */
  promised(keys: readonly string[], source: Live, now: number): void {
    for (const key of keys) {
      const promise = promiseOf(key, source.key)
      if (this.#promises.size >= this.#limit || this.#promises.has(promise)) continue
      this.#promises.set(promise, { peer: source.key, until: now + PROMISE_MS })
    }
  }

  /** The rumor came from that peer, or from somebody else. True when that peer had been asked for it. */
  came(key: string, from: string, now: number): boolean {
    const want = this.#wants.get(key)
    this.#wants.delete(key)
    const promised = this.#promises.delete(promiseOf(key, from))
    // Karn: of something asked twice nobody knows which question was answered.
    if (promised && want?.attempts === 1) this.#giving.measured(now - want.askedAt)
    return promised
  }

  /** Whom to ask for what now; say with `promised` what was. */
  due(now: number): Map<Live, string[]> {
    const asking = new Map<Live, string[]>()
    for (const [key, want] of this.#wants) {
      if (want.dueAt > now) continue
      if (want.attempts >= MAX_ATTEMPTS) {
        this.#wants.delete(key)
        continue
      }
      const source = want.sources[want.attempts % want.sources.length] as Live
      this.#ask(key, want, source, now)
      asking.set(source, [...(asking.get(source) ?? []), key])
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

  #ask(key: string, want: Want, source: Live, now: number): void {
    want.attempts += 1
    want.askedAt = now
    const steps = Math.min(want.attempts, MAX_STEPS)
    const usual = this.#giving.smoothed === undefined ? 0 : steps * this.#giving.timeoutMs
    want.dueAt = now + Math.max(usual, wantDelay(steps, source.roundTripMs))
    this.#wants.set(key, want)
  }
}

/** Keys have a fixed length, so nothing is ambiguous. */
function promiseOf(key: string, peer: string): string {
  return key + peer
}
