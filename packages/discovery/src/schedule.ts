/** When to announce. Pure; times in milliseconds. */

/** `active`: looking for peers, often. `passive`: rarely, for ever, so that nobody stays alone who need not. */
export type Phase = 'active' | 'passive'

/**
 * After the start of a search: each gap is twice the one before, so a lost packet costs little and a storm ends. The last two are for
 * networks that lose much multicast, as many wireless ones do: at 30 % loss one of 1,400 peers misses all of somebody's first six.
 */
export const ACTIVE_OFFSETS: readonly number[] = [0, 250, 750, 1_750, 3_750, 7_750, 15_750, 31_750]
/** Peers that start together, after a power cut say, do not announce together. */
export const START_JITTER_MS = 50
/** However often a search is started anew, announcements keep this distance. */
export const LEAST_GAP_MS = 250
const ALONE_MS = 30_000
const CONNECTED_MS = 60_000
/** Keeps the whole network below 10 announcements a second, however many are in it. */
const CONNECTED_MS_PER_PEER = 100
const SPREAD = 0.1

export class Schedule {
  readonly #random: () => number
  #base = 0
  /** Index into ACTIVE_OFFSETS of the next announcement; its length once passive. */
  #next = 0
  #dueAt = Number.POSITIVE_INFINITY
  #lastAt = Number.NEGATIVE_INFINITY

  /** @param random numbers in [0, 1) */
  constructor(random: () => number) {
    this.#random = random
  }

  get phase(): Phase {
    return this.#next < ACTIVE_OFFSETS.length ? 'active' : 'passive'
  }

  /** When the next announcement is due; infinite before the first search. */
  get dueAt(): number {
    return this.#dueAt
  }

  /** Starts a search, or starts it anew. */
  search(now: number): void {
    this.#base = Math.max(now + this.#random() * START_JITTER_MS, this.#lastAt + LEAST_GAP_MS)
    this.#next = 0
    this.#dueAt = this.#base
  }

  /** To be called with each announcement that is made. */
  announced(now: number, connectedPeers: number): void {
    this.#lastAt = now
    this.#next = Math.min(this.#next + 1, ACTIVE_OFFSETS.length)
    const offset = ACTIVE_OFFSETS[this.#next]
    if (offset === undefined) this.#dueAt = now + passiveInterval(connectedPeers, this.#random())
    // After a pause of the whole machine the offsets lie in the past, and would otherwise all be due at once.
    else this.#dueAt = Math.max(this.#base + offset, now + LEAST_GAP_MS)
  }
}

/** @param chance a number in [0, 1) */
export function passiveInterval(connectedPeers: number, chance: number): number {
  const mean = connectedPeers === 0 ? ALONE_MS : Math.max(CONNECTED_MS, connectedPeers * CONNECTED_MS_PER_PEER)
  return mean * (1 - SPREAD + 2 * SPREAD * chance)
}
