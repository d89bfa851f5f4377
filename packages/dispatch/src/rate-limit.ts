/**
 * How often something may happen: GCRA (ATM Forum TM 4.0, virtual scheduling), which keeps one number, the theoretical arrival time
 * of the next event. Pure: `now` is passed in.
 */
import { DispatchError } from './errors.js'

export interface Rate {
  /** Events per second in the long run. */
  readonly ratePerSecond: number
  /** Events at one moment after silence. */
  readonly burst: number
}

export class RateLimit {
  /** Milliseconds that one event uses up. */
  readonly #interval: number
  /** Milliseconds it may be ahead of its rate. */
  readonly #tolerance: number
  #expected: number = Number.NEGATIVE_INFINITY

  constructor({ ratePerSecond, burst }: Rate) {
    checkRate(ratePerSecond, burst)
    this.#interval = 1_000 / ratePerSecond
    this.#tolerance = (burst - 1) * this.#interval
  }

  /** Whether there is room, with the share `reserve` of the burst left to others. `now` in milliseconds. */
  open(now: number, reserve = 0): boolean {
    return this.#expected - now <= this.#tolerance * (1 - reserve)
  }

  /** Charges `amount` events; `false`: over the rate, and nothing is charged. */
  allow(now: number, amount = 1, reserve = 0): boolean {
    if (!this.open(now, reserve)) return false
    this.#expected = Math.max(this.#expected, now) + amount * this.#interval
    return true
  }
}

function checkRate(ratePerSecond: number, burst: number): void {
  if (!(ratePerSecond > 0 && ratePerSecond <= 1e9)) throw outOfRange('ratePerSecond', 'above 0', ratePerSecond)
  if (!(burst >= 1 && burst <= 1e9)) throw outOfRange('burst', 'at least 1', burst)
}

function outOfRange(name: string, expected: string, value: number): DispatchError {
  return new DispatchError('INVALID_ARGUMENT', `expected ${name} to be ${expected} and at most 1e9, got ${value}`)
}
