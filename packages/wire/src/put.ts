/**
 * The forms of msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md) for values without members, each in its shortest.
 * The `put…` functions write into room that the caller has made, `at` a place of it, and return the place behind what they wrote.
 */

/** Up to this many characters a loop costs less than a call out of JavaScript. */
const SHORT_TEXT = 24
const WORD = 2 ** 32

export function putConstant(target: Buffer, at: number, value: null | boolean): number {
  target[at] = value === null ? 0xc0 : value ? 0xc3 : 0xc2
  return at + 1
}

/** What a number begins with; a small integer is all in it. The number has a form: see `checkNumber`. */
function numberTag(value: number): number {
  // -0 is no integer of msgpack.
  if (!Number.isInteger(value) || Object.is(value, -0)) return 0xcb
  if (value >= 0) {
    if (value < 0x80) return value
    if (value < 0x100) return 0xcc
    if (value < 0x1_0000) return 0xcd
    return value < WORD ? 0xce : 0xcf
  }
  if (value >= -0x20) return 0x100 + value
  if (value >= -0x80) return 0xd0
  if (value >= -0x8000) return 0xd1
  return value >= -0x8000_0000 ? 0xd2 : 0xd3
}

export function numberLength(value: number): number {
  const tag = numberTag(value)
  if (tag < 0xcc) return tag === 0xcb ? 9 : 1
  return tag >= 0xe0 ? 1 : 1 + (1 << (tag & 3))
}

export function putNumber(target: Buffer, at: number, value: number): number {
  const tag = numberTag(value)
  target[at] = tag
  switch (tag) {
    case 0xcc:
    case 0xd0:
      target[at + 1] = value
      return at + 2
    case 0xcd:
    case 0xd1:
      target[at + 1] = value >> 8
      target[at + 2] = value
      return at + 3
    case 0xce:
    case 0xd2:
      return putWord(target, at + 1, value)
    case 0xcf:
    case 0xd3:
      putWord(target, at + 1, Math.floor(value / WORD))
      return putWord(target, at + 5, value)
    case 0xcb:
      // There are many NaNs in memory, and one on the wire.
      return target.writeDoubleBE(Number.isNaN(value) ? Number.NaN : value, at + 1)
    default:
      return at + 1
  }
}

/** The lowest 32 bits of any integer, of a negative one as its two's complement. */
export function putWord(target: Buffer, at: number, value: number): number {
  target[at] = value >>> 24
  target[at + 1] = value >>> 16
  target[at + 2] = value >>> 8
  target[at + 3] = value
  return at + 4
}

/** Bytes of UTF-8; as many as it has characters if, and only if, all of them are ASCII. */
export function utf8Length(text: string): number {
  if (text.length > SHORT_TEXT) return Buffer.byteLength(text)
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) >= 0x80) return Buffer.byteLength(text)
  }
  return text.length
}

/** @param length as `utf8Length` gives it */
export function textLength(length: number): number {
  return length < 0x20 ? 1 + length : bytesLength(length)
}

export function bytesLength(length: number): number {
  if (length < 0x100) return 2 + length
  return length < 0x1_0000 ? 3 + length : 5 + length
}

/** @param length as `utf8Length` gives it */
export function putText(target: Buffer, at: number, text: string, length: number): number {
  let position = at + 1
  if (length < 0x20) target[at] = 0xa0 | length
  else position = putHead(target, at, 0xd9, length)
  if (length === text.length && length <= SHORT_TEXT) {
    for (let index = 0; index < length; index++) target[position + index] = text.charCodeAt(index)
  } else {
    target.write(text, position, 'utf8')
  }
  return position + length
}

export function putBytes(target: Buffer, at: number, bytes: Uint8Array): number {
  const position = putHead(target, at, 0xc4, bytes.length)
  target.set(bytes, position)
  return position + bytes.length
}

/** A type and a length of 8, 16 or 32 bits, whose types follow each other. */
function putHead(target: Buffer, at: number, tag: number, length: number): number {
  if (length < 0x100) {
    target[at] = tag
    target[at + 1] = length
    return at + 2
  }
  return putWide(target, at, tag + 1, length)
}

/** A type and a length of 16 or 32 bits. */
function putWide(target: Buffer, at: number, tag: number, length: number): number {
  if (length >= 0x1_0000) {
    target[at] = tag + 1
    return putWord(target, at + 1, length)
  }
  target[at] = tag
  target[at + 1] = length >>> 8
  target[at + 2] = length
  return at + 3
}
