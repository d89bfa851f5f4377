import { WireError, type WireErrorCode } from './errors.js'
import type { ValueLimits } from './limits.js'
import { className, formatPath, isPlain } from './plain.js'

// Most messages fit; a bigger one gets a buffer of its own, dropped afterwards, so that one large message
// does not hold memory for ever.
const SCRATCH_LENGTH = 16_384
let scratch: Buffer | undefined

const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Writes values as msgpack, refusing what has no form on the wire, in a single walk. After `write` comes `finish`, and
 * `release` in any case.
 */
export class ValueWriter {
  readonly #limits: ValueLimits
  readonly #maxLength: number
  readonly #reserve: number
  readonly #path: (string | number)[] = []
  #buffer: Buffer
  #position: number
  #depth = 0
  #elements = 0

  /** The first value stands behind `reserve` bytes, which the caller fills and `maxLength` does not count. */
  constructor(limits: ValueLimits, maxLength: number, reserve = 0) {
    this.#limits = limits
    this.#maxLength = maxLength
    this.#reserve = reserve
    this.#position = reserve
    // Taken, not shared: a getter inside the value may encode something itself.
    this.#buffer = scratch ?? Buffer.allocUnsafeSlow(SCRATCH_LENGTH)
    scratch = undefined
  }

  /** The reserve and what was written, copied into a buffer of their own. */
  finish(): Uint8Array {
    return new Uint8Array(this.#buffer.buffer.slice(0, this.#position) as ArrayBuffer)
  }

  release(): void {
    if (this.#buffer.length === SCRATCH_LENGTH) scratch = this.#buffer
  }

  /** Opens an array whose items are the next `count` calls of `write`; in errors each of them is a value of its own. */
  begin(count: number): void {
    this.#enter(count)
    this.#head(count, 0x90, 0xdc)
  }

  write(value: unknown): void {
    if (typeof value === 'string') this.#string(value)
    else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2)
    else if (value === null) this.#byte(0xc0)
    else if (typeof value !== 'object') throw this.#unencodable(typeof value)
    else if (value instanceof Uint8Array) this.#binary(value)
    else if (Array.isArray(value)) this.#array(value)
    else if (isPlain(value)) this.#map(value as Record<string, unknown>)
    else throw this.#unencodable(`an instance of ${className(value)}`)
  }

  #array(items: unknown[]): void {
    const { length } = items
    this.begin(length)
    for (let index = 0; index < length; index++) {
      this.#path.push(index)
      this.write(items[index])
      this.#path.pop()
    }
    this.#depth--
  }

  #map(members: Record<string, unknown>): void {
    const keys = Object.keys(members)
    const values: unknown[] = []
    let count = 0
    // Each member is read once, so that what is counted is what is written even when a getter changes its mind.
    for (const key of keys) {
      const value = members[key]
      if (value === undefined) continue
      keys[count++] = key
      values.push(value)
    }
    this.#enter(count)
    this.#head(count, 0x80, 0xde)
    for (let index = 0; index < count; index++) {
      const key = keys[index] as string
      this.#path.push(key)
      if (key === '__proto__') throw this.#error('FORBIDDEN_KEY', 'a member named __proto__ cannot be sent; rename it')
      this.#string(key)
      this.write(values[index])
      this.#path.pop()
    }
    this.#depth--
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

  #number(value: number): void {
    if (!Number.isInteger(value) || Object.is(value, -0)) {
      this.#room(9)
      this.#buffer[this.#position] = 0xcb
      this.#buffer.writeDoubleBE(value, this.#position + 1)
      this.#position += 9
    } else if (!Number.isSafeInteger(value)) {
      throw this.#unencodable('an integer beyond ±(2^53 - 1); send it as a string or as bytes,')
    } else if (value >= 0) {
      if (value < 0x80) this.#byte(value)
      else if (value <= 0xff) this.#tagged(0xcc, value, 1)
      else if (value <= 0xffff) this.#tagged(0xcd, value, 2)
      else if (value <= 0xffff_ffff) this.#tagged(0xce, value, 4)
      else this.#tagged64(0xcf, value)
    } else if (value >= -0x20) this.#byte(0x100 + value)
    else if (value >= -0x80) this.#tagged(0xd0, value & 0xff, 1)
    else if (value >= -0x8000) this.#tagged(0xd1, value & 0xffff, 2)
    else if (value >= -0x8000_0000) this.#tagged(0xd2, value >>> 0, 4)
    else this.#tagged64(0xd3, value)
  }

  #string(text: string): void {
    if (text.length < 32 && this.#shortAscii(text)) return
    const length = Buffer.byteLength(text)
    if (length !== text.length && LONE_SURROGATE.test(text)) {
      throw this.#unencodable('a string with half a surrogate pair; cut strings between characters,')
    }
    if (length < 32) this.#byte(0xa0 | length)
    else if (length <= 0xff) this.#tagged(0xd9, length, 1)
    else if (length <= 0xffff) this.#tagged(0xda, length, 2)
    else this.#tagged(0xdb, length, 4)
    this.#room(length)
    this.#position += this.#buffer.write(text, this.#position)
  }

  /** Most keys and headers: quicker than a call out of JavaScript. */
  #shortAscii(text: string): boolean {
    const { length } = text
    this.#room(1 + length)
    const buffer = this.#buffer
    let position = this.#position
    buffer[position++] = 0xa0 | length
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit >= 0x80) return false
      buffer[position++] = unit
    }
    this.#position = position
    return true
  }

  #binary(bytes: Uint8Array): void {
    const { length } = bytes
    if (length <= 0xff) this.#tagged(0xc4, length, 1)
    else if (length <= 0xffff) this.#tagged(0xc5, length, 2)
    else this.#tagged(0xc6, length, 4)
    this.#room(length)
    this.#buffer.set(bytes, this.#position)
    this.#position += length
  }

  #head(count: number, short: number, tag16: number): void {
    if (count <= 15) this.#byte(short | count)
    else if (count <= 0xffff) this.#tagged(tag16, count, 2)
    else this.#tagged(tag16 + 1, count, 4)
  }

  #byte(byte: number): void {
    this.#room(1)
    this.#buffer[this.#position++] = byte
  }

  #tagged(tag: number, value: number, width: 1 | 2 | 4): void {
    this.#room(1 + width)
    this.#buffer[this.#position++] = tag
    for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) this.#buffer[this.#position++] = value >>> shift
  }

  #tagged64(tag: number, value: number): void {
    this.#room(9)
    this.#buffer[this.#position++] = tag
    this.#position = this.#buffer.writeUInt32BE(Math.floor(value / 0x1_0000_0000) >>> 0, this.#position)
    this.#position = this.#buffer.writeUInt32BE(value >>> 0, this.#position)
  }

  #room(length: number): void {
    const needed = this.#position + length
    if (needed - this.#reserve > this.#maxLength) {
      throw this.#error('TOO_LARGE', `the encoded bytes may be ${this.#maxLength} long; send large data in parts`)
    }
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2))
    larger.set(this.#buffer.subarray(0, this.#position))
    this.#buffer = larger
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
