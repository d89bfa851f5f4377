import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { capacityFor, LEAST_BYTES, lend, obtain, recycle, release } from './buffer-pool.js'
import { encodeFrame } from './frame.js'
import { FrameWriter } from './frame-writer.js'
import { MAX_BULK_FRAME } from './limits.js'
import { MessageReader } from './message-reader.js'
import type { Value } from './value.js'

describe('obtain and recycle', () => {
  /** One that may be given back. */
  function borrow(length: number): Uint8Array {
    const view = obtain(length).subarray(0, length)
    lend(view)
    return view
  }

  test('a buffer that was given back is used for the next of its size, and no sooner', () => {
    const first = borrow(50_000)
    const second = borrow(50_000)
    expect(second.buffer).not.toBe(first.buffer)
    recycle(first)
    expect(obtain(49_200).buffer).toBe(first.buffer)
    expect(obtain(50_000).buffer).not.toBe(first.buffer)
  })

  test('who gives back twice takes it from nobody who has it by then', () => {
    const view = borrow(70_000)
    recycle(view)
    recycle(view)
    const next = borrow(70_000)
    expect(next.buffer).toBe(view.buffer)
    recycle(view)
    expect(obtain(70_000).buffer).not.toBe(next.buffer)
  })

  test('another view, and what did not come from there, is not taken', () => {
    const view = borrow(100_000)
    recycle(view.subarray())
    recycle(new Uint8Array(view.buffer))
    recycle(Buffer.allocUnsafeSlow(capacityFor(100_000)))
    recycle(new Uint8Array(0))
    expect(obtain(100_000).buffer).not.toBe(view.buffer)
  })

  test('memory that went to another thread is neither kept nor handed out', () => {
    const gone = borrow(90_000)
    structuredClone(gone.buffer, { transfer: [gone.buffer as ArrayBuffer] })
    recycle(gone)
    const later = borrow(90_000)
    recycle(later)
    structuredClone(later.buffer, { transfer: [later.buffer as ArrayBuffer] })
    expect(obtain(90_000).length).toBe(capacityFor(90_000))
  })

  test('keeps no more than 8 MiB', () => {
    const buffers = Array.from({ length: 200 }, () => obtain(65_536))
    const were = new Set(buffers.map(({ buffer }) => buffer))
    for (const buffer of buffers) release(buffer)
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
  const read = (reader: MessageReader, frame: Uint8Array): Uint8Array => readAny(reader, frame) as Uint8Array

  /** Reads one message that comes in pieces of 16 KiB, as from a TLS stream. */
  function readAny(reader: MessageReader, frame: Uint8Array): Value {
    for (let at = 0; at < frame.length; at += 16_384) {
      reader.push(frame.slice(at, at + 16_384))
      const message = reader.next()
      if (message !== undefined) return message.body
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

  test('a part of a body, or one beside others in a chunk, is not taken back', () => {
    const reader = new MessageReader(limits)
    const parts = { a: new Uint8Array(40_000).fill(1), b: new Uint8Array(40_000).fill(2) }
    const frame = encodeFrame({ header: 'a/b', id: 1, version: 1, body: parts, peerId: null }, limits)
    const [a, b] = Object.values(readAny(reader, frame) as unknown as typeof parts) as [Uint8Array, Uint8Array]
    recycle(a)
    obtain(80_000).fill(9)
    expect(b.every((byte) => byte === 2)).toBe(true)

    const writer = new FrameWriter(limits)
    for (const n of [1, 2]) writer.write('a/b', n, new Uint8Array(20_000).fill(n))
    const [chunk] = writer.take() as [Uint8Array]
    reader.push(chunk)
    recycle(reader.next()?.body as Uint8Array)
    obtain(40_100).fill(9)
    const second = reader.next()?.body as Uint8Array
    expect(second.every((byte) => byte === 2)).toBe(true)
  })

  test('a frame of more than 64 KiB has a chunk of its own, however much room is left in it', () => {
    const writer = new FrameWriter(limits)
    writer.write('a/b', 1, new Uint8Array(70_000))
    writer.write('a/b', 2, new Uint8Array(10))
    expect(writer.take().map(({ length }) => length > 65_536)).toEqual([true, false])
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
