/**
 * How often one address may come before it has proved anything, with packets or connections: GCRA (ATM Forum TM 4.0, virtual scheduling),
 * which keeps one number per address, the theoretical arrival time of what comes next. Pure: `now` is passed in.
 */
import { TransportError } from './errors.js'

export interface AddressLimiterOptions {
  /** Packets, or connections, per second in the long run. @default 20 */
  ratePerSecond?: number
  /** So many at one moment after silence. @default 40 */
  burst?: number
  /**
   * Addresses remembered, in two generations of half as many. When the young one is full the old one is forgotten: a
   * forgotten address starts with a full burst again, so a flood of invented addresses silences nobody.
   * @default 4096
   */
  addresses?: number
}

const DEFAULT_RATE = 20 // packets/s: a newcomer's announcements and handshakes need less than 10
const DEFAULT_BURST = 40
const DEFAULT_ADDRESSES = 4_096

/** A token bucket for each address, bounded whatever arrives. */
export class AddressLimiter {
  /** Milliseconds that each uses up. */
  readonly #interval: number
  /** Milliseconds an address may be ahead of its rate. */
  readonly #tolerance: number
  readonly #generationSize: number
  #young = new Map<string, number>()
  #old = new Map<string, number>()

  constructor(options: AddressLimiterOptions = {}) {
    const rate = options.ratePerSecond ?? DEFAULT_RATE
    const burst = options.burst ?? DEFAULT_BURST
    const addresses = options.addresses ?? DEFAULT_ADDRESSES
    if (!(rate > 0 && rate <= 1e6)) throw outOfRange('ratePerSecond', 'above 0 and at most 1000000', rate)
    if (!(burst >= 1 && burst <= 1e6)) throw outOfRange('burst', '1 to 1000000', burst)
    if (!(Number.isSafeInteger(addresses) && addresses >= 2)) {
      throw outOfRange('addresses', 'an integer of at least 2', addresses)
    }
    this.#interval = 1_000 / rate
    this.#tolerance = (burst - 1) * this.#interval
    this.#generationSize = Math.floor(addresses / 2)
  }

  /** Charges one to `address`; `false`: it is over its rate, and nothing is charged. `now` in milliseconds. */
  allow(address: string, now: number): boolean {
    const expected = Math.max(this.#young.get(address) ?? this.#old.get(address) ?? now, now)
    if (expected - now > this.#tolerance) return false
    this.#remember(address, expected + this.#interval)
    return true
  }

  /** Addresses remembered now. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  #remember(address: string, expected: number): void {
    if (!this.#young.has(address)) {
      if (this.#young.size >= this.#generationSize) {
        this.#old = this.#young
        this.#young = new Map()
      }
      this.#old.delete(address)
    }
    this.#young.set(address, expected)
  }
}

function outOfRange(name: string, expected: string, value: number): TransportError {
  return new TransportError('INVALID_ARGUMENT', `Expected ${name} to be ${expected}, but got ${value}.`)
}
