import type { Value } from './value.js'

/** Makes the value out of bytes that `scanValue` has proved: nothing is checked here again. */
export function readValue(bytes: Uint8Array): Value {
  return new Reader(bytes).value()
}

class Reader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  value(): Value {
    const tag = this.#unsigned(1)
    if (tag < 0x80) return tag
    if (tag < 0x90) return this.#map(tag & 0x0f)
    if (tag < 0xa0) return this.#array(tag & 0x0f)
    if (tag < 0xc0) return this.#string(tag & 0x1f)
    if (tag >= 0xe0) return tag - 0x100
    switch (tag) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#binary(this.#unsigned(1 << (tag - 0xc4)))
      case 0xca:
        return this.#bytes.readFloatBE(this.#advance(4))
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#advance(8))
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#unsigned(1 << (tag - 0xcc))
      case 0xcf:
        return this.#unsigned(4) * 0x1_0000_0000 + this.#unsigned(4)
      case 0xd0:
        return this.#bytes.readInt8(this.#advance(1))
      case 0xd1:
        return this.#bytes.readInt16BE(this.#advance(2))
      case 0xd2:
        return this.#bytes.readInt32BE(this.#advance(4))
      case 0xd3:
        return this.#bytes.readInt32BE(this.#advance(4)) * 0x1_0000_0000 + this.#unsigned(4)
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#string(this.#unsigned(1 << (tag - 0xd9)))
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(2 << (tag - 0xdc)))
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(2 << (tag - 0xde)))
      default:
        throw new Error(`unreachable: the scan let the byte 0x${tag.toString(16)} through`)
    }
  }

  #array(count: number): Value[] {
    const items: Value[] = []
    for (let index = 0; index < count; index++) items.push(this.value())
    return items
  }

  #map(count: number): { [key: string]: Value } {
    const members: { [key: string]: Value } = {}
    // Assignment makes an own member for every key but __proto__, which the scan refuses.
    for (let index = 0; index < count; index++) members[this.#key()] = this.value()
    return members
  }

  #key(): string {
    const tag = this.#unsigned(1)
    return this.#string(tag < 0xc0 ? tag & 0x1f : this.#unsigned(1 << (tag - 0xd9)))
  }

  // Not TextDecoder: that one swallows a leading U+FEFF.
  #string(length: number): string {
    const start = this.#advance(length)
    if (length < 16) {
      const text = this.#shortAscii(start, length)
      if (text !== undefined) return text
    }
    return this.#bytes.toString('utf8', start, start + length)
  }

  /** Most keys: quicker than a call out of JavaScript. */
  #shortAscii(start: number, length: number): string | undefined {
    let text = ''
    for (let index = start; index < start + length; index++) {
      const byte = this.#bytes[index] as number
      if (byte >= 0x80) return undefined
      text += String.fromCharCode(byte)
    }
    return text
  }

  // A plain Uint8Array, whether the bytes came as Buffer or not.
  #binary(length: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + this.#advance(length), length)
  }

  #unsigned(width: number): number {
    let value = 0
    const end = this.#position + width
    while (this.#position < end) value = value * 256 + (this.#bytes[this.#position++] as number)
    return value
  }

  #advance(length: number): number {
    const start = this.#position
    this.#position += length
    return start
  }
}
