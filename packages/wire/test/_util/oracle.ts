import type { Value } from '@pc/wire'
import { Packr } from 'msgpackr'

// As programs use it that know nothing of this protocol.
const packr = new Packr({ useRecords: false })

/** The value as another program may write it: other integer and map forms. */
export function foreignEncode(value: Value): Uint8Array {
  return new Uint8Array(packr.pack(value))
}

/** Another writer, from the msgpack specification and docs/protocol.md the slow way: the shortest form of everything. */
export function slowEncode(value: Value): number[] {
  const number = (integer: number | bigint, width: number): number[] =>
    Array.from({ length: width }, (_, place) => Number((BigInt(integer) >> BigInt(8 * (width - 1 - place))) & 0xffn))
  const head = (length: number, short: { most: number; tag: number }, tag: number, widths: number[]): number[] => {
    if (length <= short.most) return [short.tag + length]
    const width = widths.find((bytes) => length < 2 ** (8 * bytes)) as number
    return [tag + widths.indexOf(width), ...number(length, width)]
  }
  if (value === null) return [0xc0]
  if (typeof value === 'boolean') return [value ? 0xc3 : 0xc2]
  if (typeof value === 'number') {
    if (!Number.isInteger(value) || Object.is(value, -0)) {
      const bytes = new Uint8Array(8)
      new DataView(bytes.buffer).setFloat64(0, value)
      return [0xcb, ...(Number.isNaN(value) ? [0x7f, 0xf8, 0, 0, 0, 0, 0, 0] : bytes)]
    }
    if (value >= -32 && value <= 127) return number(value, 1)
    const width = [1, 2, 4, 8].find((bytes) => value < 2 ** (8 * bytes) && value >= -(2 ** (8 * bytes - 1))) as number
    return [(value < 0 ? 0xd0 : 0xcc) + Math.log2(width), ...number(value, width)]
  }
  if (typeof value === 'string') {
    const bytes = new TextEncoder().encode(value)
    return [...head(bytes.length, { most: 31, tag: 0xa0 }, 0xd9, [1, 2, 4]), ...bytes]
  }
  if (value instanceof Uint8Array) return [...head(value.length, { most: -1, tag: 0 }, 0xc4, [1, 2, 4]), ...value]
  if (Array.isArray(value)) {
    return [...head(value.length, { most: 15, tag: 0x90 }, 0xdc, [2, 4]), ...value.flatMap(slowEncode)]
  }
  const members = Object.entries(value)
  const parts = members.flatMap(([key, member]) => [...slowEncode(key), ...slowEncode(member)])
  return [...head(members.length, { most: 15, tag: 0x80 }, 0xde, [2, 4]), ...parts]
}

/** What `slowDecode` gives for bytes that are not one acceptable value. */
export const REFUSED: unique symbol = Symbol('refused')

/**
 * Another reader, written from the msgpack specification the slow way: everything is built, nothing is clever.
 * A second opinion on the scan and on the codec.
 */
export function slowDecode(bytes: Uint8Array, maxDepth: number, maxElements: number): Value | typeof REFUSED {
  const queue = Array.from(bytes)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let elements = 0
  const refuse = (): never => {
    throw new RangeError('refused')
  }
  const take = (count: number): number[] => (count > queue.length ? refuse() : queue.splice(0, count))
  const number = (width: number): bigint => take(width).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const signed = (width: number): bigint => BigInt.asIntN(width * 8, number(width))
  const binary = (length: number): Uint8Array => Uint8Array.from(take(length))
  const text = (length: number): string => decoder.decode(binary(length))
  const safe = (integer: bigint): number => {
    if (integer > BigInt(Number.MAX_SAFE_INTEGER) || integer < BigInt(Number.MIN_SAFE_INTEGER)) refuse()
    return Number(integer)
  }
  const enter = (count: number, depth: number): void => {
    elements += count
    if (depth + 1 > maxDepth || elements > maxElements) refuse()
  }
  const read = (depth: number): Value => {
    const array = (count: number): Value => {
      enter(count, depth)
      const items: Value[] = []
      for (let index = 0; index < count; index++) items.push(read(depth + 1))
      return items
    }
    const map = (count: number): Value => {
      enter(count, depth)
      const members = new Map<string, Value>()
      for (let index = 0; index < count; index++) {
        const key = read(maxDepth)
        if (typeof key !== 'string' || key === '__proto__' || members.has(key)) return refuse()
        members.set(key, read(depth + 1))
      }
      return Object.fromEntries(members)
    }
    const tag = take(1)[0] as number
    if (tag <= 0x7f) return tag
    if (tag >= 0xe0) return tag - 256
    if (tag <= 0x8f) return map(tag - 0x80)
    if (tag <= 0x9f) return array(tag - 0x90)
    if (tag <= 0xbf) return text(tag - 0xa0)
    if (tag === 0xc0) return null
    if (tag === 0xc2 || tag === 0xc3) return tag === 0xc3
    if (tag === 0xc4) return binary(Number(number(1)))
    if (tag === 0xc5) return binary(Number(number(2)))
    if (tag === 0xc6) return binary(Number(number(4)))
    if (tag === 0xca) return Buffer.from(take(4)).readFloatBE()
    if (tag === 0xcb) return Buffer.from(take(8)).readDoubleBE()
    if (tag === 0xcc) return safe(number(1))
    if (tag === 0xcd) return safe(number(2))
    if (tag === 0xce) return safe(number(4))
    if (tag === 0xcf) return safe(number(8))
    if (tag === 0xd0) return safe(signed(1))
    if (tag === 0xd1) return safe(signed(2))
    if (tag === 0xd2) return safe(signed(4))
    if (tag === 0xd3) return safe(signed(8))
    if (tag === 0xd9) return text(Number(number(1)))
    if (tag === 0xda) return text(Number(number(2)))
    if (tag === 0xdb) return text(Number(number(4)))
    if (tag === 0xdc) return array(Number(number(2)))
    if (tag === 0xdd) return array(Number(number(4)))
    if (tag === 0xde) return map(Number(number(2)))
    if (tag === 0xdf) return map(Number(number(4)))
    return refuse()
  }
  try {
    const value = read(0)
    return queue.length === 0 ? value : REFUSED
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return REFUSED
    throw error
  }
}
