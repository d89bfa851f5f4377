/** Sequences below the greatest that can still be told apart: rumors of one origin overtake each other by a few, after a partition by hundreds. */
export const WINDOW = 1_024
const WORD_BITS = 32
/** Of a mask that names the whole window. */
export const MAX_MASK_BYTES: number = WINDOW / 8

/** Which sequences of one run of one origin were here. The bit of a sequence is its remainder by the window. */
export class SequenceWindow {
  readonly #words = new Uint32Array(WINDOW / WORD_BITS)
  #greatest = 0

  /** 0 before the first. */
  get greatest(): number {
    return this.#greatest
  }

  /**
   * What is missing below the greatest. Bit n, from the lowest of the first byte on: the sequence n + 1 below the greatest was here, or does not
   * exist. It ends where nothing is missing any more, so most are empty.
   */
  get mask(): Uint8Array {
    const mask = new Uint8Array(MAX_MASK_BYTES)
    let length = 0
    for (let bit = 0; bit < WINDOW - 1; bit++) {
      if (this.has(this.#greatest - 1 - bit)) mask[bit >> 3] = (mask[bit >> 3] as number) | (1 << (bit & 7))
      else length = (bit >> 3) + 1
    }
    return mask.subarray(0, length)
  }

  /** True also for what is too old to tell. */
  has(sequence: number): boolean {
    if (sequence > this.#greatest) return false
    if (sequence < 1 || this.#greatest - sequence >= WINDOW) return true
    const bit = sequence % WINDOW
    return ((this.#words[Math.floor(bit / WORD_BITS)] as number) & (1 << (bit % WORD_BITS))) !== 0
  }

  /** @param sequence one that is not here; what has become too old to tell meanwhile leaves no trace */
  add(sequence: number): void {
    if (this.#greatest - sequence >= WINDOW) return
    if (sequence > this.#greatest) {
      const first = Math.max(this.#greatest + 1, sequence - WINDOW + 1)
      for (let passed = first; passed < sequence; passed++) this.#set(passed, false)
      this.#greatest = sequence
    }
    this.#set(sequence, true)
  }

  #set(sequence: number, present: boolean): void {
    const bit = sequence % WINDOW
    const word = Math.floor(bit / WORD_BITS)
    const mask = 1 << (bit % WORD_BITS)
    const value = this.#words[word] as number
    this.#words[word] = present ? value | mask : value & ~mask
  }
}

/** What a mask says of the sequence so far below the greatest: beyond its end nothing is missing. @param below from 1 */
export function isInMask(mask: Uint8Array, below: number): boolean {
  const bit = below - 1
  return bit >= mask.length * 8 || ((mask[bit >> 3] as number) & (1 << (bit & 7))) !== 0
}
