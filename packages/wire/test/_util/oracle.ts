import type { Value } from '@pc/wire'
import { Packr } from 'msgpackr'

/** Another implementation of msgpack, to compare with. */
const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  variableMapSize: true,
  useToJSON: false,
  int64AsType: 'number',
})

export function oracleDecode(bytes: Uint8Array): unknown {
  return packr.unpack(Uint8Array.from(bytes))
}

export function oracleEncode(value: Value): Uint8Array {
  return new Uint8Array(packr.pack(value))
}

/**
 * Whether the bytes are one acceptable value, found the slow way: everything is built, nothing is clever.
 * A second opinion on the scan, written from the msgpack specification.
 */
export function isAcceptable(bytes: Uint8Array, maxDepth: number, maxElements: number): boolean {
  const queue = Array.from(bytes)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let elements = 0
  const refuse = (): never => {
    throw new RangeError('refused')
  }
  const take = (count: number): number[] => (count > queue.length ? refuse() : queue.splice(0, count))
  const number = (width: number): bigint => take(width).reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  const text = (length: number): string => decoder.decode(Uint8Array.from(take(length)))
  const safe = (integer: bigint): void => {
    if (integer > BigInt(Number.MAX_SAFE_INTEGER) || integer < BigInt(Number.MIN_SAFE_INTEGER)) refuse()
  }
  const read = (depth: number): unknown => {
    const tag = take(1)[0] as number
    const items = (count: number, keyed: boolean): unknown => {
      if (depth + 1 > maxDepth) refuse()
      elements += count
      if (elements > maxElements) refuse()
      const keys = new Set<unknown>()
      for (let index = 0; index < count; index++) {
        if (keyed) {
          const key = read(maxDepth)
          if (typeof key !== 'string' || key === '__proto__' || keys.has(key)) refuse()
          keys.add(key)
        }
        read(depth + 1)
      }
      return items
    }
    if (tag <= 0x7f || tag >= 0xe0) return tag
    if (tag <= 0x8f) return items(tag - 0x80, true)
    if (tag <= 0x9f) return items(tag - 0x90, false)
    if (tag <= 0xbf) return text(tag - 0xa0)
    if (tag === 0xc0 || tag === 0xc2 || tag === 0xc3) return null
    if (tag === 0xc4) return take(Number(number(1)))
    if (tag === 0xc5) return take(Number(number(2)))
    if (tag === 0xc6) return take(Number(number(4)))
    if (tag === 0xca) return take(4)
    if (tag === 0xcb) return take(8)
    if (tag === 0xcc || tag === 0xd0) return take(1)
    if (tag === 0xcd || tag === 0xd1) return take(2)
    if (tag === 0xce || tag === 0xd2) return take(4)
    if (tag === 0xcf) return safe(number(8))
    if (tag === 0xd3) return safe(BigInt.asIntN(64, number(8)))
    if (tag === 0xd9) return text(Number(number(1)))
    if (tag === 0xda) return text(Number(number(2)))
    if (tag === 0xdb) return text(Number(number(4)))
    if (tag === 0xdc) return items(Number(number(2)), false)
    if (tag === 0xdd) return items(Number(number(4)), false)
    if (tag === 0xde) return items(Number(number(2)), true)
    if (tag === 0xdf) return items(Number(number(4)), true)
    return refuse()
  }
  try {
    read(0)
    return queue.length === 0
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return false
    throw error
  }
}
