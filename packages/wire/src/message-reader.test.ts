import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyMessage, mutated } from '../test/_util/arbitrary.js'
import { encodeFrame, FrameDecoder } from './frame.js'
import { decodeMessage } from './message.js'
import type { Message } from './message-fields.js'
import { MessageReader } from './message-reader.js'

const frame = (body: Message['body']) => encodeFrame({ header: 'test', id: 1, version: 1, body, peerId: null })

/** What a reader gives, and the error that ends it. */
function read(reader: { next(): Message | undefined }): unknown[] {
  const all: unknown[] = []
  try {
    for (let message = reader.next(); message !== undefined; message = reader.next()) all.push(message)
  } catch (error) {
    all.push((error as { code?: string }).code)
  }
  return all
}

describe('MessageReader', () => {
  test('looks at nothing before it is asked', () => {
    const reader = new MessageReader()
    reader.push(Buffer.concat([frame(1), Buffer.from([0xff, 0xff, 0xff, 0xff])]))
    expect([reader.unread, reader.partial]).toEqual([true, false])
    expect(reader.next()?.body).toBe(1)
    expect(reader.unread).toBe(true)
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
    reader.push(frame(2))
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
  })

  test('takes another limit between two frames', () => {
    const reader = new MessageReader({ maxLength: 200 })
    reader.push(Buffer.concat([frame(1), frame('x'.repeat(300))]))
    expect(reader.next()?.body).toBe(1)
    reader.setMaxLength(400)
    expect(reader.next()?.body).toHaveLength(300)
    expect(() => reader.setMaxLength(0)).toThrow(expect.objectContaining({ code: 'BAD_LIMIT' }))
  })

  test('knows an end inside a frame, and forgets what it has', () => {
    const reader = new MessageReader()
    reader.push(frame('text').subarray(0, 7))
    expect([reader.next(), reader.partial, reader.unread]).toEqual([undefined, true, false])
    reader.clear()
    expect(reader.partial).toBe(false)
    reader.end()
    reader.push(frame('text').subarray(0, 7))
    reader.next()
    expect(() => reader.end()).toThrow(expect.objectContaining({ code: 'FRAME_TRUNCATED' }))
  })

  test('however a stream is cut and spoilt: as FrameDecoder and decodeMessage, one frame at a time', () => {
    const messages = fc.array(anyMessage, { minLength: 1, maxLength: 6 })
    const whole = messages.map((list) => new Uint8Array(Buffer.concat(list.map((message) => encodeFrame(message)))))
    const stream = fc.oneof(whole, mutated(whole))
    fc.assert(
      fc.property(stream, fc.array(fc.nat(), { maxLength: 20 }), fc.boolean(), (bytes, places, atOnce) => {
        const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((one, other) => one - other)
        const chunks = [...cuts, bytes.length].map((end, index) => bytes.slice(cuts[index - 1] ?? 0, end))
        const expected: unknown[] = []
        try {
          const decoder = new FrameDecoder()
          // A byte at a time, so that nothing that is whole is lost with what follows it.
          for (const byte of bytes) {
            for (const one of decoder.push(Uint8Array.of(byte))) expected.push(decodeMessage(one))
          }
        } catch (error) {
          expected.push((error as { code?: string }).code)
        }
        const reader = new MessageReader()
        const got: unknown[] = []
        for (const chunk of chunks) {
          reader.push(chunk)
          if (atOnce || typeof got.at(-1) === 'string') continue
          got.push(...read(reader))
        }
        if (atOnce) got.push(...read(reader))
        expect(got).toStrictEqual(expected)
      }),
    )
  })
})
