import { describe, expect, test } from 'vitest'
import { thrownBy } from '../test/_util/thrown.js'
import { encodeFrame, FrameDecoder } from './frame.js'
import { FrameWriter } from './frame-writer.js'
import { MAX_BULK_FRAME, MAX_CONTROL_FRAME, MAX_FRAME } from './limits.js'
import { decodeMessage } from './message.js'
import type { Value } from './value.js'

const frameOf = (id: number, body: Value, maxLength = MAX_CONTROL_FRAME) =>
  encodeFrame({ header: 'a/b', id, version: 1, body, peerId: null }, { maxLength })
const lengthsOf = (chunks: Uint8Array[]) => chunks.map((chunk) => chunk.length)
/** What reading it to the end keeps alive until then. */
const aliveIn = (chunks: Uint8Array[]) => chunks.reduce((sum, chunk) => sum + chunk.buffer.byteLength, 0)
const bytesOfLength = (length: number) => new Uint8Array(length - frameOf(1, new Uint8Array(1_000)).length + 1_000)

describe('FrameWriter', () => {
  test('writes what encodeFrame gives, frame behind frame, and tells how long', () => {
    const writer = new FrameWriter()
    const bodies: Value[] = [null, true, -0, 'é', new Uint8Array(100), { a: [1] }, 'x'.repeat(300)]
    const frames = bodies.map((body, id) => frameOf(id, body))
    const lengths = bodies.map((body, id) => writer.write('a/b', id, body))
    expect(lengths).toStrictEqual(lengthsOf(frames))
    expect(writer.bytes).toBe(lengths.reduce((sum, length) => sum + length))
    const chunks = writer.take()
    expect(chunks).toHaveLength(1)
    expect(Buffer.concat(chunks)).toStrictEqual(Buffer.concat(frames))
  })

  test('writes ids and peer ids that are bytes', () => {
    const message = { header: 'a', id: Uint8Array.of(1, 2), version: 1, body: 7, peerId: new Uint8Array(32).fill(3) }
    const writer = new FrameWriter()
    writer.write(message.header, message.id, message.body, message.peerId)
    expect(Buffer.concat(writer.take())).toStrictEqual(Buffer.from(encodeFrame(message)))
  })

  test('forgets what was taken', () => {
    const writer = new FrameWriter()
    writer.write('a/b', 1, 'first')
    const first = writer.take()
    expect([writer.bytes, writer.take()]).toStrictEqual([0, []])
    writer.write('a/b', 2, 'second')
    expect(Buffer.concat(first)).toStrictEqual(Buffer.from(frameOf(1, 'first')))
    expect(Buffer.concat(writer.take())).toStrictEqual(Buffer.from(frameOf(2, 'second')))
  })

  test('takes the body as it is when written', () => {
    const writer = new FrameWriter()
    const body = Uint8Array.of(1, 2)
    writer.write('a/b', 1, body)
    body.fill(9)
    expect(Buffer.concat(writer.take())).toStrictEqual(Buffer.from(frameOf(1, Uint8Array.of(1, 2))))
  })

  test.each<[string, unknown[], object, string]>([
    ['a header that is none', ['', 1, null], {}, 'BAD_HEADER'],
    ['half a character in the header', ['\ud800', 1, null], {}, 'UNENCODABLE'],
    ['an id that is none', ['a', -1, null], {}, 'BAD_ID'],
    ['a peer id that is none', ['a', 1, null, new Uint8Array(31)], {}, 'BAD_PEER_ID'],
    ['no body', ['a', 1, undefined], {}, 'UNENCODABLE'],
    ['half a character in the body', ['a', 1, 'b\udc00'], {}, 'UNENCODABLE'],
    ['2^53', ['a', 1, 2 ** 53], {}, 'UNENCODABLE'],
    ['something deep inside', ['a', 1, [[{ a: undefined, b: new Date(0) }]]], {}, 'UNENCODABLE'],
    ['a body over the limit', ['a', 1, new Uint8Array(20)], { maxLength: 20 }, 'TOO_LARGE'],
    ['a text over the limit', ['a', 1, 'x'.repeat(20)], { maxLength: 20 }, 'TOO_LARGE'],
    ['a header over the limit, before the body', ['abcdefgh', 1, undefined], { maxLength: 7 }, 'TOO_LARGE'],
    ['too many items', ['a', 1, [1, 2]], { limits: { maxDepth: 1, maxElements: 1 } }, 'TOO_MANY_ELEMENTS'],
  ])('refuses %s like encodeFrame, and writes nothing', (_name, fields, options, code) => {
    const [header, id, body, peerId] = fields as [string, number, Value, Uint8Array | undefined]
    const writer = new FrameWriter(options)
    writer.write('z', 0, 0)
    const error = thrownBy(() => writer.write(header, id, body, peerId)) as Error
    const message = { header, id, version: 1, body, peerId: peerId ?? null }
    const other = thrownBy(() => encodeFrame(message, options)) as Error
    expect(error).toMatchObject({ name: 'WireError', code, message: other.message })
    writer.write('z', 1, 1)
    const frames = [0, 1].map((n) => encodeFrame({ header: 'z', id: n, version: 1, body: n, peerId: null }))
    expect(Buffer.concat(writer.take())).toStrictEqual(Buffer.concat(frames))
  })

  test('puts a message that a getter writes before the one it is in', () => {
    const writer = new FrameWriter()
    const body = {
      get inner() {
        return writer.write('a/b', 1, { deep: ['inside'] })
      },
    }
    writer.write('a/b', 2, body)
    const inner = frameOf(1, { deep: ['inside'] })
    expect(Buffer.concat(writer.take())).toStrictEqual(Buffer.concat([inner, frameOf(2, { inner: inner.length })]))
  })

  test.each([0, MAX_FRAME + 1])('refuses the limit %d', (maxLength) => {
    expect(thrownBy(() => new FrameWriter({ maxLength }))).toMatchObject({ code: 'BAD_LIMIT' })
  })
})

