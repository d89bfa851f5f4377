/**
 * Where peers and values stand: 256-bit numbers, and between any two of them a distance, their XOR read as a number (Maymounkov and
 * Mazières 2002, §2.1). A peer stands at the SHA-256 of its id, so that nobody chooses a place without finding a key for it.
 */
import { hash } from 'node:crypto'
import type { Random } from '@pc/transport'

/** 32 bytes, big-endian. Shared: do not write into it. */
export type Position = Uint8Array

export const POSITION_BYTES = 32
export const POSITION_BITS: number = 8 * POSITION_BYTES

/** Where the peer of a 32-byte id stands: SHA-256(id). */
export function positionOf(id: Uint8Array): Position {
  // A small array is one object in the heap, as long as nobody asks for its `buffer`; the Buffer of a hash is three.
  return new Uint8Array(hash('sha256', id, 'buffer'))
}

/** Below zero when `a` is nearer to `target` than `b`, above zero when it is farther, zero when both are one position. */
export function compareDistance(target: Position, a: Position, b: Position): number {
  for (let index = 0; index < POSITION_BYTES; index++) {
    const t = target[index] ?? 0
    const difference = ((a[index] ?? 0) ^ t) - ((b[index] ?? 0) ^ t)
    if (difference !== 0) return difference
  }
  return 0
}

/** The first 32 bits of a position, as a number that may be negative: only good for XOR. */
export function headOf(position: Position): number {
  return ((position[0] ?? 0) << 24) | ((position[1] ?? 0) << 16) | ((position[2] ?? 0) << 8) | (position[3] ?? 0)
}

/** How many leading bits two positions share: 0 to 256. */
export function commonPrefix(a: Position, b: Position): number {
  for (let index = 0; index < POSITION_BYTES; index++) {
    const difference = (a[index] ?? 0) ^ (b[index] ?? 0)
    if (difference !== 0) return 8 * index + Math.clz32(difference) - 24
  }
  return POSITION_BITS
}

/** Bit `index` counted from the most significant one. */
export function bitAt(position: Position, index: number): 0 | 1 {
  return (((position[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) as 0 | 1
}

/** A random position with the first `bits` of another one. */
export function randomWithin(prefix: Position, bits: number, random: Random): Position {
  const position = random.bytes(POSITION_BYTES)
  for (let index = 0; index < bits; index++) setBit(position, index, bitAt(prefix, index))
  return position
}

/** A copy with that bit. */
export function withBit(position: Position, index: number, bit: 0 | 1): Position {
  const copy = Uint8Array.from(position)
  setBit(copy, index, bit)
  return copy
}

/** A copy with the other value of that bit. */
export function withBitTurned(position: Position, index: number): Position {
  return withBit(position, index, bitAt(position, index) === 0 ? 1 : 0)
}

function setBit(bytes: Uint8Array, index: number, bit: 0 | 1): void {
  const mask = 0x80 >> (index & 7)
  const at = index >> 3
  bytes[at] = bit === 1 ? (bytes[at] ?? 0) | mask : (bytes[at] ?? 0) & ~mask
}
