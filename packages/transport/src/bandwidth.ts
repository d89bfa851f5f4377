import { type BandwidthLimits, FairShare } from './fair-share.js'
import type { Clock } from './ports.js'

/** A share in a limited bandwidth: one connection, in one direction. */
export interface BandwidthShare {
  /** Whether something may go now. If not, `onRoom` is called once when it may, never within this call. */
  ready(): boolean
  /** Counts what went. */
  spend(bytes: number): void
  /** Idempotent. */
  leave(): void
}

/** One direction of all connections under {@link BandwidthLimits}; drives {@link FairShare}. */
export class Bandwidth {
  readonly #clock: Clock
  readonly #shares: FairShare<Share>
  #timer: unknown
  #serveAsked = false

  /** @throws RangeError when a limit is no positive number */
  constructor(limits: BandwidthLimits, clock: Clock) {
    for (const [name, value] of Object.entries(limits)) {
      if (value !== undefined && !(value > 0)) {
        throw new RangeError(`Expected the bandwidth limit '${name}' to be bytes per second above 0, but got ${value}.`)
      }
    }
    this.#clock = clock
    this.#shares = new FairShare(limits, clock.now())
  }

  /** For one that waits until it may; `onRoom` may call the share in turn. */
  join(peer: string, onRoom: () => void): BandwidthShare {
    const now = (): number => this.#clock.now()
    this.#shares.join(peer, now())
    const share = new Share(onRoom, {
      ask: () => {
        const allowed = this.#shares.ask(peer, share, now())
        if (!allowed) this.#serveSoon()
        return allowed
      },
      spend: (bytes) => this.#shares.spend(peer, bytes, now()),
      leave: () => {
        this.#shares.leave(peer, share)
        this.#serveSoon()
      },
    })
    return share
  }

  /** For one that never waits: what it moves is counted, so that others move less. */
  count(peer: string): BandwidthShare {
    const now = (): number => this.#clock.now()
    this.#shares.join(peer, now())
    const share = new Share(() => {}, {
      ask: () => true,
      spend: (bytes) => this.#shares.charge(peer, bytes, now()),
      leave: () => this.#shares.leave(peer, share),
    })
    return share
  }

  /** Not in the caller's turn: whoever asks is in the middle of something. */
  #serveSoon(): void {
    if (this.#serveAsked) return
    this.#serveAsked = true
    queueMicrotask(() => this.#serve())
  }

  /** Serves those whose turn it is, and sleeps until the next turn. */
  #serve(): void {
    this.#serveAsked = false
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    let next = this.#shares.next(this.#clock.now())
    while (next !== undefined && 'member' in next) {
      next.member.grant()
      next = this.#shares.next(this.#clock.now())
    }
    if (next !== undefined) this.#timer = this.#clock.setTimeout(() => this.#serve(), next.inMs)
  }
}

interface SharePorts {
  readonly ask: () => boolean
  readonly spend: (bytes: number) => void
  readonly leave: () => void
}

class Share implements BandwidthShare {
  readonly #onRoom: () => void
  readonly #ports: SharePorts
  #granted = false
  #left = false

  constructor(onRoom: () => void, ports: SharePorts) {
    this.#onRoom = onRoom
    this.#ports = ports
  }

  ready(): boolean {
    if (!this.#granted && !this.#left) this.#granted = this.#ports.ask()
    return this.#granted || this.#left
  }

  spend(bytes: number): void {
    this.#granted = false
    if (!this.#left) this.#ports.spend(bytes)
  }

  leave(): void {
    if (this.#left) return
    this.#left = true
    this.#ports.leave()
  }

  /** It is this one's turn. */
  grant(): void {
    this.#granted = true
    this.#onRoom()
  }
}
