const PREFIX_LENGTH = 4

/**
 * Cuts the first frame off a stream of bytes: until HELLO has said what a connection is for, nothing behind it may be
 * decoded, because the size limit of the frames that follow depends on it.
 */
export class FirstFrame {
  #prefixSeen = 0
  #length = 0
  /** Bytes of the body still to come; meaningful once the prefix is whole. */
  #missing = 0

  /**
   * Passes the bytes of the first frame on to `feed`, in pieces, without copying. `feed` sees the whole prefix before any
   * byte of the body, and may throw.
   * @returns the bytes behind the first frame (possibly none) as soon as it is whole, and undefined before
   */
  take(chunk: Uint8Array, feed: (piece: Uint8Array) => void): Uint8Array | undefined {
    let position = 0
    while (this.#prefixSeen < PREFIX_LENGTH && position < chunk.length) {
      this.#length = this.#length * 256 + (chunk[position] ?? 0)
      this.#prefixSeen += 1
      position += 1
      this.#missing = this.#length
    }
    if (this.#prefixSeen < PREFIX_LENGTH) {
      feed(chunk)
      return undefined
    }
    const end = Math.min(chunk.length, position + this.#missing)
    this.#missing -= end - position
    feed(chunk.subarray(0, end))
    return this.#missing === 0 ? chunk.subarray(end) : undefined
  }
}
