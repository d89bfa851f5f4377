import { Word } from './codec.js'
import type { ValueLimits } from './limits.js'
import { className, isPlain } from './plain.js'
import { utf8Length } from './put.js'
import { checkNumber, checkText, errorAt, tooLarge, unencodable } from './value-check.js'

// msgpackr would pack it as 0.
const MINUS_ZERO = new Word(0xcb, 1n << 63n)

/**
 * Refuses what has no form on the wire or what a receiver would refuse. Elements and bytes of all values that one
 * instance copies count together.
 */
export class ValueCopy {
  readonly #limits: ValueLimits
  readonly #maxLength: number
  readonly #path: (string | number)[] = []
  #depth = 0
  #elements = 0
  /** What the encoding has at least, so that nothing much larger than allowed is ever packed. */
  #leastLength: number

  /** @param leastLength what has been used up of `maxLength` */
  constructor(limits: ValueLimits, maxLength: number, leastLength = 0) {
    this.#limits = limits
    this.#maxLength = maxLength
    this.#leastLength = leastLength
  }

  /**
   * The value as `pack` must get it. Arrays and maps are always new ones: members are read once, so what is checked is
   * what is packed, even when a getter or a proxy changes its mind.
   * @throws WireError UNENCODABLE, FORBIDDEN_KEY, TOO_DEEP, TOO_MANY_ELEMENTS, TOO_LARGE
   */
  copy(value: unknown): unknown {
    if (typeof value === 'string') return this.#text(value)
    if (typeof value === 'number') return this.#number(value)
    if (value === null || typeof value === 'boolean') return value
    if (typeof value !== 'object') throw unencodable(typeof value, this.#path)
    if (value instanceof Uint8Array) return this.#binary(value)
    if (Array.isArray(value)) return this.#array(value)
    if (isPlain(value)) return this.#map(value as Record<string, unknown>)
    throw unencodable(`an instance of ${className(value)}`, this.#path)
  }

  #array(items: unknown[]): unknown[] {
    const { length } = items
    this.#enter(length)
    const copy: unknown[] = []
    for (let index = 0; index < length; index++) {
      this.#path.push(index)
      copy.push(this.copy(items[index]))
      this.#path.pop()
    }
    this.#depth--
    return copy
  }

  #map(members: Record<string, unknown>): Record<string, unknown> {
    const present: [key: string, value: unknown][] = []
    for (const key of Object.keys(members)) {
      const value = members[key]
      if (value !== undefined) present.push([key, value])
    }
    this.#enter(present.length)
    const copy: Record<string, unknown> = {}
    for (const [key, value] of present) {
      this.#path.push(key)
      if (key === '__proto__') {
        throw errorAt('FORBIDDEN_KEY', 'a member named __proto__ cannot be sent; rename it', this.#path)
      }
      copy[this.#text(key)] = this.copy(value)
      this.#path.pop()
    }
    this.#depth--
    return copy
  }

  #enter(elements: number): void {
    const { maxDepth, maxElements } = this.#limits
    if (++this.#depth > maxDepth) {
      const text = `arrays and maps may be nested ${maxDepth} deep; flatten the value or remove a cycle`
      throw errorAt('TOO_DEEP', text, this.#path)
    }
    this.#elements += elements
    if (this.#elements > maxElements) {
      const text = `a value may have ${maxElements} items and members; send it in parts`
      throw errorAt('TOO_MANY_ELEMENTS', text, this.#path)
    }
  }

  #number(value: number): unknown {
    checkNumber(value, this.#path)
    // There are many NaNs in memory, and one on the wire.
    if (!Number.isInteger(value)) return Number.isNaN(value) ? Number.NaN : value
    if (Object.is(value, -0)) return MINUS_ZERO
    // Beyond 32 bits msgpackr packs numbers as floats, and every BigInt as a signed integer.
    if (value > 0xffff_ffff) return new Word(0xcf, BigInt(value))
    return value < -0x8000_0000 ? BigInt(value) : value
  }

  #text(text: string): string {
    checkText(text, utf8Length(text), this.#path)
    this.#grow(text.length)
    return text
  }

  #binary(bytes: Uint8Array): Uint8Array {
    this.#grow(bytes.length)
    return bytes
  }

  #grow(length: number): void {
    this.#leastLength += length
    if (this.#leastLength > this.#maxLength) throw tooLarge(this.#maxLength, this.#path)
  }
}
