import type { PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import { type BodyReference, type Rumor, referenceOf } from './rumor.js'
import type { Cached } from './rumor-cache.js'

/** A body that does not fit a datagram, on its way here. */
export interface Fetch {
  readonly cached: Cached
  /** Who is asked for it, and since when. */
  readonly from: PeerId
  readonly askedAt: number
}

interface Entry {
  readonly cached: Cached
  from: PeerId
  askedAt: number
  /** Others who told of it: they have it. */
  readonly sources: PeerId[]
  tries: number
}

const MAX_TRIES = 3
const MAX_SOURCES = 8

/**
 * Large bodies: those being fetched, and those held for others. Who tells of a rumor with a large body has the body: it is passed on only when it is
 * here, so each peer fetches it once, from one that told it.
 */
export class Bodies {
  readonly #maxFetches: number
  readonly #maxBytes: number
  readonly #fetches = new Map<string, Entry>()
  /** By hash, in order of receipt. */
  readonly #held = new Map<string, { readonly body: Uint8Array; readonly until: number }>()
  #bytes = 0

  /**
   * @param limits.maxFetches at a time; a rumor beyond it is not taken, and is announced again
   * @param limits.maxBytes of bodies held; beyond it the one received first goes: others still have it
   */
  constructor(limits: { maxFetches: number; maxBytes: number }) {
    this.#maxFetches = limits.maxFetches
    this.#maxBytes = limits.maxBytes
  }

  get fetching(): number {
    return this.#fetches.size
  }

  get bytes(): number {
    return this.#bytes
  }

  isFetching(key: string): boolean {
    return this.#fetches.has(key)
  }

  /** False when as many are under way as may be. */
  start(cached: Cached, from: PeerId, now: number): boolean {
    if (this.#fetches.size >= this.#maxFetches) return false
    this.#fetches.set(cached.rumor.key, { cached, from, askedAt: now, sources: [], tries: 1 })
    return true
  }

  /** Somebody else tells of a body that is being fetched. */
  alsoAt(key: string, peer: PeerId): void {
    const entry = this.#fetches.get(key)
    if (entry === undefined || entry.sources.length >= MAX_SOURCES || peer.equals(entry.from)) return
    if (!entry.sources.some((source) => source.equals(peer))) entry.sources.push(peer)
  }

  /** The fetch from that peer came to its end, well or not. Undefined when it was not under way. */
  ended(key: string, from: PeerId): Fetch | undefined {
    const entry = this.#fetches.get(key)
    return entry?.from.equals(from) ? entry : undefined
  }

  /** Whom to ask next after a failure; undefined when the rumor is given up, until somebody tells of it again. */
  next(key: string, now: number): Fetch | undefined {
    const entry = this.#fetches.get(key)
    const from = entry?.sources.shift()
    if (entry === undefined || from === undefined || entry.tries >= MAX_TRIES) {
      this.#fetches.delete(key)
      return undefined
    }
    entry.tries += 1
    entry.from = from
    entry.askedAt = now
    return entry
  }

  /** Nothing of that rumor is fetched any more. */
  drop(key: string): void {
    this.#fetches.delete(key)
  }

  /** Holds a body for others, as long as a rumor that has it is news. */
  hold(rumor: Rumor, body: Uint8Array, until: number): void {
    const key = keyOfBytes(referenceOf(rumor).hash)
    const before = this.#held.get(key)?.until ?? until
    this.#remove(key)
    this.#held.set(key, { body, until: Math.max(before, until) })
    this.#bytes += body.length
    for (const oldest of this.#held.keys()) {
      if (this.#bytes <= this.#maxBytes) break
      this.#remove(oldest)
    }
  }

  /** The body, if it is here. Shared: do not write into it. */
  get(hash: BodyReference['hash'], now: number): Uint8Array | undefined {
    const held = this.#held.get(keyOfBytes(hash))
    return held !== undefined && held.until >= now ? held.body : undefined
  }

  sweep(now: number): void {
    for (const [key, { until }] of this.#held) if (until < now) this.#remove(key)
  }

  #remove(key: string): void {
    this.#bytes -= this.#held.get(key)?.body.length ?? 0
    this.#held.delete(key)
  }
}
