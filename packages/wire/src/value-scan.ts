import { isUtf8 } from 'node:buffer'
import { InvalidPacketError, type WireErrorCode } from './errors.js'
import { KeySet } from './key-set.js'
import type { ValueLimits } from './limits.js'

/**
 * The structural scan: proves, without making anything, that `bytes` is exactly one msgpack value of the subset this
 * protocol speaks (https://github.com/msgpack/msgpack/blob/master/spec.md). Accepted: nil, booleans, integers within
 * ±(2^53 - 1), both floats, str, bin, array, map with distinct string keys. Lengths need not be in their shortest form.
 * Refused, in the order met: everything the codes below name.
 * @throws InvalidPacketError
 */
export function scanValue(bytes: Uint8Array, limits: ValueLimits): ScannedValue {
  const scan = new Scan(bytes, limits)
  scan.value(0)
  if (scan.position < bytes.length) {
    throw new InvalidPacketError(
      'TRAILING_BYTES',
      `one value was expected, and ${bytes.length - scan.position} more bytes follow it`,
      { offset: scan.position },
    )
  }
  return scan
}

/** What is worth knowing of a value before it is made. */
export interface ScannedValue {
  /** The texts that `doubleMarks` is for, nearly always none. */
  readonly marked: readonly MarkedText[]
  /** Whether there are byte strings in it. */
  readonly hasBytes: boolean
}

/** Where a text that begins with U+FEFF has its type byte, its first byte and its end. */
export interface MarkedText {
  readonly head: number
  readonly start: number
  readonly end: number
}

// msgpackr decodes texts of more bytes than this with a TextDecoder, which takes a leading U+FEFF away.
const MARK_KEPT_LENGTH = 64
const MARK = [0xef, 0xbb, 0xbf] as const

/** A copy of the bytes with the leading U+FEFF of these texts twice, so that one is left when msgpackr takes one away. */
export function doubleMarks(bytes: Uint8Array, texts: readonly MarkedText[]): Uint8Array {
  const parts: Uint8Array[] = []
  let copied = 0
  for (const { head, start, end } of texts) {
    const prefix = Buffer.from([0xdb, 0, 0, 0, 0, ...MARK])
    prefix.writeUInt32BE(MARK.length + end - start, 1)
    parts.push(bytes.subarray(copied, head), prefix)
    copied = start
  }
  const { buffer, byteOffset, length } = Buffer.concat([...parts, bytes.subarray(copied)])
  return new Uint8Array(buffer, byteOffset, length)
}

class Scan implements ScannedValue {
  readonly #bytes: Uint8Array
  readonly #limits: ValueLimits
  readonly marked: MarkedText[] = []
  hasBytes = false
  #elements = 0
  /** Of the latest type byte. */
  #head = 0
  position = 0

  constructor(bytes: Uint8Array, limits: ValueLimits) {
    this.#bytes = bytes
    this.#limits = limits
  }

  value(depth: number): void {
    const tag = this.#tag()
    if (tag < 0x80 || tag >= 0xe0) return // small integers
    if (tag < 0x90) this.#map(tag & 0x0f, depth)
    else if (tag < 0xa0) this.#array(tag & 0x0f, depth)
    else if (tag < 0xc0) this.#text(tag & 0x1f)
    else this.#longForm(tag, depth)
  }

