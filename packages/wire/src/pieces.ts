/** Shorter pieces are copied together: each on its own would cost more than its bytes. */
const LONG_PIECE = 4_096
/** What is made room for at once, however little has come. */
export const FIRST_CAPACITY = 512

/**
 * The beginning of something long that comes in pieces, until enough of it is there to make room for all. A long piece is kept
 * as it came, unless that would keep alive more than twice its length. So what is held is at most twice what has come (and 512 bytes).
 */
export class Pieces {
  readonly #long: Uint8Array[] = []
  #short = new Uint8Array(0)
  #shortFilled = 0

  add(piece: Uint8Array): void {
    if (piece.length < LONG_PIECE) {
      this.#addShort(piece)
      return
    }
    this.#endShort()
    this.#long.push(piece.length * 2 < piece.buffer.byteLength ? piece.slice() : piece)
  }

  /** Writes all that came to the beginning of `target`. */
  copyTo(target: Uint8Array): void {
    this.#endShort()
    let at = 0
    for (const piece of this.#long) {
      target.set(piece, at)
      at += piece.length
    }
  }

  #addShort(piece: Uint8Array): void {
    const filled = this.#shortFilled + piece.length
    if (filled > this.#short.length) {
      const larger = new Uint8Array(Math.max(FIRST_CAPACITY, filled * 2))
      larger.set(this.#short.subarray(0, this.#shortFilled))
      this.#short = larger
    }
    this.#short.set(piece, this.#shortFilled)
    this.#shortFilled = filled
  }

  #endShort(): void {
    if (this.#shortFilled === 0) return
    this.#long.push(this.#short.slice(0, this.#shortFilled))
    this.#short = new Uint8Array(0)
    this.#shortFilled = 0
  }
}
