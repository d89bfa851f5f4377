import { describe, expect, it } from 'vitest'
import { BodyPieces } from './gossip-bodies.js'

const BODY = new Uint8Array(2 * 65_536 + 5).map((_, index) => index * 3)

describe('BodyPieces', () => {
  it('puts pieces of 65,536 bytes together, the last one shorter', () => {
    const pieces = new BodyPieces(BODY.length)
    expect(pieces.take(BODY.subarray(0, 65_536))).toBeUndefined()
    expect(pieces.take(BODY.subarray(65_536, 131_072))).toBeUndefined()
    expect(Buffer.compare(pieces.take(BODY.subarray(131_072)) ?? BODY.subarray(1), BODY)).toBe(0)
    expect(() => pieces.take(new Uint8Array(1))).toThrow()
    expect(new BodyPieces(65_536).take(BODY.subarray(0, 65_536))).toHaveLength(65_536)
  })

  it.each([
    ['nothing', null],
    ['a piece that is too short', BODY.subarray(0, 65_535)],
    ['a piece that is too long', BODY.subarray(0, 65_537)],
    ['no bytes', new Uint8Array(0)],
    ['a text', 'x'],
    ['a list', [1]],
  ])('takes %s for no piece', (_, piece) => {
    expect(() => new BodyPieces(BODY.length).take(piece)).toThrow()
  })
})
