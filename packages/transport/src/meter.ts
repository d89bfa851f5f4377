const BUCKET_MS = 500
/** 10 × 500 ms: the rate is that of the last 5 s. Shorter jumps about, longer hides that a transfer has stopped. */
const BUCKETS = 10
const WINDOW_MS = BUCKETS * BUCKET_MS

/** One direction of a connection: how much went through, how fast, when last; and a valve. */
export class Meter {
  readonly #clock: { now(): number }
  readonly #onValve: () => void
  readonly #startedAt: number
  /** Bytes of the last slots but the present one, by slot modulo {@link BUCKETS}; absent while there are none. */
  #buckets: number[] | undefined
  #slot: number
  /** Bytes of the present slot. */
  #current = 0
  #bytes = 0
  #lastActivityAt: number
  #paused = false

  /** `onValve` is called after each change of {@link Meter.paused}. */
  constructor(clock: { now(): number }, onValve: () => void = () => {}) {
    this.#clock = clock
    this.#onValve = onValve
    this.#startedAt = clock.now()
    this.#lastActivityAt = this.#startedAt
    this.#slot = Math.floor(this.#startedAt / BUCKET_MS)
  }

  /** Bytes since the connection was opened. */
  get bytes(): number {
    return this.#bytes
  }

  /** Mean over the last 5 s, or since the start when that is shorter (but at least over 500 ms, so that one burst is no record). */
  get bytesPerSecond(): number {
    const now = this.#clock.now()
    this.#turn(now)
    let sum = this.#current
    for (const bucket of this.#buckets ?? []) sum += bucket
    // The newest bucket is still filling: the window reaches back to the start of the oldest one.
    const covered = Math.min(now - this.#startedAt, WINDOW_MS - BUCKET_MS + (now % BUCKET_MS))
    return (sum * 1000) / Math.max(covered, BUCKET_MS)
  }

  /** Monotonic ms of the clock; the time of opening before the first byte. */
  get lastActivityAt(): number {
    return this.#lastActivityAt
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Sender: keeps frames in the queue. Receiver: stops reading from the socket, so that the other side has to wait. */
  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#onValve()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#onValve()
  }

  /** Counts bytes that have just gone through. */
  record(bytes: number): void {
    const now = this.#clock.now()
    this.#turn(now)
    this.#current += bytes
    this.#bytes += bytes
    this.#lastActivityAt = now
  }

  #turn(now: number): void {
    const slot = Math.floor(now / BUCKET_MS)
    const passed = slot - this.#slot
    if (passed <= 0) return
    if (passed >= BUCKETS) {
      // Most connections only ever see a ping and its answer: for them there is nothing to keep.
      this.#buckets = undefined
    } else {
      this.#buckets ??= new Array<number>(BUCKETS).fill(0)
      this.#buckets[this.#slot % BUCKETS] = this.#current
      for (let step = 1; step <= passed; step += 1) this.#buckets[(this.#slot + step) % BUCKETS] = 0
    }
    this.#current = 0
    this.#slot = slot
  }
}
