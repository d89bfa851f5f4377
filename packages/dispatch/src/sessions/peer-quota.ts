/** What one proved peer may send. Counts only what its session proved: nobody else can use it up. Pure. */
import { Priority } from '../priority.js'
import { type Rate, RateLimit } from '../rate-limit.js'

export interface PeerQuotaLimits {
  /** Datagrams. @default 500/s, burst 1,000 */
  readonly packets: Rate
  /** Bytes. @default 262,144/s, burst 524,288 */
  readonly bytes: Rate
}

export const DEFAULT_PEER_QUOTA: PeerQuotaLimits = {
  packets: { ratePerSecond: 500, burst: 1_000 },
  bytes: { ratePerSecond: 262_144, burst: 524_288 },
}

/** Of the burst, what the lower classes leave to the upper ones. */
const RESERVED = 0.5

export class PeerQuota {
  readonly #packets: RateLimit
  readonly #bytes: RateLimit

  constructor({ packets, bytes }: PeerQuotaLimits) {
    this.#packets = new RateLimit(packets)
    this.#bytes = new RateLimit(bytes)
  }

  /** Charges a datagram; near the limit the lower half of the classes goes first. */
  allow(now: number, bytes: number, priority: number): boolean {
    const reserve = priority >= Priority.DISCOVERY ? RESERVED : 0
    return (
      this.#bytes.open(now, reserve) && this.#packets.allow(now, 1, reserve) && this.#bytes.allow(now, bytes, reserve)
    )
  }
}
