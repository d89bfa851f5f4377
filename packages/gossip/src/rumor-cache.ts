import type { Hop } from './messages.js'
import type { Rumor } from './rumor.js'

export interface Cached {
  readonly rumor: Rumor
  readonly hops: number
  /** When it was published, by this peer's clock: its age when it came, taken off. */
  readonly bornAt: number
}

/** Kept for so long after it is news no more: until then whoever was told of it may ask. */
const PROMISED_MS = 3_000

/** Rumors that are still news, to give to whoever lacks them. */
export class RumorCache {
  readonly #maxBytes: number
  readonly #maxRumors: number
  /** In order of receipt. */
  readonly #rumors = new Map<string, Cached>()
  #bytes = 0

  /** When either limit is reached the one received first goes: others still have it. */
  constructor(limits: { maxBytes: number; maxRumors: number }) {
    this.#maxBytes = limits.maxBytes
    this.#maxRumors = limits.maxRumors
  }

  get size(): number {
    return this.#rumors.size
  }

  get bytes(): number {
    return this.#bytes
  }

  has(key: string): boolean {
    return this.#rumors.has(key)
  }

  /** Undefined when it is no news any more. */
  get(key: string, now: number): Hop | undefined {
    const cached = this.#rumors.get(key)
    return cached === undefined || isOver(cached, now) ? undefined : hopOf(cached, now)
  }

  /** For who was told of it while it was news, and asks only now. */
  promised(key: string, now: number): Hop | undefined {
    const cached = this.#rumors.get(key)
    return cached === undefined || isOver(cached, now - PROMISED_MS) ? undefined : hopOf(cached, now)
  }

  add(cached: Cached): void {
    this.delete(cached.rumor.key)
    this.#rumors.set(cached.rumor.key, cached)
    this.#bytes += cached.rumor.bytes.length
    for (const key of this.#rumors.keys()) {
      if (this.#bytes <= this.#maxBytes && this.#rumors.size <= this.#maxRumors) break
      this.delete(key)
    }
  }

  delete(key: string): void {
    const cached = this.#rumors.get(key)
    if (cached === undefined) return
    this.#rumors.delete(key)
    this.#bytes -= cached.rumor.bytes.length
  }

  /** All that are still news, in order of receipt. */
  *live(now: number): Generator<Hop, void, undefined> {
    for (const cached of this.#rumors.values()) if (!isOver(cached, now)) yield hopOf(cached, now)
  }

  /** Drops what nobody can be waiting for any more. */
  sweep(now: number): void {
    for (const [key, cached] of this.#rumors) if (isOver(cached, now - PROMISED_MS)) this.delete(key)
  }
}

function isOver({ rumor, bornAt }: Cached, now: number): boolean {
  return now - bornAt > rumor.ttlMs
}

/** As it is passed on by this peer. */
function hopOf({ rumor, hops, bornAt }: Cached, now: number): Hop {
  return { rumor, hops: hops + 1, ageMs: now - bornAt }
}
