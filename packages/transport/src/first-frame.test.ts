import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FirstFrame } from './first-frame.js'

/** A frame: its length in 4 bytes, big-endian, then the body. */
function framed(body: readonly number[]): number[] {
  return [body.length >>> 24, (body.length >>> 16) & 255, (body.length >>> 8) & 255, body.length & 255, ...body]
}

/** What each chunk gave: the bytes passed on, and those behind the frame once it is whole. */
function cut(...chunks: readonly (readonly number[])[]): { fed: number[]; rest: number[] | undefined }[] {
  const first = new FirstFrame()
  return chunks.map((chunk) => {
    const fed: number[] = []
    const rest = first.take(Uint8Array.from(chunk), (piece) => fed.push(...piece))
    return { fed, rest: rest && [...rest] }
  })
}

const WHOLE = framed([7, 8, 9])

test.each([
  ['the frame alone', [WHOLE], [{ fed: WHOLE, rest: [] }]],
  ['more behind it', [[...WHOLE, 1, 2]], [{ fed: WHOLE, rest: [1, 2] }]],
  ['an empty frame', [[...framed([]), 5]], [{ fed: [0, 0, 0, 0], rest: [5] }]],
  [
    'a prefix in two chunks',
    [WHOLE.slice(0, 2), [...WHOLE.slice(2), 1]],
    [
      { fed: [0, 0], rest: undefined },
      { fed: [0, 3, 7, 8, 9], rest: [1] },
    ],
  ],
  [
    'a chunk that ends with the prefix',
    [WHOLE.slice(0, 4), WHOLE.slice(4)],
    [
      { fed: [0, 0, 0, 3], rest: undefined },
      { fed: [7, 8, 9], rest: [] },
    ],
  ],
  [
    'a body in two chunks',
    [WHOLE.slice(0, 6), [9, 1]],
    [
      { fed: [0, 0, 0, 3, 7, 8], rest: undefined },
      { fed: [9], rest: [1] },
    ],
  ],
])('%s', (_name, chunks, expected) => {
  expect(cut(...chunks)).toEqual(expected)
})

test('the length is four bytes, the highest first', () => {
  const body = Array.from({ length: 0x10203 }, () => 1)
  const [outcome] = cut([...framed(body), 42])
  expect(outcome?.rest).toEqual([42])
  const [short] = cut([0, 1, 2, 3, ...body.slice(1), 42].slice(0, -1))
  expect(short?.rest).toBeUndefined()
})

test('however the stream is cut, the frame is passed on whole and nothing behind it', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 300 }), fc.array(fc.nat(20), { maxLength: 40 }), (body, cuts) => {
      const first = new FirstFrame()
      const frame = framed(body)
      const fed: number[] = []
      const stream = Uint8Array.from([...frame, 9, 9])
      let position = 0
      let rest: Uint8Array | undefined
      for (const length of [...cuts, stream.length]) {
        if (rest !== undefined) break
        rest = first.take(stream.subarray(position, position + length), (piece) => fed.push(...piece))
        position += length
      }
      expect(fed).toEqual(frame)
      expect(position - (rest?.length ?? 0)).toSatisfy((end: number) => end >= frame.length)
    }),
  )
})

test('what the reader of the frame throws, for too long a frame, comes through', () => {
  const tooLong = new Error('too long')
  expect(() =>
    new FirstFrame().take(Uint8Array.from(WHOLE), () => {
      throw tooLong
    }),
  ).toThrow(tooLong)
})
