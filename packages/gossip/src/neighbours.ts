import type { PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'

export interface Live {
  readonly key: string
  readonly peer: PeerId
  /** 0 while it is not known. */
  readonly roundTripMs: number
}

export interface NeighboursOptions {
  /** Neighbours at a time, about: half of them are picked here. */
  readonly size: number
  /** Live peers that are known; those beyond it are not chosen. */
  readonly maxPeers: number
  /** A number in [0, 1). */
  readonly random: () => number
}

/**
 * The live peers, and the few of them that rumors are sent to: those that were picked here, and those that picked this peer. A set that changes
 * slowly keeps sessions few; that it changes makes of a bad choice a short one; and between two neighbours one announcement is enough, whoever is
 * the first.
 */
export class Neighbours {
  readonly #options: NeighboursOptions
  readonly #picks: number
  /** Where a peer is in `#live`: a peer leaves by taking the last one into its place. */
  readonly #places = new Map<string, number>()
  readonly #live: Live[] = []
  readonly #picked = new Map<string, Live>()
  /** When each of those who picked this peer said so last. */
  readonly #followers = new Map<string, number>()
  /** When each of those picked was told so last. */
  readonly #toldAt = new Map<string, number>()

  constructor(options: NeighboursOptions) {
    this.#options = options
    this.#picks = Math.ceil(options.size / 2)
  }

  /** Live peers, without this one. */
  get count(): number {
    return this.#live.length
  }

  /** Those picked here. */
  get picked(): readonly Live[] {
    return [...this.#picked.values()]
  }

  /** Everybody whom rumors and digests go to. */
  get current(): readonly Live[] {
    const followers = [...this.#followers.keys()].filter((key) => !this.#picked.has(key))
    return [...this.#picked.values(), ...followers.map((key) => this.get(key) as Live)]
  }

  get(key: string): Live | undefined {
    const place = this.#places.get(key)
    return place === undefined ? undefined : this.#live[place]
  }

  /** Everybody who is live. */
  all(): readonly Live[] {
    return this.#live
  }

  /** A peer says that it picked this one. Not heard if as many have said so as neighbours are wanted: more are somebody's play. */
  pickedBy(key: string, now: number): void {
    if (!this.#places.has(key)) return
    if (this.#followers.has(key) || this.#followers.size < this.#options.size) this.#followers.set(key, now)
  }

  /** Whoever has not said so for a while has picked somebody else by now. */
  sweep(now: number): void {
    for (const [key, at] of this.#followers) if (at < now - FOLLOWER_MS) this.#followers.delete(key)
  }

  /** Who is to be told now that this peer picked it; after that it counts as told. Once is not enough, as it may be lost. */
  toTell(now: number): Live[] {
    const due = this.picked.filter(
      ({ key }) => now - (this.#toldAt.get(key) ?? Number.NEGATIVE_INFINITY) >= TELL_EVERY_MS,
    )
    for (const { key } of due) this.#toldAt.set(key, now)
    return due
  }

  /** A peer is up, or its round trip is known anew. True when it was not there before. */
  add(peer: PeerId, roundTripMs = 0): boolean {
    const key = keyOfBytes(peer.bytes)
    const live = { key, peer, roundTripMs }
    const place = this.#places.get(key)
    if (place !== undefined) {
      this.#live[place] = live
      if (this.#picked.has(key)) this.#picked.set(key, live)
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
    if (this.#drop(key)) this.#choose()
  }

  /** Replaces one of those picked by another live peer, if there is one. */
  rotate(): void {
    if (this.#live.length <= this.#picked.size) return
    const going = this.#draw(this.picked)
    // The new one first, or it could be the one that goes.
    this.#choose()
    if (going !== undefined) this.#drop(going.key)
  }

  /** Up to `count` neighbours by chance, none of those left out; those picked here first, so that nobody draws to itself what is pushed. */
  sample(count: number, without: (key: string) => boolean): Live[] {
    const pool = this.picked.filter(({ key }) => !without(key))
    if (pool.length < count) {
      const more = this.current.slice(this.#picked.size).filter(({ key }) => !without(key))
      return [...pool, ...this.#some(more, count - pool.length)]
    }
    return this.#some(pool, count)
  }

  /** One live peer by chance. */
  anyone(): Live | undefined {
    return this.#draw(this.#live)
  }

  /** Reservoir sampling: in whatever order peers come up, each is a neighbour as probably as any other. Else all would choose the same ones. */
  #offer(live: Live): void {
    if (this.#picked.size >= this.#picks) {
      if (this.#below(this.#live.length) >= this.#picks) return
      const going = this.#draw(this.picked)
      if (going !== undefined) this.#drop(going.key)
    }
    this.#picked.set(live.key, live)
  }

  #choose(): void {
    const free = this.#live.length - this.#picked.size
    if (free <= 0) return
    // Few are picked, so a few draws find somebody who is not; the rest is for tables that hold hardly more than them.
    for (let draw = 0; draw < DRAWS; draw++) {
      const live = this.#draw(this.#live) as Live
      if (!this.#picked.has(live.key)) return void this.#picked.set(live.key, live)
    }
    const live = this.#draw(this.#live.filter(({ key }) => !this.#picked.has(key))) as Live
    this.#picked.set(live.key, live)
  }

  #drop(key: string): boolean {
    this.#toldAt.delete(key)
    return this.#picked.delete(key)
  }

  /** Up to `count` by chance; takes them out of the list. */
  #some(list: Live[], count: number): Live[] {
    const some: Live[] = []
    while (some.length < count && list.length > 0) {
      const at = this.#below(list.length)
      some.push(list[at] as Live)
      list[at] = list[list.length - 1] as Live
      list.pop()
    }
    return some
  }

  #draw(list: readonly Live[]): Live | undefined {
    return list[this.#below(list.length)]
  }

  #below(limit: number): number {
    return Math.floor(this.#options.random() * limit)
  }
}

const DRAWS = 8
const TELL_EVERY_MS = 30_000
/** Two of those that tell it may be lost. */
const FOLLOWER_MS = 3 * TELL_EVERY_MS
