import {
  drawDatagramDelays,
  drawStreamDelay,
  mergeConditions,
  type NetworkConditions,
  OFFICE_CONDITIONS,
} from './network-conditions.js'
import type { SeededRandom } from './seeded-random.js'
import type { PathConditions, StreamPath } from './stream-path.js'
import type { VirtualClock } from './virtual-clock.js'

/** Within one machine: no loss, and about what a loopback interface takes. */
const SAME_ADDRESS_DELAY_MS = 0.05

/** The cables between the addresses of a simulated network: what gets through, and when. */
export class Links {
  readonly #clock: VirtualClock
  readonly #random: SeededRandom
  readonly #cuts = new Set<string>()
  readonly #off = new Set<string>()
  readonly #stalled = new Set<StreamPath>()
  #conditions: Readonly<NetworkConditions>

  constructor(clock: VirtualClock, random: SeededRandom, conditions: Partial<NetworkConditions>) {
    this.#clock = clock
    this.#random = random
    this.#conditions = mergeConditions(OFFICE_CONDITIONS, conditions)
  }

  get conditions(): Readonly<NetworkConditions> {
    return this.#conditions
  }

  change(changes: Partial<NetworkConditions>): void {
    this.#conditions = mergeConditions(this.#conditions, changes)
  }

  passable(from: string, to: string): boolean {
    return !this.#off.has(from) && !this.#off.has(to) && !this.#cuts.has(`${from}>${to}`)
  }

  cut(from: string, to: string): void {
    if (from !== to) this.#cuts.add(`${from}>${to}`)
  }

  mend(): void {
    this.#cuts.clear()
    this.#wakeStalled()
  }

  switchOff(address: string): void {
    this.#off.add(address)
  }

  switchOn(address: string): void {
    this.#off.delete(address)
    this.#wakeStalled()
  }

  isOff(address: string): boolean {
    return this.#off.has(address)
  }

  streamDelay(from: string, to: string): number {
    return from === to ? SAME_ADDRESS_DELAY_MS : drawStreamDelay(this.#conditions, this.#random)
  }

  /** The delays of the copies of a datagram that arrive. */
  datagramDelays(from: string, to: string): number[] {
    if (!this.passable(from, to)) return []
    return from === to ? [SAME_ADDRESS_DELAY_MS] : drawDatagramDelays(this.#conditions, this.#random)
  }

  /** One direction of a stream. */
  path(from: string, to: string): PathConditions {
    return {
      clock: this.#clock,
      delay: () => this.streamDelay(from, to),
      passable: () => this.passable(from, to),
      stalled: (path) => this.#stalled.add(path),
    }
  }

  #wakeStalled(): void {
    const waiting = [...this.#stalled]
    this.#stalled.clear()
    for (const path of waiting) path.wake()
  }
}
