import type { Address } from './address.js'
import { AddressLimiter } from './address-limiter.js'
import { refuseStream } from './greeting.js'
import { type ConnectionLimits, DEFAULT_LIMITS } from './limits.js'
import type { SecureStream } from './network-protocol.js'
import { type Clock, type Logger, silentLogger, systemClock } from './ports.js'

export interface AcceptorOptions {
  /** Who takes the streams over: a `Connector`. `settled` must be called once, when HELLO is through or has failed. */
  connector: { accept(stream: SecureStream, settled: () => void): void }
  limits?: Partial<Pick<ConnectionLimits, 'inbound' | 'perAddress' | 'halfOpen' | 'acceptPerSecond' | 'acceptBurst'>>
  /** @default systemClock */
  clock?: Clock
  /** @default silentLogger */
  logger?: Logger
}

/** What became of what came in; only ever grows. */
export interface AcceptorCounters {
  accepted: number
  /** Connections, before their handshake. */
  refusedByRate: number
  refusedByTotal: number
  refusedByAddress: number
  refusedByHalfOpen: number
}

/**
 * The door for streams that others opened: give `admit` and `accept` to whatever listens. It counts, and lets in what the limits
 * allow; the connector behind it says HELLO, with its deadline of 5 s.
 */
export class Acceptor {
  readonly counters: AcceptorCounters = {
    accepted: 0,
    refusedByRate: 0,
    refusedByTotal: 0,
    refusedByAddress: 0,
    refusedByHalfOpen: 0,
  }
  /**
   * For `ListenOptions.admit`: whether an address may come once more now. It charges what it lets in and nothing else, so that whoever
   * was too fast is let in again as soon as he has slowed down. Remembers 4,096 addresses. Bound, as `accept`.
   */
  readonly admit: (from: Address) => boolean
  /** Bound, so that it can be passed on as it is. */
  readonly accept: (stream: SecureStream) => void
  readonly #options: AcceptorOptions
  readonly #limits: ConnectionLimits
  readonly #rate: AddressLimiter
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #byAddress = new Map<string, number>()
  #open = 0
  #halfOpen = 0
  #closed = false

  constructor(options: AcceptorOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    const { acceptPerSecond: ratePerSecond, acceptBurst: burst } = this.#limits
    this.#rate = new AddressLimiter({ ratePerSecond, burst })
    this.accept = (stream) => this.#accept(stream)
    this.admit = (from) => this.#admits(from)
  }

  /** Accepted streams that have not ended. */
  get open(): number {
    return this.#open
  }

  /** Those of them that are still without HELLO. */
  get halfOpen(): number {
    return this.#halfOpen
  }

  /** Cuts every stream that comes from now on; those that were accepted stay with the connector. Idempotent. */
  close(): void {
    this.#closed = true
  }

  #admits(from: Address): boolean {
    if (this.#closed) return false
    if (this.#rate.allow(from.host, this.#clock.now())) return true
    this.counters.refusedByRate += 1
    this.#logger.debug({ from }, 'too many connections per second from one address')
    return false
  }

  #accept(stream: SecureStream): void {
    const { host } = stream.remoteAddress
    const fromThere = this.#byAddress.get(host) ?? 0
    if (this.#closed || stream.duplex.destroyed) {
      stream.duplex.destroy()
    } else if (this.#halfOpen >= this.#limits.halfOpen) {
      this.counters.refusedByHalfOpen += 1
      this.#cut(stream, 'too many connections without HELLO')
    } else if (fromThere >= this.#limits.perAddress) {
      this.counters.refusedByAddress += 1
      this.#cut(stream, 'too many connections from one address')
    } else {
      this.#byAddress.set(host, fromThere + 1)
      stream.duplex.once('close', () => this.#leave(host))
      this.#admit(stream)
    }
  }

  #admit(stream: SecureStream): void {
    this.#halfOpen += 1
    let half = true
    const settled = (): void => {
      if (half) this.#halfOpen -= 1
      half = false
    }
    stream.duplex.once('close', settled)
    if (this.#open >= this.#limits.inbound) {
      this.counters.refusedByTotal += 1
      // As the other refusals: a stranger decides how often this is said. The counters tell.
      this.#logger.debug({ peer: stream.remoteId, open: this.#open }, 'no room for another connection')
      // Counted as half-open until it is gone, so that saying no is bounded too.
      void refuseStream(stream, 'BUSY', { clock: this.#clock, logger: this.#logger })
    } else {
      this.#open += 1
      this.counters.accepted += 1
      stream.duplex.once('close', () => {
        this.#open -= 1
      })
      this.#options.connector.accept(stream, settled)
    }
  }

  #cut(stream: SecureStream, why: string): void {
    this.#logger.debug({ peer: stream.remoteId, from: stream.remoteAddress }, why)
    stream.duplex.destroy()
  }

  #leave(host: string): void {
    const left = (this.#byAddress.get(host) ?? 1) - 1
    if (left > 0) this.#byAddress.set(host, left)
    else this.#byAddress.delete(host)
  }
}
