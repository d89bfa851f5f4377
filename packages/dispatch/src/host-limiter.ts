/**
 * One bucket for each host, and wider ones for loopback, where all peers of one machine share an address and dozens may start at once.
 * Pure.
 */
import { AddressLimiter, type AddressLimiterOptions } from './address-limiter.js'

const LOOPBACK: AddressLimiterOptions = { ratePerSecond: 1_000, burst: 2_000 }

export class HostLimiter {
  readonly #network: AddressLimiter
  readonly #loopback: AddressLimiter

  constructor(network?: AddressLimiterOptions, loopback?: AddressLimiterOptions) {
    this.#network = new AddressLimiter(network)
    this.#loopback = new AddressLimiter({ ...LOOPBACK, ...loopback })
  }

  /** As `AddressLimiter.allow`. */
  allow(host: string, now: number): boolean {
    return (isLoopback(host) ? this.#loopback : this.#network).allow(host, now)
  }
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1'
}
