/**
 * Every boot of a peer stamps its datagrams with a strictly rising `sentAt`; what is not above the highest one seen of
 * that boot has been seen, or was overtaken, and is dropped. Pure. Clocks are never compared between machines.
 */

/** Boots remembered, in two generations of half as many; a forgotten boot is only ever worth one old hint. */
const DEFAULT_BOOTS = 4_096

export class ReplayGuard {
  readonly #generationSize: number
  #young = new Map<string, number>()
  #old = new Map<string, number>()

  constructor(boots: number = DEFAULT_BOOTS) {
    this.#generationSize = Math.max(1, Math.floor(boots / 2))
  }

  /** Whether the datagram is new; if so it is remembered. Call it only for what has proved itself by its MAC. */
  accept(bootId: string, sentAt: number): boolean {
    const highest = this.#young.get(bootId) ?? this.#old.get(bootId)
    if (highest !== undefined && sentAt <= highest) return false
    if (!this.#young.has(bootId)) {
      if (this.#young.size >= this.#generationSize) {
        this.#old = this.#young
        this.#young = new Map()
      }
      this.#old.delete(bootId)
    }
    this.#young.set(bootId, sentAt)
    return true
  }

  /** Boots remembered now. */
  get size(): number {
    return this.#young.size + this.#old.size
  }
}
