import { describe, expect, test } from 'vitest'
import { thrownBy } from '../test/_util/thrown.js'
import { InvalidPacketError, WireError } from './errors.js'
import { encodeFrame, FrameDecoder } from './frame.js'
import { MAX_BULK_FRAME, MAX_CONTROL_FRAME, MAX_FRAME } from './limits.js'
import { decodeMessage, encodeMessage } from './message.js'
import type { Message } from './message-fields.js'

const message = (body: Message['body']): Message => ({ header: 'a', id: 0, version: 1, body, peerId: null })
const declared = (length: number) => {
  const prefix = new Uint8Array(4)
  new DataView(prefix.buffer).setUint32(0, length)
  return prefix
}

describe('encodeFrame', () => {
  test('is the length and the envelope in one buffer', () => {
    const frame = encodeFrame(message([1, 2]))
    expect(frame.subarray(0, 4)).toStrictEqual(declared(frame.length - 4))
    expect(frame.subarray(4)).toStrictEqual(encodeMessage(message([1, 2])))
    expect(frame.buffer.byteLength).toBe(frame.length)
  })

  test('holds to the limit, counted without the prefix', () => {
    const overhead = encodeMessage(message(new Uint8Array(1_000))).length - 1_000
    const body = new Uint8Array(MAX_CONTROL_FRAME - overhead)
    expect(encodeFrame(message(body))).toHaveLength(MAX_CONTROL_FRAME + 4)
    const larger = message(new Uint8Array(body.length + 1))
    expect(thrownBy(() => encodeFrame(larger))).toMatchObject({ name: 'WireError', code: 'TOO_LARGE' })
    expect(encodeFrame(larger, { maxLength: MAX_BULK_FRAME })).toHaveLength(MAX_CONTROL_FRAME + 5)
  })

  test('takes other limits for the body', () => {
    const many = message(new Array(5_000).fill(0))
    expect(thrownBy(() => encodeFrame(many))).toMatchObject({ code: 'TOO_MANY_ELEMENTS' })
    const limits = { maxDepth: 1, maxElements: 5_000 }
    expect(decodeMessage(encodeFrame(many, { limits }).subarray(4), limits)).toStrictEqual(many)
    expect(thrownBy(() => encodeFrame(message([[]]), { limits }))).toMatchObject({ code: 'TOO_DEEP' })
    const bad = { limits: { maxDepth: 65, maxElements: 1 } }
    expect(thrownBy(() => encodeFrame(message(null), bad))).toMatchObject({ code: 'BAD_LIMIT' })
  })

  test.each([0, -1, 1.5, MAX_FRAME + 1, Number.NaN])('refuses the limit %d', (maxLength) => {
    expect(thrownBy(() => encodeFrame(message(null), { maxLength }))).toMatchObject({ code: 'BAD_LIMIT' })
    expect(thrownBy(() => new FrameDecoder({ maxLength }))).toMatchObject({ code: 'BAD_LIMIT' })
  })
})

