// Up to this many keys, comparing each with each costs less than a table.
const FEW_KEYS = 8
// Places looked at, for each key on average, before the hash is taken to be attacked. A table is at most half full: chance needs 1.5.
const MAX_PROBES = 4

/** The distinct keys of one map in encoded bytes, kept as places in the bytes: nothing is made for a key. */
export class KeySet {
  readonly #bytes: Uint8Array
  readonly #count: number
  readonly #ranges: number[] = []
  /** Numbers of keys, counted from 1, at the place their hash says or soon behind it; a power of two long. */
  #table: Int32Array | undefined
  #probesLeft: number
  /** Instead of the table, once somebody has chosen keys with one hash: slower, but nobody chooses the hash of a `Set`. */
  #strings: Set<string> | undefined

  /** @param count how many keys will come; the table is as large as they need, and with more of them only slower */
  constructor(bytes: Uint8Array, count: number) {
    this.#bytes = bytes
    this.#count = Math.max(count, FEW_KEYS + 1)
    this.#probesLeft = this.#count * MAX_PROBES
  }

  /** False if the key is already there. */
  add(start: number, end: number): boolean {
    if (this.#strings !== undefined) return this.#addString(this.#strings, start, end)
    const ranges = this.#ranges
    if (ranges.length < FEW_KEYS * 2) {
      for (let number = 0; number * 2 < ranges.length; number++) {
        if (this.#isKey(number, start, end)) return false
      }
      ranges.push(start, end)
      return true
    }
    this.#table ??= this.#makeTable()
    return this.#insert(this.#table, start, end) ?? this.#addString(this.#makeStrings(), start, end)
  }

  #makeTable(): Int32Array {
    const table = new Int32Array(2 ** Math.ceil(Math.log2(this.#count * 2)))
    for (let number = 0; number < FEW_KEYS; number++) {
      let slot =
        this.#hash(this.#ranges[number * 2] as number, this.#ranges[number * 2 + 1] as number) & (table.length - 1)
      while (table[slot] !== 0) slot = (slot + 1) & (table.length - 1)
      table[slot] = number + 1
    }
    return table
  }

  /** `undefined`: too many keys are in the way. */
  #insert(table: Int32Array, start: number, end: number): boolean | undefined {
    let slot = this.#hash(start, end) & (table.length - 1)
    for (; this.#probesLeft > 0; this.#probesLeft--) {
      const number = table[slot] as number
      if (number === 0) {
        this.#ranges.push(start, end)
        table[slot] = this.#ranges.length / 2
        return true
      }
      if (this.#isKey(number - 1, start, end)) return false
      slot = (slot + 1) & (table.length - 1)
    }
    return undefined
  }

  /** FNV-1a, its upper bits folded into the lower ones. */
  #hash(start: number, end: number): number {
    let hash = 0x811c9dc5
    for (let index = start; index < end; index++) hash = Math.imul(hash ^ (this.#bytes[index] as number), 0x01000193)
    return hash ^ (hash >>> 15)
  }

  #isKey(number: number, start: number, end: number): boolean {
    let other = this.#ranges[number * 2] as number
    if ((this.#ranges[number * 2 + 1] as number) - other !== end - start) return false
    for (let index = start; index < end; index++, other++) {
      if (this.#bytes[index] !== this.#bytes[other]) return false
    }
    return true
  }

  #makeStrings(): Set<string> {
    const strings = new Set<string>()
    for (let index = 0; index < this.#ranges.length; index += 2) {
      strings.add(this.#latin1(this.#ranges[index] as number, this.#ranges[index + 1] as number))
    }
    this.#strings = strings
    return strings
  }

  #addString(strings: Set<string>, start: number, end: number): boolean {
    const { size } = strings
    return strings.add(this.#latin1(start, end)).size > size
  }

  /** One character per byte: as distinct as the bytes, and never fails. */
  #latin1(start: number, end: number): string {
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start).toString('latin1')
  }
}
