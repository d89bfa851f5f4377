import type { Clock } from './ports.js'

export interface WatcherOptions<Item> {
  /** How long an item may stay unused, in ms. */
  readonly afterMs: number
  readonly clock: Clock
  /** Called once for each item that stayed so long; the watcher has forgotten it by then. */
  readonly onIdle: (item: Item) => void
}

/**
 * Watches what nobody uses at the moment, and tells what stayed unused for too long. All items wait equally long, so the order in
 * which they came is the order in which they are due: no sorting, and one timer for all of them.
 */
export class Watcher<Item> {
  readonly #options: WatcherOptions<Item>
  /** Since when, monotonic ms; the one unused for longest first. */
  readonly #since = new Map<Item, number>()
  #timer: unknown

  constructor(options: WatcherOptions<Item>) {
    this.#options = options
  }

  get size(): number {
    return this.#since.size
  }

  /** The item that has been unused for longest. */
  get longest(): Item | undefined {
    const [first] = this.#since.keys()
    return first
  }

  /** Nobody uses the item from now on. */
  add(item: Item): void {
    this.#since.delete(item)
    this.#since.set(item, this.#options.clock.now())
    if (this.#timer === undefined) this.#schedule()
  }

  /** The item is used again, or gone. False if it was not watched. */
  delete(item: Item): boolean {
    const watched = this.#since.delete(item)
    if (this.#since.size === 0) this.#stop()
    return watched
  }

  /** Forgets everything. */
  clear(): void {
    this.#since.clear()
    this.#stop()
  }

  #schedule(): void {
    const { afterMs, clock } = this.#options
    const [since] = this.#since.values()
    if (since === undefined) return
    this.#timer = clock.setTimeout(() => this.#onTimer(), Math.max(0, since + afterMs - clock.now()))
  }

  #onTimer(): void {
    const { afterMs, clock, onIdle } = this.#options
    this.#timer = undefined
    const now = clock.now()
    const due: Item[] = []
    for (const [item, since] of this.#since) {
      if (since + afterMs > now) break
      due.push(item)
    }
    for (const item of due) {
      // What was told about another one may have brought this one back into use.
      if (this.#since.delete(item)) onIdle(item)
    }
    if (this.#timer === undefined) this.#schedule()
  }

  #stop(): void {
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
