import { tooLarge, Word } from './codec.js'
import { WireError, type WireErrorCode } from './errors.js'
import type { ValueLimits } from './limits.js'
import { className, formatPath, isPlain } from './plain.js'

const LONE_SURROGATE = /\p{Surrogate}/u
// msgpackr would pack it as 0.
const MINUS_ZERO = new Word(0xcb, 1n << 63n)

/**
 * Refuses what has no form on the wire or what a receiver would refuse. Elements and bytes of all values that one
 * instance copies count together.
 */
export class ValueCheck {
  readonly #limits: ValueLimits
  readonly #maxLength: number
  readonly #path: (string | number)[] = []
  #depth = 0
  #elements = 0
  /** What the encoding has at least, so that nothing much larger than allowed is ever packed. */
  #leastLength = 0

  constructor(limits: ValueLimits, maxLength: number) {
    this.#limits = limits
    this.#maxLength = maxLength
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
    if (typeof value !== 'object') throw this.#unencodable(typeof value)
    if (value instanceof Uint8Array) return this.#binary(value)
    if (Array.isArray(value)) return this.#array(value)
    if (isPlain(value)) return this.#map(value as Record<string, unknown>)
    throw this.#unencodable(`an instance of ${className(value)}`)
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
      if (key === '__proto__') throw this.#error('FORBIDDEN_KEY', 'a member named __proto__ cannot be sent; rename it')
      copy[this.#text(key)] = this.copy(value)
      this.#path.pop()
    }
    this.#depth--
    return copy
  }

  #enter(elements: number): void {
    const { maxDepth, maxElements } = this.#limits
    if (++this.#depth > maxDepth) {
      throw this.#error(
        'TOO_DEEP',
        `arrays and maps may be nested ${maxDepth} deep; flatten the value or remove a cycle`,
      )
    }
    this.#elements += elements
    if (this.#elements > maxElements) {
      throw this.#error('TOO_MANY_ELEMENTS', `a value may have ${maxElements} items and members; send it in parts`)
    }
  }

  #number(value: number): unknown {
    // There are many NaNs in memory, and one on the wire.
    if (!Number.isInteger(value)) return Number.isNaN(value) ? Number.NaN : value
    if (!Number.isSafeInteger(value)) {
      throw this.#unencodable('an integer beyond ±(2^53 - 1); send it as a string or as bytes,')
    }
    if (Object.is(value, -0)) return MINUS_ZERO
    // Beyond 32 bits msgpackr packs numbers as floats, and every BigInt as a signed integer.
    if (value > 0xffff_ffff) return new Word(0xcf, BigInt(value))
    return value < -0x8000_0000 ? BigInt(value) : value
  }

  #text(text: string): string {
    if (LONE_SURROGATE.test(text)) {
      throw this.#unencodable('a string with half a surrogate pair; cut strings between characters,')
    }
    this.#grow(text.length)
    return text
  }

  #binary(bytes: Uint8Array): Uint8Array {
    this.#grow(bytes.length)
    return bytes
  }

  #grow(length: number): void {
    this.#leastLength += length
    if (this.#leastLength > this.#maxLength) throw tooLarge(this.#maxLength, formatPath(this.#path))
  }

  #unencodable(what: string): WireError {
    return this.#error(
      'UNENCODABLE',
      `${what} cannot be sent: null, booleans, numbers, strings, Uint8Array, arrays and plain objects can`,
    )
  }

  #error(code: WireErrorCode, message: string): WireError {
    const path = formatPath(this.#path)
    return new WireError(code, `${message} (at ${path})`, { path })
  }
}
