// Up to this many keys, comparing bytes pairwise costs less than a set of strings.
const FEW_KEYS = 8

/** The keys of one map in encoded bytes, kept as places in the bytes until there are many. */
export class KeySet {
  readonly #bytes: Uint8Array
  readonly #ranges: number[] = []
  #strings: Set<string> | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** False if the key is already there. */
  add(start: number, end: number): boolean {
    if (this.#strings === undefined) {
      const ranges = this.#ranges
      for (let index = 0; index < ranges.length; index += 2) {
        if (sameBytes(this.#bytes, ranges[index] as number, ranges[index + 1] as number, start, end)) return false
      }
      ranges.push(start, end)
      if (ranges.length <= FEW_KEYS * 2) return true
      this.#strings = new Set()
      for (let index = 0; index < ranges.length; index += 2) {
        this.#strings.add(latin1(this.#bytes, ranges[index] as number, ranges[index + 1] as number))
      }
      return true
    }
    const { size } = this.#strings
    return this.#strings.add(latin1(this.#bytes, start, end)).size > size
  }
}

function sameBytes(bytes: Uint8Array, start: number, end: number, otherStart: number, otherEnd: number): boolean {
  if (end - start !== otherEnd - otherStart) return false
  for (let index = start, other = otherStart; index < end; index++, other++) {
    if (bytes[index] !== bytes[other]) return false
  }
  return true
}

// One character per byte: as distinct as the bytes, and never fails.
function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1')
}
