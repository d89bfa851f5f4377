import { isUtf8 } from 'node:buffer'
import { readHeader } from './header.js'
import { PROTOCOL_VERSION } from './limits.js'
import { type Message, PEER_ID_BYTES } from './message-fields.js'

const ARRAY_OF_FIVE = 0x95
const WORD = 2 ** 32
/** Up to this many bytes a loop costs less than a call out of JavaScript. */
const SHORT_TEXT = 24
const NOTHING: Uint8Array = new Uint8Array(0)

/**
 * The short cut for nearly all envelopes: a header in ASCII, an unsigned integer as id, a body without members. What it reads is read and
 * checked as in the general way; of everything else, right or wrong, it says nothing: so there is one truth of what is wrong where.
 */
export class EnvelopeReader {
  #bytes = NOTHING
  /** Of `#bytes`: asking it each time is a call out of JavaScript. */
  #buffer: ArrayBufferLike = NOTHING.buffer
  #offset = 0
  #end = 0
  #at = 0
  /** Whether everything so far was usual, and whole. */
  #usual = true

  /**
   * What `decodeMessage` gives of the envelope that `bytes` has from `start` to `end`; undefined for one that has to be read in the general
   * way. `bytes` is kept until the next call, or until `clear`.
   */
  read(bytes: Uint8Array, start: number, end: number): Message | undefined {
    if (bytes !== this.#bytes) this.#turnTo(bytes)
    this.#at = start
    this.#end = end
    this.#usual = true
    if (this.#tag() !== ARRAY_OF_FIVE) return undefined
    const header = this.#header()
    if (header === undefined) return undefined
    const idTag = this.#tag()
    const id = idTag < 0x80 ? idTag : this.#unsigned(idTag)
    if (this.#tag() !== PROTOCOL_VERSION) return undefined
    const body = this.#body()
    const peerId = this.#peerId()
    if (!this.#usual || this.#at !== this.#end) return undefined
    return { header, id, version: PROTOCOL_VERSION, body, peerId }
  }

  /** Forgets the bytes that were read last. */
  clear(): void {
    this.#turnTo(NOTHING)
  }

  #turnTo(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#buffer = bytes.buffer
    this.#offset = bytes.byteOffset
  }

  #header(): string | undefined {
    const length = this.#textLength(this.#tag())
    const start = this.#take(length)
    return this.#usual ? readHeader(this.#bytes, start, length) : undefined
  }

  #body(): Message['body'] {
    const tag = this.#tag()
    if (tag < 0x80) return tag
    if (tag >= 0xe0) return tag - 0x100
    if (tag === 0xc0) return null
    if (tag === 0xc2 || tag === 0xc3) return tag === 0xc3
    if (tag >= 0xc4 && tag <= 0xc6) return this.#view(this.#number(1 << (tag - 0xc4)))
    if (tag >= 0xca && tag <= 0xcb) return this.#float(4 << (tag - 0xca))
    if (tag >= 0xcc && tag <= 0xcf) return this.#unsigned(tag)
    if (tag >= 0xd0 && tag <= 0xd3) return this.#signed(tag)
    return this.#text(this.#textLength(tag))
  }

  #peerId(): Uint8Array | null {
    const tag = this.#tag()
    if (tag === 0xc0) return null
    if (tag !== 0xc4 || this.#number(1) !== PEER_ID_BYTES) this.#usual = false
    return this.#view(PEER_ID_BYTES)
  }

  #textLength(tag: number): number {
    if (tag >= 0xa0 && tag < 0xc0) return tag & 0x1f
    if (tag >= 0xd9 && tag <= 0xdb) return this.#number(1 << (tag - 0xd9))
    this.#usual = false
    return 0
  }

  #text(length: number): string {
    const start = this.#take(length)
    if (!this.#usual) return ''
    const ascii = length <= SHORT_TEXT ? readAscii(this.#bytes, start, start + length) : undefined
    if (ascii !== undefined) return ascii
    const bytes = Buffer.from(this.#buffer, this.#offset + start, length)
    if (!isUtf8(bytes)) this.#usual = false
    return bytes.toString()
  }

  #view(length: number): Uint8Array {
    const start = this.#take(length)
    if (!this.#usual) return NOTHING
    return new Uint8Array(this.#buffer, this.#offset + start, length)
  }

  #float(width: number): number {
    const start = this.#take(width)
    if (!this.#usual) return 0
    const data = new DataView(this.#buffer, this.#offset + start, width)
    return width === 4 ? data.getFloat32(0) : data.getFloat64(0)
  }

  #unsigned(tag: number): number {
    if (tag >= 0xcc && tag <= 0xce) return this.#number(1 << (tag - 0xcc))
    const high = this.#number(4)
    if (tag !== 0xcf || high > 0x1f_ffff) this.#usual = false
    return high * WORD + this.#number(4)
  }

  #signed(tag: number): number {
    const width = 1 << (tag - 0xd0)
    if (width < 8) {
      const unused = 32 - width * 8
      return (this.#number(width) << unused) >> unused
    }
    const value = (this.#number(4) | 0) * WORD + this.#number(4)
    if (!Number.isSafeInteger(value)) this.#usual = false
    return value
  }

  /** The next byte; no byte at all is no tag of anything. */
  #tag(): number {
    if (this.#at < this.#end) return this.#bytes[this.#at++] as number
    this.#usual = false
    return 0xc1
  }

  /** A big-endian unsigned number. */
  #number(width: number): number {
    const start = this.#take(width)
    let value = 0
    for (let index = start; index < start + width; index++) value = value * 256 + (this.#bytes[index] as number)
    return value
  }

  /** Where the next so many bytes begin. */
  #take(length: number): number {
    const start = this.#at
    this.#at += length
    if (this.#at > this.#end) this.#usual = false
    return start
  }
}

/** Undefined if there is more than ASCII. Four at a time, since every `+` makes a string. */
function readAscii(bytes: Uint8Array, start: number, end: number): string | undefined {
  let text = ''
  let at = start
  for (; at + 4 <= end; at += 4) {
    const a = bytes[at] as number
    const b = bytes[at + 1] as number
    const c = bytes[at + 2] as number
    const d = bytes[at + 3] as number
    if ((a | b | c | d) >= 0x80) return undefined
    text += String.fromCharCode(a, b, c, d)
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number
    if (byte >= 0x80) return undefined
    text += String.fromCharCode(byte)
  }
  return text
}
