/**
 * What strangers may make this peer do before they have proved anything. Cookies are asked for when more begin handshakes than a
 * calm network has: then nobody costs a Diffie-Hellman or a byte of memory who does not get what is sent to his address. Pure.
 */
import { AddressLimiter, type AddressLimiterOptions } from '@pc/transport'
import { HostLimiter } from '../host-limiter.js'
import { type Rate, RateLimit } from '../rate-limit.js'

export interface HandshakeLimits {
  /** Handshakes without a cookie; above it every one needs a cookie, until it has been calm for 2 s. @default 100/s, burst 100 */
  readonly withoutCookie: Rate
  /** Handshakes with a cookie that are answered, of one address. @default 20/s, burst 40, 4,096 addresses; loopback 1,000/s */
  readonly perAddress: AddressLimiterOptions
  /** Handshakes that are answered, of all addresses together: about 10 % of a core. @default 500/s, burst 500 */
  readonly inTotal: Rate
  /** Answers to those who must come with a cookie. @default 5,000/s, burst 1,000 */
  readonly cookies: Rate
  /** Answers to those who ask for this peer's record. @default 1,000/s, burst 500 */
  readonly records: Rate
  /** Hints that a session is unknown here. @default one a second to each address, 1,000/s in all */
  readonly resets: Rate
  /** Second messages that are tried for own handshakes: each costs two Diffie-Hellman. @default 1,000/s, burst 1,000 */
  readonly responses: Rate
  /**
   * Microseconds of work for packets of strangers, that answer nothing of ours. The other limits count, and a slow or busy machine has no
   * time for so many. Half of the burst is left to those with a good cookie. @default 250,000/s, burst 250,000: a quarter of a core
   */
  readonly work: Rate
}

export const DEFAULT_HANDSHAKE_LIMITS: HandshakeLimits = {
  withoutCookie: { ratePerSecond: 100, burst: 100 },
  perAddress: { ratePerSecond: 20, burst: 40 },
  inTotal: { ratePerSecond: 500, burst: 500 },
  cookies: { ratePerSecond: 5_000, burst: 1_000 },
  records: { ratePerSecond: 1_000, burst: 500 },
  resets: { ratePerSecond: 1_000, burst: 500 },
  responses: { ratePerSecond: 1_000, burst: 1_000 },
  work: { ratePerSecond: 250_000, burst: 250_000 },
}

/** After this long below the rate a first message is answered without a cookie again. */
const CALM_MS = 2_000
/** Of the burst of work. */
const COOKIE_RESERVE = 0.5
/** Several times what the dearest packet takes: where more time passed, the process stood still, and no stranger is to blame. */
const MOST_WORK_MS = 5
const RESETS_PER_ADDRESS: AddressLimiterOptions = { ratePerSecond: 1, burst: 1 }

export class HandshakeGuard {
  readonly cookies: RateLimit
  readonly records: RateLimit
  readonly responses: RateLimit
  readonly #work: RateLimit
  readonly #withoutCookie: RateLimit
  readonly #perAddress: HostLimiter
  readonly #inTotal: RateLimit
  readonly #resets: RateLimit
  readonly #resetsPerAddress = new AddressLimiter(RESETS_PER_ADDRESS)
  #loadedUntil = Number.NEGATIVE_INFINITY

  constructor(limits: Partial<HandshakeLimits> = {}) {
    const all = { ...DEFAULT_HANDSHAKE_LIMITS, ...limits }
    this.cookies = new RateLimit(all.cookies)
    this.records = new RateLimit(all.records)
    this.responses = new RateLimit(all.responses)
    this.#work = new RateLimit(all.work)
    this.#withoutCookie = new RateLimit(all.withoutCookie)
    this.#perAddress = new HostLimiter(all.perAddress, limits.perAddress)
    this.#inTotal = new RateLimit(all.inTotal)
    this.#resets = new RateLimit(all.resets)
  }

  /** To be called for every first message without a good cookie: whether it must come with one. */
  mustHaveCookie(now: number): boolean {
    if (!this.#withoutCookie.allow(now)) this.#loadedUntil = now + CALM_MS
    return this.underLoad(now)
  }

  /** Whether there is time for a packet of a stranger. */
  mayWork(now: number, hasCookie: boolean): boolean {
    return this.#work.open(now, hasCookie ? 0 : COOKIE_RESERVE)
  }

  /** So long a stranger's packet has kept this process, in milliseconds. */
  worked(ms: number, now: number): void {
    this.#work.allow(now, 1_000 * Math.min(ms, MOST_WORK_MS))
  }

  underLoad(now: number): boolean {
    return now < this.#loadedUntil
  }

  /**
   * Whether there is time for the Diffie-Hellman of a handshake. Who came with a cookie really is at that address, and is charged
   * there; who did not is charged to nobody, because he could use up what is another's.
   */
  mayAnswer(host: string, proved: boolean, now: number): boolean {
    if (!this.#inTotal.open(now)) return false
    return (!proved || this.#perAddress.allow(host, now)) && this.#inTotal.allow(now)
  }

  mayReset(host: string, port: number, now: number): boolean {
    return this.#resets.open(now) && this.#resetsPerAddress.allow(`${host} ${port}`, now) && this.#resets.allow(now)
  }
}
