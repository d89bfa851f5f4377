interface Bucket {
  tokens: number
  at: number
}

/** Token buckets by key. A full table forgets the one that was used longest ago, which starts anew with a full burst. */
export class RateLimit {
  readonly #perSecond: number
  readonly #burst: number
  readonly #limit: number
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: { perSecond: number; burst: number; limit: number }) {
    this.#perSecond = options.perSecond
    this.#burst = options.burst
    this.#limit = options.limit
  }

  get size(): number {
    return this.#buckets.size
  }

  /** Takes all of `cost`, or nothing. */
  take(key: string, now: number, cost = 1): boolean {
    const bucket = this.#fill(key, now)
    if (bucket.tokens < cost) return false
    bucket.tokens -= cost
    return true
  }

  /** Takes what there is of `wanted` whole tokens, and says how many. */
  takeUpTo(key: string, now: number, wanted: number): number {
    const bucket = this.#fill(key, now)
    const taken = Math.min(wanted, Math.floor(bucket.tokens))
    bucket.tokens -= taken
    return taken
  }

  #fill(key: string, now: number): Bucket {
    const known = this.#buckets.get(key)
    const bucket = known ?? { tokens: this.#burst, at: now }
    bucket.tokens = Math.min(this.#burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1_000) * this.#perSecond)
    bucket.at = now
    if (known !== undefined) this.#buckets.delete(key)
    this.#buckets.set(key, bucket)
    if (this.#buckets.size > this.#limit) for (const [oldest] of this.#buckets) return this.#forget(oldest, bucket)
    return bucket
  }

  #forget(oldest: string, bucket: Bucket): Bucket {
    this.#buckets.delete(oldest)
    return bucket
  }
}
