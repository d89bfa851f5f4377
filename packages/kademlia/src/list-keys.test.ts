import { SeededRandom } from '@pc/testkit'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LIST_KEYS, listOf } from './list-keys.js'

const RING = 1n << 256n
const numberOf = (position: Uint8Array): bigint => BigInt(`0x${Buffer.from(position).toString('hex')}`)
const positionAt = (place: bigint): Uint8Array =>
  Buffer.from((((place % RING) + RING) % RING).toString(16).padStart(64, '0'), 'hex')

function aroundTheRing(a: bigint, b: bigint): bigint {
  const forth = (a - b + RING) % RING
  return forth < RING - forth ? forth : RING - forth
}

describe('LIST_KEYS', () => {
  it('are 20, the i-th at i · 2^256 / 20 rounded down', () => {
    expect(LIST_KEYS.map(numberOf)).toEqual(Array.from({ length: 20 }, (_, list) => (BigInt(list) * RING) / 20n))
  })
})

describe('listOf', () => {
  it('is the list of its own key', () => {
    expect(LIST_KEYS.map(listOf)).toEqual(LIST_KEYS.map((_, list) => list))
  })

  it('is the nearest around the ring', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (position) => {
        const distances = LIST_KEYS.map((key) => aroundTheRing(numberOf(position), numberOf(key)))
        const own = distances[listOf(position)] ?? RING
        // Where the first 48 bits cannot tell, either of two will do.
        expect(distances.every((distance) => own <= distance + (1n << 209n))).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('is the higher one half way between two, and the first again before the end of the ring', () => {
    const half = RING / 40n
    expect(listOf(positionAt(half - (1n << 208n)))).toBe(0)
    expect(listOf(positionAt(half + (1n << 208n)))).toBe(1)
    expect(listOf(positionAt(-half - (1n << 208n)))).toBe(19)
    expect(listOf(positionAt(-half + (1n << 208n)))).toBe(0)
    expect(listOf(positionAt(-1n))).toBe(0)
  })

  it('fills lists evenly: 20,000 positions by chance, about a twentieth each', () => {
    const random = new SeededRandom('lists')
    const counts = LIST_KEYS.map(() => 0)
    for (let peer = 0; peer < 20_000; peer++) {
      const list = listOf(random.bytes(32))
      counts[list] = (counts[list] ?? 0) + 1
    }
    // Standard deviation 31; chance alone passes with p > 0.999.
    expect(Math.min(...counts)).toBeGreaterThan(850)
    expect(Math.max(...counts)).toBeLessThan(1_150)
  })
})
