import { setImmediate as turn } from 'node:timers/promises'
import { createTestLogger, VirtualClock } from '@pc/testkit'
import { encodeFrame, encodeMessage, MAX_BULK_FRAME, MAX_CONTROL_FRAME, type Message, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { streamPair } from '../test/_util/stream-pair.js'
import { Connection, type ConnectionOptions } from './connection.js'
import { SEND_QUEUE_LIMIT } from './send-queue.js'

function pair(options: ConnectionOptions = {}) {
  const clock = new VirtualClock()
  const streams = streamPair()
  const [a, b] = [new Connection(streams[0], { clock, ...options }), new Connection(streams[1], { clock, ...options })]
  return { a, b, clock, streams }
}

function collect(connection: Connection): Message[] {
  const messages: Message[] = []
  connection.onMessage((message) => messages.push(message))
  return messages
}

const frame = (id: number, body: Value = null) => ({ header: 'test', id, body })
const ids = (messages: Message[]) => messages.map(({ id }) => id)

/** Lets streams and promises settle. */
async function settle(turns = 20): Promise<void> {
  for (let count = 0; count < turns; count += 1) await turn()
}

function rawFrame(message: Partial<Message>): Uint8Array {
  const body = encodeMessage({ header: 'test', id: 1, version: 1, body: null, peerId: null, ...message })
  const bytes = Buffer.alloc(4 + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.set(body, 4)
  return bytes
}

describe('frames', () => {
  test('arrive whole and in order, both ways', async () => {
    const { a, b } = pair()
    const [atA, atB] = [collect(a), collect(b)]
    for (let id = 1; id <= 50; id += 1) await a.send(frame(id, { n: id }))
    await b.send(frame(7, 'back'))
    await settle()
    expect(ids(atB)).toEqual(Array.from({ length: 50 }, (_, index) => index + 1))
    expect(atB[49]?.body).toEqual({ n: 50 })
    expect(atA).toMatchObject([{ header: 'test', id: 7, version: 1, body: 'back', peerId: null }])
    expect(a.sender.bytes).toBe(b.receiver.bytes)
    expect(a.sender.bytes).toBeGreaterThan(50 * 10)
  })

  test('of one tick go out in one write, also when each send is awaited', async () => {
    const { a, b, streams } = pair()
    collect(b)
    let writes = 0
    const write = streams[0].duplex.write.bind(streams[0].duplex)
    streams[0].duplex.write = ((chunk: Uint8Array) => {
      writes += 1
      return write(chunk)
    }) as typeof write
    for (let id = 0; id < 100; id += 1) await a.send(frame(id))
    await settle()
    expect(writes).toBe(1)
    expect(b.receiver.bytes).toBe(a.sender.bytes)
  })

  test('larger than one write are joined in groups and none is lost', async () => {
    const { a, b } = pair()
    const received = collect(b)
    const sends: Promise<void>[] = []
    for (let id = 0; id < 60; id += 1) sends.push(a.send(frame(id, new Uint8Array(10_000).fill(id))))
    await Promise.all(sends)
    await settle()
    expect(ids(received)).toEqual(Array.from({ length: 60 }, (_, index) => index))
    expect(received.every(({ id, body }) => (body as Uint8Array).every((byte) => byte === id))).toBe(true)
  })

  test('that came before anybody listened are held, and the other side has to wait', async () => {
    const { a, b } = pair()
    for (let id = 0; id < 3; id += 1) await a.send(frame(id))
    await settle()
    const received = collect(b)
    await settle()
    expect(ids(received)).toEqual([0, 1, 2])
  })

  test('go on to the next owner, exactly from the frame where the owner changed', async () => {
    const { a, b } = pair()
    const second: Message[] = []
    const first: Message[] = []
    b.onMessage((message) => {
      first.push(message)
      if (message.id === 1) b.onMessage((next) => second.push(next))
    })
    for (let id = 0; id < 4; id += 1) await a.send(frame(id))
    await settle()
    expect([ids(first), ids(second)]).toEqual([
      [0, 1],
      [2, 3],
    ])
  })

  test('survive a listener that throws, and it is logged', async () => {
    const logger = createTestLogger()
    const { a, b } = pair({ logger })
    const received: number[] = []
    b.onMessage((message) => {
      received.push(message.id as number)
      if (message.id === 0) throw new Error('handler broke')
    })
    await a.send(frame(0))
    await a.send(frame(1))
    await settle()
    expect(received).toEqual([0, 1])
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
  })
})

describe('valves', () => {
  test('a paused receiver stops in the middle of a batch; resume goes on with the next frame', async () => {
    const { a, b } = pair()
    const received: number[] = []
    b.onMessage((message) => {
      received.push(message.id as number)
      if (message.id === 1) b.receiver.pause()
    })
    for (let id = 0; id < 5; id += 1) await a.send(frame(id))
    await settle()
    expect(received).toEqual([0, 1])
    b.receiver.resume()
    await settle()
    expect(received).toEqual([0, 1, 2, 3, 4])
  })

  test('a paused receiver makes the sender wait, then rejects; what it holds stays bounded', async () => {
    const { a, b } = pair()
    collect(b)
    b.receiver.pause()
    const results: string[] = []
    const body = new Uint8Array(10_000)
    for (let id = 0; id < 300; id += 1) {
      a.send(frame(id, body)).then(
        () => results.push('sent'),
        (error) => results.push(error.code),
      )
      await turn()
    }
    await settle()
    expect(results.filter((result) => result === 'SEND_QUEUE_FULL').length).toBeGreaterThan(100)
    expect(a.queuedBytes).toBeLessThanOrEqual(SEND_QUEUE_LIMIT)
    expect(a.queuedBytes).toBeGreaterThan(SEND_QUEUE_LIMIT - 20_000)
    const waiting = 300 - results.length
    b.receiver.resume()
    await settle(200)
    expect(results.filter((result) => result === 'sent').length).toBeGreaterThanOrEqual(waiting)
    expect(a.queuedBytes).toBe(0)
  })

  test('a paused sender keeps its frames until resume', async () => {
    const { a, b } = pair()
    const received = collect(b)
    a.sender.pause()
    await a.send(frame(1))
    await settle()
    expect(received).toEqual([])
    a.sender.resume()
    await settle()
    expect(ids(received)).toEqual([1])
  })
})

describe('limits', () => {
  test('a frame that is too large rejects and harms nothing', async () => {
    const { a, b } = pair()
    const received = collect(b)
    await expect(a.send(frame(1, new Uint8Array(MAX_CONTROL_FRAME)))).rejects.toMatchObject({ code: 'TOO_LARGE' })
    await a.send(frame(2))
    await settle()
    expect(ids(received)).toEqual([2])
  })

  test('what cannot be encoded rejects and harms nothing', async () => {
    const { a } = pair()
    await expect(a.send(frame(1, 2 ** 60))).rejects.toMatchObject({ name: 'WireError' })
    expect(a.open).toBe(true)
  })

  test('an empty queue takes a bulk frame of the full size', async () => {
    const { a, b } = pair({ maxFrame: MAX_BULK_FRAME })
    const received = collect(b)
    await a.send(frame(1, new Uint8Array(MAX_BULK_FRAME - 64)))
    await settle(100)
    expect(ids(received)).toEqual([1])
  })
})

describe('first frame only', () => {
  test('holds back what follows until the kind is known, then reads with its limit', async () => {
    const { a, b } = pair({ firstFrameOnly: true })
    a.proceed('bulk')
    const received = collect(b)
    for (const id of [1, 2, 3]) void a.send(frame(id, new Uint8Array(id === 3 ? 100_000 : 10)))
    await settle()
    expect(ids(received)).toEqual([1])
    b.proceed('bulk')
    await settle(100)
    expect(ids(received)).toEqual([1, 2, 3])
  })

  test('refuses a first frame longer than a control frame before it has come', async () => {
    const { b, streams } = pair({ firstFrameOnly: true })
    collect(b)
    streams[0].duplex.write(Buffer.from([0, 1, 0, 1]))
    expect(await b.closed).toMatchObject({ code: 'PROTOCOL_ERROR', polite: false, error: { code: 'FRAME_TOO_LARGE' } })
  })

  test('finds the border wherever the stream is cut', async () => {
    const bytes = Buffer.concat([rawFrame({ id: 1 }), rawFrame({ id: 2, body: 'x' }), rawFrame({ id: 3 })])
    for (let cut = 1; cut < bytes.length; cut += 1) {
      const { b, streams } = pair({ firstFrameOnly: true })
      const received = collect(b)
      streams[0].duplex.write(bytes.subarray(0, cut))
      await settle(2)
      streams[0].duplex.write(bytes.subarray(cut))
      await settle(2)
      expect(ids(received).length).toBe(1)
      b.proceed('control')
      await settle(2)
      expect(ids(received)).toEqual([1, 2, 3])
    }
  })
})

describe('what no correct peer sends', () => {
  const cases: [name: string, bytes: Uint8Array, code: string][] = [
    ['a peer id in the envelope', rawFrame({ peerId: new Uint8Array(32).fill(9) }), 'PROTOCOL_ERROR'],
    ['an id of bytes', rawFrame({ id: new Uint8Array([1, 2]) }), 'PROTOCOL_ERROR'],
    ['a frame too large', Buffer.from([255, 255, 255, 255]), 'FRAME_TOO_LARGE'],
    ['an empty frame', Buffer.from([0, 0, 0, 0]), 'EMPTY_FRAME'],
  ]
  for (const [name, bytes, code] of cases) {
    test(`${name} destroys the connection, with the error in the reason`, async () => {
      const { b, streams } = pair()
      const received = collect(b)
      streams[0].duplex.write(bytes)
      expect(await b.closed).toMatchObject({ code: 'PROTOCOL_ERROR', polite: false, error: { code } })
      expect(received).toEqual([])
    })
  }

  test('any bytes: an end with PROTOCOL_ERROR, or nothing, never anything else', async () => {
    const good = encodeFrame({ header: 'test', id: 1, version: 1, body: { a: [1, 'b', null] }, peerId: null })
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: good.length - 1 }),
        fc.integer({ min: 0, max: 255 }),
        async (at, value) => {
          const { b, streams } = pair()
          collect(b)
          const bytes = Uint8Array.from(good)
          bytes[at] = value
          streams[0].duplex.end(bytes)
          const reason = await b.closed
          expect(['PROTOCOL_ERROR', 'ENDED', 'FAILED']).toContain(reason.code)
          if (reason.error !== undefined)
            expect(reason.error.name).toMatch(/InvalidPacketError|WireError|TransportError/)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('the end', () => {
  test('close flushes what is queued, and both sides know that it was polite', async () => {
    const { a, b } = pair()
    const received = collect(b)
    for (let id = 0; id < 20; id += 1) void a.send(frame(id, new Uint8Array(5_000)))
    const closing = a.close('IDLE')
    expect(a.open).toBe(false)
    await expect(a.send(frame(99))).rejects.toMatchObject({ code: 'CONNECTION_CLOSED', retryable: true })
    await closing
    await a.close()
    expect(received).toHaveLength(20)
    expect(await a.closed).toEqual({ code: 'IDLE', polite: true })
    expect(await b.closed).toEqual({ code: 'ENDED', polite: true })
  })

  test('close destroys at its deadline when the other side does not read', async () => {
    const { a, b, clock } = pair()
    b.receiver.pause()
    const sends = Promise.allSettled(Array.from({ length: 50 }, (_, id) => a.send(frame(id, new Uint8Array(20_000)))))
    await settle()
    const closing = a.close('IDLE')
    await clock.advance(1_999)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    await closing
    expect(await a.closed).toEqual({ code: 'IDLE', polite: false })
    expect((await sends).some(({ status }) => status === 'rejected')).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('close with more time destroys after that time, and not before', async () => {
    const { a, clock } = pair()
    for (let id = 1; id <= 10; id += 1) void a.send(frame(id, 'x'.repeat(60_000))).catch(() => {})
    let gone = false
    void a.close('DUPLICATE', { withinMs: 10_000 }).then(() => {
      gone = true
    })
    await clock.advance(9_999)
    await settle()
    expect(gone).toBe(false)
    await clock.advance(1)
    await settle()
    expect(await a.closed).toEqual({ code: 'DUPLICATE', polite: false })
  })

  test('one that ends its side and does not read is destroyed at the deadline, and holds up no close', async () => {
    const { a, b, clock, streams } = pair()
    collect(a)
    const sends = Promise.allSettled(Array.from({ length: 50 }, (_, id) => a.send(frame(id, new Uint8Array(20_000)))))
    await settle()
    streams[1].duplex.pause()
    streams[1].duplex.push = () => false
    ;(streams[0].duplex as unknown as { push(chunk: null): void }).push(null)
    await settle()
    expect(a.open).toBe(false)
    const closing = a.close()
    await clock.advance(2_000)
    await closing
    expect(await a.closed).toEqual({ code: 'ENDED', polite: false })
    expect((await sends).some(({ status }) => status === 'rejected')).toBe(true)
    b.destroy()
    await settle()
    expect(clock.pending).toBe(0)
  })

  test('destroy drops everything at once, rejects waiting sends, and delivers nothing more', async () => {
    const { a, b } = pair()
    const received = collect(b)
    b.receiver.pause()
    const waiting = Promise.allSettled(Array.from({ length: 40 }, (_, id) => a.send(frame(id, new Uint8Array(20_000)))))
    await settle()
    const cause = new Error('why')
    a.destroy('BUSY', cause)
    a.destroy()
    const codes = (await waiting).map((result) => (result.status === 'rejected' ? result.reason.code : 'sent'))
    expect(codes).toContain('CONNECTION_CLOSED')
    expect(await a.closed).toEqual({ code: 'BUSY', polite: false, error: cause })
    expect(received).toEqual([])
    b.destroy()
    expect((await b.closed).polite).toBe(false)
  })

  test('sendLast is the last frame, whatever the queue', async () => {
    const { a, b } = pair()
    const received = collect(b)
    void a.send(frame(1))
    a.sendLast(frame(2))
    a.sendLast(frame(3))
    await expect(a.send(frame(4))).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    await settle()
    expect(ids(received)).toEqual([1, 2])
    expect(ids(collect(a))).toEqual([])
    void b.send(frame(5))
    const back = collect(a)
    await settle()
    expect(ids(back)).toEqual([5])
  })

  test('frames held when the other side ended are delivered before closed resolves', async () => {
    const { a, b } = pair()
    const received: number[] = []
    b.onMessage((message) => {
      received.push(message.id as number)
      b.receiver.pause()
    })
    for (let id = 0; id < 3; id += 1) void a.send(frame(id))
    await a.close().catch(() => {})
    let closed = false
    void b.closed.then(() => {
      closed = true
    })
    await settle()
    expect(closed).toBe(false)
    for (let count = 0; count < 3; count += 1) b.receiver.resume()
    await settle()
    expect(received).toEqual([0, 1, 2])
    expect(closed).toBe(true)
  })

  test('what came behind the first frame of a stream that has ended is delivered too', async () => {
    const { b, streams } = pair({ firstFrameOnly: true })
    const received = collect(b)
    let closed = false
    void b.closed.then(() => {
      closed = true
    })
    streams[0].duplex.write(Buffer.concat([rawFrame({ id: 1 }), rawFrame({ id: 2 })]))
    await settle()
    streams[1].duplex.destroy()
    await settle()
    b.onMessage((message) => received.push(message))
    await settle()
    expect([ids(received), closed]).toEqual([[1], false])
    b.proceed('control')
    await settle()
    expect([ids(received), closed]).toEqual([[1, 2], true])
  })

  test('who closes before proceed keeps nothing of what still comes', async () => {
    const { b, streams } = pair({ firstFrameOnly: true })
    const received = collect(b)
    streams[0].duplex.write(Buffer.concat([rawFrame({ id: 1 }), rawFrame({ id: 2 })]))
    await settle()
    const closing = b.close()
    for (let count = 0; count < 50; count += 1) streams[0].duplex.write(Buffer.alloc(20_000))
    streams[0].duplex.end()
    await closing
    b.proceed('control')
    await settle()
    expect([ids(received), (await b.closed).polite]).toEqual([[1], true])
  })

  test('what nobody takes is dropped 2 s after the stream has gone', async () => {
    const { a, b, clock, streams } = pair()
    b.onMessage(() => b.receiver.pause())
    for (let id = 0; id < 3; id += 1) void a.send(frame(id))
    await settle()
    streams[1].duplex.destroy()
    await clock.advance(1_999)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(await b.closed).toMatchObject({ code: 'FAILED', polite: false })
  })

  test('a stream that ends inside a frame is a broken one', async () => {
    const { b, streams } = pair()
    collect(b)
    streams[0].duplex.end(Buffer.from([0, 0, 0, 9, 1]))
    expect(await b.closed).toMatchObject({ code: 'FAILED', polite: false, error: { code: 'FRAME_TRUNCATED' } })
  })

  test('a stream that was gone before is noticed', async () => {
    const [stream] = streamPair()
    stream.duplex.destroy()
    const connection = new Connection(stream, { clock: new VirtualClock() })
    expect(await connection.closed).toMatchObject({ polite: false })
  })

  test('await using closes politely', async () => {
    const { a, b } = pair()
    const received = collect(b)
    {
      await using using = a
      void using.send(frame(1))
    }
    expect(ids(received)).toEqual([1])
    expect((await b.closed).polite).toBe(true)
  })
})
