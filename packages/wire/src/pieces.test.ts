import { describe, expect, test } from 'vitest'
import { Pieces } from './pieces.js'

/** Bytes that fill their buffer, as a socket gives them. */
const piece = (length: number, value: number) => new Uint8Array(length).fill(value)

function joined(pieces: Pieces, length: number): number[] {
  const target = new Uint8Array(length)
  pieces.copyTo(target)
  return Array.from(target)
}

describe('Pieces', () => {
  test('gives them back in order, short and long ones', () => {
    const pieces = new Pieces()
    const lengths = [3, 4_096, 1, 700, 4_095, 5_000, 4_096, 2]
    for (const [index, length] of lengths.entries()) pieces.add(piece(length, index))
    const expected = lengths.flatMap((length, index) => new Array<number>(length).fill(index))
    expect(joined(pieces, expected.length)).toStrictEqual(expected)
  })

  test('copies short pieces', () => {
    const pieces = new Pieces()
    const short = piece(4_095, 1)
    pieces.add(short)
    short.fill(2)
    expect(new Set(joined(pieces, 4_095))).toStrictEqual(new Set([1]))
  })

  test.each([
    ['keeps a long piece that is half of its buffer', 8_192, true],
    ['copies a long piece of a larger buffer', 8_193, false],
  ])('%s', (_name, bufferLength, kept) => {
    const pieces = new Pieces()
    const buffer = piece(bufferLength, 1)
    pieces.add(buffer.subarray(7, 7 + 4_096))
    buffer.fill(2)
    expect(new Set(joined(pieces, 4_096))).toStrictEqual(new Set([kept ? 2 : 1]))
  })
})