describe('FrameDecoder', () => {
  test('gives a view of the chunk when the frame came in one piece', () => {
    const chunk = Buffer.concat([encodeFrame(message('one')), encodeFrame(message('two'))])
    const frames = new FrameDecoder().push(chunk)
    expect(frames.map((frame) => frame.buffer)).toStrictEqual([chunk.buffer, chunk.buffer])
    expect(frames.map((frame) => frame.constructor)).toStrictEqual([Uint8Array, Uint8Array])
    expect(frames.map((frame) => decodeMessage(frame).body)).toStrictEqual(['one', 'two'])
  })

  test('gives a buffer of its own when the frame came in pieces, and keeps none of the pieces', () => {
    const bytes = encodeFrame(message('in pieces'))
    const decoder = new FrameDecoder()
    const head = bytes.slice(0, 9)
    expect(decoder.push(head)).toStrictEqual([])
    head.fill(0)
    const [frame] = decoder.push(bytes.slice(9))
    expect(frame).toStrictEqual(bytes.slice(4))
    expect(frame?.buffer.byteLength).toBe(frame?.length)
  })

  test('does not touch frames it has given', () => {
    const bytes = encodeFrame(message('kept'))
    const decoder = new FrameDecoder()
    decoder.push(bytes.slice(0, 6))
    const [first] = decoder.push(bytes.slice(6))
    const copy = first?.slice()
    decoder.push(encodeFrame(message('next')).slice(0, 6))
    decoder.push(encodeFrame(message('next')).slice(6))
    expect(first).toStrictEqual(copy)
  })

  test('counts what it holds, prefix included', () => {
    const decoder = new FrameDecoder()
    const held = (chunk: number[]) => {
      decoder.push(Uint8Array.from(chunk))
      return decoder.buffered
    }
    expect(decoder.buffered).toBe(0)
    expect(held([0, 0])).toBe(2)
    expect(held([0, 3])).toBe(4)
    expect(held([9, 9])).toBe(6)
    expect(held([])).toBe(6)
    expect(held([9, 0])).toBe(1)
  })

  test('puts a long frame together that comes in long pieces', () => {
    const body = new Uint8Array(MAX_BULK_FRAME - 100).map((_, index) => index % 251)
    const bytes = encodeFrame(message(body), { maxLength: MAX_BULK_FRAME })
    for (const size of [1_000, 4_096, 16_384, 700_000]) {
      const decoder = new FrameDecoder({ maxLength: MAX_BULK_FRAME })
      const found: Uint8Array[] = []
      // Each in memory of its own, as a socket gives it.
      for (let start = 0; start < bytes.length; start += size)
        found.push(...decoder.push(bytes.slice(start, start + size)))
      decoder.end()
      expect(found).toHaveLength(1)
      expect(found[0]?.buffer.byteLength).toBe(bytes.length - 4)
      expect(Buffer.compare(found[0] as Uint8Array, bytes.subarray(4))).toBe(0)
    }
  })

  test('never allocates by a length it was only told', () => {
    const before = process.memoryUsage().arrayBuffers
    const decoders = Array.from({ length: 100 }, () => new FrameDecoder({ maxLength: MAX_FRAME }))
    for (const decoder of decoders) {
      decoder.push(declared(MAX_FRAME))
      decoder.push(new Uint8Array(10))
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000)
    expect(decoders.every((decoder) => decoder.buffered === 14)).toBe(true)
  })

  test('reads a bulk frame byte by byte', () => {
    const body = new Uint8Array(MAX_BULK_FRAME - 100).map((_, index) => index % 251)
    const bytes = encodeFrame(message(body), { maxLength: MAX_BULK_FRAME })
    const decoder = new FrameDecoder({ maxLength: MAX_BULK_FRAME })
    let found: Uint8Array[] = []
    for (let index = 0; index < bytes.length; index++) found = decoder.push(bytes.subarray(index, index + 1))
    expect(Buffer.compare(decodeMessage(found[0] as Uint8Array).body as Uint8Array, body)).toBe(0)
  })

  test('stays failed after an error, and holds nothing any more', () => {
    const decoder = new FrameDecoder({ maxLength: 10 })
    const error = thrownBy(() => decoder.push(declared(11)))
    expect(error).toMatchObject({ name: 'InvalidPacketError', code: 'FRAME_TOO_LARGE' })
    expect(thrownBy(() => decoder.push(encodeFrame(message(null))))).toBe(error)
    expect(thrownBy(() => decoder.end())).toBe(error)
    expect(decoder.buffered).toBe(0)
  })

  test('refuses a zero length as soon as it is there', () => {
    const decoder = new FrameDecoder()
    decoder.push(Uint8Array.from([0, 0, 0]))
    expect(thrownBy(() => decoder.push(Uint8Array.from([0])))).toMatchObject({ code: 'EMPTY_FRAME' })
  })

  test('end() between frames may be repeated; push() after it is our own misuse', () => {
    const decoder = new FrameDecoder()
    decoder.push(encodeFrame(message(null)))
    decoder.end()
    decoder.end()
    const error = thrownBy(() => decoder.push(new Uint8Array(1)))
    expect(error).toBeInstanceOf(WireError)
    expect(error).not.toBeInstanceOf(InvalidPacketError)
    expect(error).toMatchObject({ code: 'DECODER_CLOSED' })
  })

  test('end() inside a frame is an error that stays', () => {
    const decoder = new FrameDecoder()
    decoder.push(Uint8Array.from([0, 0, 0, 2, 1]))
    const error = thrownBy(() => decoder.end())
    expect(error).toMatchObject({ name: 'InvalidPacketError', code: 'FRAME_TRUNCATED' })
    expect(thrownBy(() => decoder.end())).toBe(error)
  })
})
