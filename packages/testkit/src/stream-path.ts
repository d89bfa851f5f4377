import type { VirtualClock } from './virtual-clock.js'

/** What travels over one direction of a stream. `open` is the dialler's last step of the handshake. */
export type StreamItem = { type: 'open' } | { type: 'data'; bytes: Buffer } | { type: 'end' } | { type: 'reset' }

/** The network as one direction of a stream sees it. */
export interface PathConditions {
  readonly clock: VirtualClock
  /** One draw of the one-way delay, in ms. */
  delay(): number
  /** Whether packets of this direction get through now. */
  passable(): boolean
  /** Called when packets have to wait; the network then calls `wake` once the way may be free again. */
  stalled(path: StreamPath): void
}

/**
 * One direction of a stream: keeps order, delays, and holds everything back while the way is blocked, as TCP's
 * retransmissions do. How much can be on the way is bounded by the window of the sending end.
 */
export class StreamPath {
  readonly #conditions: PathConditions
  readonly #deliver: (item: StreamItem) => void
  readonly #items: { item: StreamItem; arrival: number }[] = []
  #timer: unknown

  constructor(conditions: PathConditions, deliver: (item: StreamItem) => void) {
    this.#conditions = conditions
    this.#deliver = deliver
  }

  send(item: StreamItem): void {
    const arrival = this.#conditions.clock.now() + this.#conditions.delay()
    this.#items.push({ item, arrival })
    // Whatever is behind the first waits for it, even if its own delay was shorter.
    if (this.#items.length === 1) this.#waitUntil(arrival)
  }

  /** The way may be free again: what was held back arrives after one more delay. */
  wake(): void {
    if (this.#items.length > 0) this.#waitUntil(this.#conditions.clock.now() + this.#conditions.delay())
  }

  #waitUntil(moment: number): void {
    const { clock } = this.#conditions
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(() => this.#arrive(), moment - clock.now())
  }

  #arrive(): void {
    const now = this.#conditions.clock.now()
    for (let first = this.#items[0]; first !== undefined; first = this.#items[0]) {
      if (first.arrival > now) {
        this.#waitUntil(first.arrival)
        return
      }
      if (!this.#conditions.passable()) {
        this.#conditions.stalled(this)
        return
      }
      this.#items.shift()
      this.#deliver(first.item)
    }
  }
}
