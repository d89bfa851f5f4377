/**
 * One bucket for each host, and wider ones for loopback, where all peers of one machine share an address and dozens may start at once.
 * Pure.
 */
import { AddressLimiter, type AddressLimiterOptions, TransportError } from '@pc/transport'
import { DispatchError } from './errors.js'

const LOOPBACK: AddressLimiterOptions = { ratePerSecond: 1_000, burst: 2_000 }

export class HostLimiter {
  readonly #network: AddressLimiter
  readonly #loopback: AddressLimiter

  constructor(network?: AddressLimiterOptions, loopback?: AddressLimiterOptions) {
    this.#network = limiter(network)
    this.#loopback = limiter({ ...LOOPBACK, ...loopback })
  }

  /** As `AddressLimiter.allow`. */
  allow(host: string, now: number): boolean {
    return (isLoopback(host) ? this.#loopback : this.#network).allow(host, now)
  }
}

/** @throws DispatchError INVALID_ARGUMENT, in the words of the limiter */
function limiter(options: AddressLimiterOptions | undefined): AddressLimiter {
  try {
    return new AddressLimiter(options)
  } catch (error) {
    if (!(error instanceof TransportError)) throw error
    throw new DispatchError('INVALID_ARGUMENT', error.message, { cause: error })
  }
}

function isLoopback(host: string): boolean {
  return host.startsWith('127.') || host === '::1'
}
