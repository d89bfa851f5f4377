import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bitAt, commonPrefix, compareDistance, positionOf } from './position.js'

const position = fc.uint8Array({ minLength: 32, maxLength: 32 })
const near = fc.tuple(position, fc.integer({ min: 0, max: 255 })).map(([a, bit]) => {
  const b = Uint8Array.from(a)
  b[bit >> 3] = (b[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7))
  return [a, b, bit] as const
})
const number = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)

describe('positions', () => {
  it('of peers are the SHA-256 of their id', () => {
    const id = new Uint8Array(32).fill(7)
    expect(Buffer.from(positionOf(id))).toEqual(createHash('sha256').update(id).digest())
  })

  it('are as far from each other as their XOR, read as a number, says (§2.1)', () => {
    fc.assert(
      fc.property(
        position,
        position,
        fc.oneof(
          position,
          near.map(([, b]) => b),
        ),
        (target, a, b) => {
          const [x, y] = [number(a) ^ number(target), number(b) ^ number(target)]
          expect(Math.sign(compareDistance(target, a, b))).toBe(x < y ? -1 : x > y ? 1 : 0)
          expect(compareDistance(target, a, a)).toBe(0)
        },
      ),
    )
  })

  it('share the bits before the first in which they differ', () => {
    fc.assert(
      fc.property(near, ([a, b, bit]) => {
        expect(commonPrefix(a, b)).toBe(bit)
        expect(bitAt(a, bit) ^ bitAt(b, bit)).toBe(1)
        expect(commonPrefix(a, a)).toBe(256)
      }),
    )
    expect([0, 1, 7, 8, 9].map((index) => bitAt(Uint8Array.of(0b1000_0001, 0b0100_0000), index))).toEqual([
      1, 0, 1, 0, 1,
    ])
  })
})
