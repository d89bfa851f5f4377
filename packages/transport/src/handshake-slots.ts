/** Most handshakes under way at once, for all addresses together (protocols of connection floods: half-open connections). */
export const MAX_HANDSHAKES = 64
/** … and for one address, so that one machine cannot take every slot. */
export const MAX_HANDSHAKES_PER_ADDRESS = 16

/** Counts the handshakes that are under way. Pure. */
export class HandshakeSlots {
  readonly #byHost = new Map<string, number>()
  readonly #limit: number
  readonly #limitPerHost: number
  #taken = 0

  constructor(limit: number = MAX_HANDSHAKES, limitPerHost: number = MAX_HANDSHAKES_PER_ADDRESS) {
    this.#limit = limit
    this.#limitPerHost = limitPerHost
  }

  get taken(): number {
    return this.#taken
  }

  /** False when there is no room; otherwise {@link HandshakeSlots.give} must follow once. */
  take(host: string): boolean {
    const there = this.#byHost.get(host) ?? 0
    if (this.#taken >= this.#limit || there >= this.#limitPerHost) return false
    this.#byHost.set(host, there + 1)
    this.#taken += 1
    return true
  }

  give(host: string): void {
    const there = this.#byHost.get(host) ?? 0
    if (there === 0) return
    if (there === 1) this.#byHost.delete(host)
    else this.#byHost.set(host, there - 1)
    this.#taken -= 1
  }
}