describe('the chunks of a FrameWriter', () => {
  test('hold whole frames, 64 KiB of them at most', () => {
    const writer = new FrameWriter()
    const lengths = Array.from({ length: 3_000 }, (_, id) => writer.write('a/b', id, new Uint8Array(id % 200)))
    const chunks = writer.take()
    expect(Math.max(...lengthsOf(chunks))).toBeLessThanOrEqual(65_536)
    expect(Math.min(...lengthsOf(chunks.slice(0, -1)))).toBeGreaterThan(65_536 - Math.max(...lengths))
    let read = 0
    for (const chunk of chunks) {
      const decoder = new FrameDecoder()
      for (const frame of decoder.push(chunk)) expect(decodeMessage(frame).id).toBe(read++)
      decoder.end()
    }
    expect(read).toBe(lengths.length)
  })

  test('are filled to the last byte, and not further', () => {
    const writer = new FrameWriter()
    writer.write('a/b', 1, bytesOfLength(32_768))
    writer.write('a/b', 1, bytesOfLength(32_768))
    expect(lengthsOf(writer.take())).toStrictEqual([65_536])
    writer.write('a/b', 1, bytesOfLength(32_768))
    writer.write('a/b', 1, bytesOfLength(32_769))
    expect(lengthsOf(writer.take())).toStrictEqual([32_768, 32_769])
  })

  test('are as long as the frame when one is longer, in order with the others', () => {
    const writer = new FrameWriter({ maxLength: MAX_BULK_FRAME })
    const long = new Uint8Array(300_000).fill(5)
    writer.write('a/b', 1, 'before')
    const length = writer.write('a/b', 2, long)
    writer.write('a/b', 3, 'behind')
    const chunks = writer.take()
    expect(chunks.map((chunk) => chunk.length === length)).toStrictEqual([false, true, false])
    expect(chunks[1]?.buffer.byteLength).toBe(length)
    const frames = [frameOf(1, 'before'), frameOf(2, long, MAX_BULK_FRAME), frameOf(3, 'behind')]
    expect(Buffer.compare(Buffer.concat(chunks), Buffer.concat(frames))).toBe(0)
  })

  test('of a single small message take no more than Node’s pool', () => {
    const writer = new FrameWriter()
    for (let id = 0; id < 10; id++) {
      writer.write('a/b', id, new Uint8Array(100))
      expect(aliveIn(writer.take())).toBeLessThanOrEqual(Buffer.poolSize)
    }
  })

  test('are few as soon as a writer is busy, and keep little alive when it is no longer', () => {
    const writer = new FrameWriter()
    const write = (count: number) => {
      for (let id = 0; id < count; id++) writer.write('a/b', id, new Uint8Array(1_000))
      return writer.take()
    }
    expect(write(500).length).toBe(Math.ceil((500 * frameOf(1, new Uint8Array(1_000)).length) / 65_536))
    const after = write(10)
    expect(after).toHaveLength(1)
    expect(aliveIn(after)).toBeLessThanOrEqual(2 * 10_200)
    expect(aliveIn(write(1))).toBeLessThanOrEqual(Buffer.poolSize)
  })
})