  #longForm(tag: number, depth: number): void {
    if (tag === 0xc1) throw this.#error('RESERVED_BYTE', 'the byte 0xc1 begins no value', this.position - 1)
    if (tag <= 0xc3) return // nil, false, true
    if (tag <= 0xc6) this.#binary(this.#unsigned(1 << (tag - 0xc4)))
    else if (tag <= 0xc9) throw this.#extension()
    else if (tag <= 0xcb)
      this.#skip(4 << (tag - 0xca)) // float32, float64
    else if (tag <= 0xce) this.#skip(1 << (tag - 0xcc))
    else if (tag === 0xcf) this.#unsigned64()
    else if (tag <= 0xd2) this.#skip(1 << (tag - 0xd0))
    else if (tag === 0xd3) this.#signed64()
    else if (tag <= 0xd8) throw this.#extension()
    else if (tag <= 0xdb) this.#text(this.#unsigned(1 << (tag - 0xd9)))
    else if (tag <= 0xdd) this.#array(this.#unsigned(2 << (tag - 0xdc)), depth)
    else this.#map(this.#unsigned(2 << (tag - 0xde)), depth)
  }

  #array(count: number, depth: number): void {
    this.#enter(count, count, depth)
    for (let index = 0; index < count; index++) this.value(depth + 1)
  }

  #map(count: number, depth: number): void {
    this.#enter(count, count * 2, depth)
    // One key alone is no duplicate: a stranger's thousand maps of nothing cost nothing here.
    const keys = count > 1 ? new KeySet(this.#bytes, count) : undefined
    for (let index = 0; index < count; index++) {
      const start = this.position
      const length = this.#keyLength()
      const from = this.position
      this.#text(length)
      if (isProto(this.#bytes, from, this.position)) {
        throw this.#error('FORBIDDEN_KEY', 'a map may not have the key __proto__', start)
      }
      if (keys?.add(from, this.position) === false) {
        throw this.#error('DUPLICATE_KEY', 'a map may have each key once', start)
      }
      this.value(depth + 1)
    }
  }

  #enter(count: number, leastBytes: number, depth: number): void {
    const at = this.position
    if (depth >= this.#limits.maxDepth) {
      throw this.#error('TOO_DEEP', `arrays and maps may be nested ${this.#limits.maxDepth} deep`, at)
    }
    if (leastBytes > this.#bytes.length - at) {
      throw this.#error(
        'TRUNCATED',
        `${count} elements are declared, but only ${this.#bytes.length - at} bytes follow`,
        at,
      )
    }
    this.#elements += count
    if (this.#elements > this.#limits.maxElements) {
      throw this.#error('TOO_MANY_ELEMENTS', `a value may have ${this.#limits.maxElements} items and members`, at)
    }
  }

  #keyLength(): number {
    const tag = this.#tag()
    if (tag >= 0xa0 && tag < 0xc0) return tag & 0x1f
    if (tag >= 0xd9 && tag <= 0xdb) return this.#unsigned(1 << (tag - 0xd9))
    throw this.#error('BAD_KEY', 'the keys of a map must be strings', this.position - 1)
  }

  #binary(length: number): void {
    this.hasBytes = true
    this.#skip(length)
  }

  #text(length: number): void {
    const start = this.position
    this.#skip(length)
    const { position } = this
    let index = start
    while (index < position && (this.#bytes[index] as number) < 0x80) index++
    if (index < position && !isUtf8(this.#bytes.subarray(index, position))) {
      throw this.#error('BAD_UTF8', 'a string must be valid UTF-8', start)
    }
    if (length > MARK_KEPT_LENGTH && MARK.every((byte, place) => this.#bytes[start + place] === byte)) {
      this.marked.push({ head: this.#head, start, end: position })
    }
  }

  #unsigned64(): void {
    const start = this.position
    const high = this.#unsigned(4)
    this.#skip(4)
    if (high > 0x1f_ffff) throw this.#outOfRange(start)
  }

  #signed64(): void {
    const start = this.position
    const high = this.#unsigned(4) | 0
    const low = this.#unsigned(4)
    if (high > 0x1f_ffff || high < -0x20_0000 || (high === -0x20_0000 && low === 0)) throw this.#outOfRange(start)
  }

  #extension(): InvalidPacketError {
    return this.#error('EXTENSION_TYPE', 'extension types are not part of this protocol', this.position - 1)
  }

  #outOfRange(offset: number): InvalidPacketError {
    return this.#error('INTEGER_RANGE', 'integers must lie within ±(2^53 - 1)', offset)
  }

  #tag(): number {
    const tag = this.#bytes[this.position]
    if (tag === undefined) throw this.#error('TRUNCATED', 'a value was expected, and the bytes end', this.position)
    this.#head = this.position++
    return tag
  }

  /** A big-endian unsigned number of 1, 2 or 4 bytes. */
  #unsigned(width: number): number {
    const start = this.position
    this.#skip(width)
    let value = 0
    for (let index = start; index < this.position; index++) value = value * 256 + (this.#bytes[index] as number)
    return value
  }

  #skip(length: number): void {
    const left = this.#bytes.length - this.position
    if (length > left) {
      throw this.#error('TRUNCATED', `${length} bytes were expected, and ${left} are left`, this.position)
    }
    this.position += length
  }

  #error(code: WireErrorCode, message: string, offset: number): InvalidPacketError {
    return new InvalidPacketError(code, `${message} (at byte ${offset})`, { offset })
  }
}

const PROTO = '__proto__'

function isProto(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start !== PROTO.length) return false
  for (let index = 0; index < PROTO.length; index++) {
    if (bytes[start + index] !== PROTO.charCodeAt(index)) return false
  }
  return true
}
