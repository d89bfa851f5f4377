import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { capacityFor, LEAST_BYTES, obtain, recycle } from './buffer-pool.js'
import { encodeFrame } from './frame.js'
import { FrameWriter } from './frame-writer.js'
import { MAX_BULK_FRAME } from './limits.js'
import { MessageReader } from './message-reader.js'

describe('obtain and recycle', () => {
  test('a buffer that was given back is used for the next of its size, and no sooner', () => {
    const first = obtain(50_000)
    const second = obtain(50_000)
    expect(second.buffer).not.toBe(first.buffer)
    recycle(first.subarray(10, 20))
    expect(obtain(49_200).buffer).toBe(first.buffer)
    expect(obtain(50_000).buffer).not.toBe(first.buffer)
  })

  test('what is given back twice is used once', () => {
    const buffer = obtain(70_000)
    recycle(buffer)
    recycle(buffer)
    expect(obtain(70_000).buffer).not.toBe(obtain(70_000).buffer)
  })

  test('what did not come from there is not taken', () => {
    const strange = Buffer.allocUnsafeSlow(capacityFor(100_000))
    recycle(strange)
    recycle(new Uint8Array(0))
    expect(obtain(100_000).buffer).not.toBe(strange.buffer)
  })

  test('keeps no more than 8 MiB', () => {
    const buffers = Array.from({ length: 200 }, () => obtain(65_536))
    const were = new Set(buffers.map(({ buffer }) => buffer))
    for (const buffer of buffers) recycle(buffer)
    const again = Array.from({ length: 200 }, () => obtain(65_536)).filter(({ buffer }) => were.has(buffer))
    expect(again.length).toBeGreaterThan(0)
    expect(again.length).toBeLessThanOrEqual(128)
  })

  test('is at most a quarter longer than was asked for, and exact where it is not kept', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400_000 }), (length) => {
        const { length: got } = obtain(length)
        expect(got).toBe(capacityFor(length))
        expect(got).toBeGreaterThanOrEqual(length)
        if (length < LEAST_BYTES || length > 262_144) expect(got).toBe(length)
        else expect(got).toBeLessThanOrEqual(length * 1.25)
      }),
    )
  })
})

describe('frames in buffers that are used again', () => {
  const limits = { maxLength: MAX_BULK_FRAME }
  /** Reads one message that comes in pieces of 16 KiB, as from a TLS stream. */
  function read(reader: MessageReader, frame: Uint8Array): Uint8Array {
    for (let at = 0; at < frame.length; at += 16_384) {
      reader.push(frame.slice(at, at + 16_384))
      const message = reader.next()
      if (message !== undefined) return message.body as Uint8Array
    }
    throw new Error('no message')
  }

  test('a body that is kept stays what it was while others are given back', () => {
    const reader = new MessageReader(limits)
    const bodies = Array.from({ length: 20 }, (_, n) => new Uint8Array(65_536).fill(n))
    const keptBodies = new Map<number, Uint8Array>()
    const seen = new Set<ArrayBufferLike>()
    for (const [n, sent] of bodies.entries()) {
      const frame = encodeFrame({ header: 'a/b', id: n, version: 1, body: sent, peerId: null }, limits)
      const body = read(reader, frame)
      expect(Buffer.compare(body, sent)).toBe(0)
      seen.add(body.buffer)
      if (n % 5 === 0) keptBodies.set(n, body)
      else recycle(body)
    }
    for (const [n, body] of keptBodies) expect(body.every((byte) => byte === n)).toBe(true)
    expect(seen.size).toBeLessThanOrEqual(keptBodies.size + 2)
  })

  test('chunks that were given back carry the next frames, to the byte', () => {
    const writer = new FrameWriter(limits)
    const buffers = new Set<ArrayBufferLike>()
    for (let n = 0; n < 20; n++) {
      const body = new Uint8Array(n % 2 === 0 ? 65_536 : 9_000).fill(n)
      writer.write('a/b', n, body)
      const chunks = writer.take()
      const frame = encodeFrame({ header: 'a/b', id: n, version: 1, body, peerId: null }, limits)
      expect(Buffer.compare(Buffer.concat(chunks), frame)).toBe(0)
      for (const chunk of chunks) {
        buffers.add(chunk.buffer)
        recycle(chunk)
      }
    }
    expect(buffers.size).toBeLessThanOrEqual(4)
  })
})
