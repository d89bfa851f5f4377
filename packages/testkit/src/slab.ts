/** As Node's own pool: small enough that a receiver who keeps a few bytes does not keep much else. */
const SLAB_BYTES = 8_192
/** Arrays up to this size are cheap by themselves: V8 keeps their bytes in its heap. */
const ON_HEAP_BYTES = 64

/** Copies bytes cheaply: memory is asked for in larger pieces, because each piece of its own costs more than its use. */
export class Slab {
  #memory = new ArrayBuffer(SLAB_BYTES)
  #used = 0

  /** A copy that shares memory with other copies, but no byte. */
  copy(bytes: Uint8Array): Uint8Array {
    const { length } = bytes
    if (length <= ON_HEAP_BYTES || length > SLAB_BYTES / 4) return new Uint8Array(bytes)
    if (this.#used + length > SLAB_BYTES) {
      this.#memory = new ArrayBuffer(SLAB_BYTES)
      this.#used = 0
    }
    const copy = new Uint8Array(this.#memory, this.#used, length)
    copy.set(bytes)
    this.#used += length
    return copy
  }
}
