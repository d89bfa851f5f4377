import { type BandwidthLimits, FairShare } from './fair-share.js'
import type { Clock } from './ports.js'

/** A share in a limited bandwidth: one connection, in one direction. */
export interface BandwidthShare {
  /** Whether something may go now. If not, `onRoom` is called once when it may. */
  ready(): boolean
  /** Counts what went, also what did not wait to be allowed. */
  spend(bytes: number): void
  /** Idempotent. */
  leave(): void
}

/** One direction of all connections under {@link BandwidthLimits}; drives {@link FairShare}. */
export class Bandwidth {
  readonly #clock: Clock
  readonly #shares: FairShare<Share>
  #timer: unknown
  #serving = false

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

  /** `onRoom` may call the share in turn. */
  join(peer: string, onRoom: () => void): BandwidthShare {
    this.#shares.join(peer, this.#clock.now())
    const share = new Share(onRoom, {
      ask: () => {
        const allowed = this.#shares.ask(peer, share, this.#clock.now())
        if (!allowed) this.#serve()
        return allowed
      },
      spend: (bytes) => this.#shares.spend(peer, bytes, this.#clock.now()),
      leave: () => {
        this.#shares.leave(peer, share)
        this.#serve()
      },
    })
    return share
  }

  /** Serves those whose turn it is, and sleeps until the next turn. */
  #serve(): void {
    if (this.#serving) return
    this.#serving = true
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    let next = this.#shares.next(this.#clock.now())
    while (next !== undefined && 'member' in next) {
      next.member.grant()
      next = this.#shares.next(this.#clock.now())
    }
    if (next !== undefined) this.#timer = this.#clock.setTimeout(() => this.#serve(), next.inMs)
    this.#serving = false
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
    if (this.#granted || this.#left) return true
    this.#granted = this.#ports.ask()
    return this.#granted
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
