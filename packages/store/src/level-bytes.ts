/** Walks through the numbers and byte strings of LevelDB's formats. Reading beyond the end is noted, not thrown. */
export class LevelBytes {
  readonly #bytes: Uint8Array
  #at = 0
  /** Something was read that is not there, or that no writer writes. */
  failed = false

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Nothing is left, or what is left cannot be read. */
  get done(): boolean {
    return this.failed || this.#at >= this.#bytes.length
  }

  /** Seven bits per byte, the low ones first, as in Protocol Buffers. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80 && Number.isSafeInteger(value)) return value
    }
    this.failed = true
    return 0
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) this.failed = true
    const taken = this.failed ? new Uint8Array() : this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return taken
  }
}
