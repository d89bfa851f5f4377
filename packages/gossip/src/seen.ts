/** Which rumors were here: two generations of keys, so that forgetting costs nothing. */
export class SeenKeys {
  readonly #generationMs: number
  readonly #limit: number
  #young = new Set<string>()
  #old = new Set<string>()
  #turnedAt: number

  /**
   * @param generationMs a key is remembered for one to two of these
   * @param limit of a generation: one that is full ends early, so a flood shortens the memory and never grows it
   */
  constructor(generationMs: number, limit: number, now: number) {
    this.#generationMs = generationMs
    this.#limit = limit
    this.#turnedAt = now
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  has(key: string): boolean {
    return this.#young.has(key) || this.#old.has(key)
  }

  add(key: string, now: number): void {
    if (this.#young.size >= this.#limit) this.#turn(now)
    this.#young.add(key)
  }

  /** Forgets what is old enough. Call it every now and then. */
  sweep(now: number): void {
    if (now - this.#turnedAt < this.#generationMs) return
    this.#turn(now)
  }

  #turn(now: number): void {
    this.#old = this.#young
    this.#young = new Set()
    this.#turnedAt = now
  }
}
