import { familyOf } from './address.js'

/** A peer talks to some hundreds of hosts at a time. */
const MAX_HOSTS = 1_024

/** Remembers what hosts are: the full check of an IPv6 literal costs a fifth of sending a datagram there. */
export class HostFamilies {
  readonly #known = new Map<string, 0 | 4 | 6>()

  /** How many hosts. */
  get remembered(): number {
    return this.#known.size
  }

  /** 4 or 6 for an IP literal, 0 for anything else. */
  familyOf(host: string): 0 | 4 | 6 {
    const known = this.#known.get(host)
    if (known !== undefined) return known
    const family = familyOf(host)
    // Starting again is cheaper than an order of use, and strangers cannot make it grow.
    if (this.#known.size >= MAX_HOSTS) this.#known.clear()
    this.#known.set(host, family)
    return family
  }
}
