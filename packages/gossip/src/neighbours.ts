import type { PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'

export interface Live {
  readonly key: string
  readonly peer: PeerId
  /** 0 while it is not known. */
  readonly roundTripMs: number
}

export interface NeighboursOptions {
  /** Neighbours at a time. */
  readonly size: number
  /** Live peers that are known; those beyond it are not chosen. */
  readonly maxPeers: number
  /** A number in [0, 1). */
  readonly random: () => number
}

/**
 * The live peers, and the few of them that rumors are sent to. A set that changes slowly keeps sessions few; that it changes makes of a
 * bad choice a short one.
 */
export class Neighbours {
  readonly #options: NeighboursOptions
  /** Where a peer is in `#live`: a peer leaves by taking the last one into its place. */
  readonly #places = new Map<string, number>()
  readonly #live: Live[] = []
  readonly #chosen = new Map<string, Live>()
  /** When each of those who chose this peer was heard last, the longest ago first. */
  readonly #followers = new Map<string, number>()

  constructor(options: NeighboursOptions) {
    this.#options = options
  }

  /** Live peers, without this one. */
  get count(): number {
    return this.#live.length
  }

  get chosen(): readonly Live[] {
    return [...this.#chosen.values()]
  }

  isNeighbour(key: string): boolean {
    return this.#chosen.has(key)
  }

  get(key: string): Live | undefined {
    const place = this.#places.get(key)
    return place === undefined ? undefined : this.#live[place]
  }

  /** Everybody who is live. */
  all(): readonly Live[] {
    return this.#live
  }

  /** A peer sent something unasked: it has chosen this one, or had. */
  heard(key: string, now: number): void {
    if (!this.#places.has(key)) return
    this.#followers.delete(key)
    this.#followers.set(key, now)
    const [oldest] = this.#followers.keys()
    if (this.#followers.size > MAX_FOLLOWERS && oldest !== undefined) this.#followers.delete(oldest)
  }

  /** Who has chosen this peer, as far as is known, and was heard within `withinMs`. */
  followers(now: number, withinMs: number): Live[] {
    for (const [key, at] of this.#followers) if (at < now - withinMs) this.#followers.delete(key)
    return [...this.#followers.keys()].map((key) => this.get(key)).filter((live) => live !== undefined)
  }

  /** A peer is up, or its round trip is known anew. True when it was not there before. */
  add(peer: PeerId, roundTripMs = 0): boolean {
    const key = keyOfBytes(peer.bytes)
    const live = { key, peer, roundTripMs }
    const place = this.#places.get(key)
    if (place !== undefined) {
      this.#live[place] = live
      if (this.#chosen.has(key)) this.#chosen.set(key, live)
      return false
    }
    if (this.#live.length >= this.#options.maxPeers) return false
    this.#places.set(key, this.#live.length)
    this.#live.push(live)
    this.#offer(live)
    return true
  }

  remove(key: string): void {
    const place = this.#places.get(key)
    if (place === undefined) return
    const last = this.#live.pop() as Live
    this.#places.delete(key)
    this.#followers.delete(key)
    if (last.key !== key) {
      this.#live[place] = last
      this.#places.set(last.key, place)
    }
    if (this.#chosen.delete(key)) this.#choose()
  }

  /** Replaces one neighbour by another live peer, if there is one. */
  rotate(): void {
    if (this.#live.length <= this.#chosen.size) return
    const going = this.#pick(this.chosen)
    // The new one first, or it could be the one that goes.
    this.#choose()
    if (going !== undefined) this.#chosen.delete(going.key)
  }

  /** Up to `count` neighbours by chance, none of those left out. */
  sample(count: number, without: (key: string) => boolean): Live[] {
    const pool = this.chosen.filter(({ key }) => !without(key))
    const picked: Live[] = []
    while (picked.length < count && pool.length > 0) {
      const at = this.#below(pool.length)
      picked.push(pool[at] as Live)
      pool[at] = pool[pool.length - 1] as Live
      pool.pop()
    }
    return picked
  }

  /** One live peer by chance. */
  anyone(): Live | undefined {
    return this.#pick(this.#live)
  }

  /** Reservoir sampling: in whatever order peers come up, each is a neighbour as probably as any other. Else all would choose the same ones. */
  #offer(live: Live): void {
    const { size } = this.#options
    if (this.#chosen.size >= size) {
      if (this.#below(this.#live.length) >= size) return
      const going = this.#pick(this.chosen)
      if (going !== undefined) this.#chosen.delete(going.key)
    }
    this.#chosen.set(live.key, live)
  }

  #choose(): void {
    const free = this.#live.length - this.#chosen.size
    if (free <= 0) return
    // Neighbours are few, so a few draws find somebody who is none; the rest is for tables that hold hardly more than them.
    for (let draw = 0; draw < DRAWS; draw++) {
      const live = this.#pick(this.#live) as Live
      if (!this.#chosen.has(live.key)) return void this.#chosen.set(live.key, live)
    }
    const live = this.#pick(this.#live.filter(({ key }) => !this.#chosen.has(key))) as Live
    this.#chosen.set(live.key, live)
  }

  #pick(list: readonly Live[]): Live | undefined {
    return list[this.#below(list.length)]
  }

  #below(limit: number): number {
    return Math.floor(this.#options.random() * limit)
  }
}

const DRAWS = 8
/** About as many choose a peer as it chooses itself: far more are somebody's play. */
const MAX_FOLLOWERS = 48
