/** What waits on a connection, what overtakes it, and what happens when nothing moves. */
import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { VirtualClock } from '@pc/testkit'
import { encodeFrame, type Message, type Value } from '@pc/wire'
import { describe, expect, test } from 'vitest'
import { Bandwidth } from '../src/bandwidth.js'
import { Connection, type ConnectionOptions } from '../src/connection.js'
import { LoopUse } from '../src/loop-share.js'
import { SendBudget } from '../src/send-budget.js'
import { SEND_QUEUE_LIMIT } from '../src/send-queue.js'
import { streamPair } from './_util/stream-pair.js'

function pair(options: ConnectionOptions = {}, clock = new VirtualClock()) {
  const streams = streamPair()
  const [a, b] = [new Connection(streams[0], { clock, ...options }), new Connection(streams[1], { clock })]
  return { a, b, clock, streams }
}

const frame = (id: number, body: Value = null) => ({ header: 'test', id, body })
const large = (id: number) => frame(id, new Uint8Array(50_000))

function collect(connection: Connection): Message[] {
  const messages: Message[] = []
  connection.onMessage((message) => messages.push(message))
  return messages
}

async function settle(turns = 20): Promise<void> {
  for (let count = 0; count < turns; count += 1) await turn()
}

/** Sends until the queue is full; returns how many frames it took. */
async function fill(connection: Connection): Promise<number> {
  for (let taken = 0; ; taken += 1) {
    const sent = connection.send(large(taken), 'bulk')
    const full = await Promise.race([
      sent.then(
        () => false,
        () => true,
      ),
      turn(false),
    ])
    if (full) return taken
    sent.catch(() => {})
  }
}

describe('priorities', () => {
  test('what is more urgent overtakes what waits, but not what the stream has taken', async () => {
    const { a, b } = pair()
    const received = collect(b)
    b.receiver.pause()
    for (let id = 0; id < 10; id += 1) void a.send(large(id), 'bulk')
    await settle()
    void a.send(frame(100), 'message')
    void a.send(frame(101), 'request')
    void a.send(frame(102), 'urgent')
    b.receiver.resume()
    await settle(100)
    const order = received.map(({ id }) => id as number)
    expect(order.filter((id) => id < 100)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(order.filter((id) => id >= 100)).toHaveLength(3)
    // Two chunks at most were in the stream and its window at the other end.
    expect(order.indexOf(102)).toBeLessThanOrEqual(4)
    for (const id of [100, 101, 102]) expect(order.indexOf(id)).toBeLessThan(order.indexOf(9))
    expect(order.indexOf(102)).toBeLessThan(order.indexOf(100))
  })

  test('the last frame comes last, whatever waits', async () => {
    const { a, b } = pair()
    const received = collect(b)
    b.receiver.pause()
    for (let id = 0; id < 5; id += 1) void a.send(large(id), 'bulk')
    await settle()
    void a.send(frame(5), 'urgent')
    a.sendLast(frame(6))
    b.receiver.resume()
    await settle(100)
    expect(received.at(-1)?.id).toBe(6)
    expect(received).toHaveLength(7)
  })

  test('a full queue still takes what is urgent, for a while', async () => {
    const { a, b } = pair()
    collect(b)
    b.receiver.pause()
    expect(await fill(a)).toBeGreaterThan(10)
    await expect(a.send(large(1))).rejects.toMatchObject({ code: 'SEND_QUEUE_FULL' })
    let taken = 0
    let refused: unknown
    for (; refused === undefined && taken < 1_000; taken += 1) {
      const sent = a.send(frame(taken, new Uint8Array(1_000)), 'urgent')
      refused = await Promise.race([
        sent.then(
          () => undefined,
          (error) => error,
        ),
        turn(undefined),
      ])
      sent.catch(() => {})
    }
    expect(refused).toMatchObject({ code: 'SEND_QUEUE_FULL' })
    expect(taken).toBeGreaterThan(10)
    expect(a.queuedBytes).toBeLessThanOrEqual(SEND_QUEUE_LIMIT + 65_536)
    a.destroy()
  })
})

describe('a common budget', () => {
  test('bounds what waits on all connections together, and is given back', async () => {
    const budget = new SendBudget(200_000)
    const { a, b } = pair({ budget })
    const { a: other, b: there } = pair({ budget })
    for (const each of [b, there]) {
      collect(each)
      each.receiver.pause()
    }
    const sends: Promise<unknown>[] = []
    for (let id = 0; id < 20; id += 1) {
      sends.push(a.send(large(id)).catch((error) => error.code))
      await settle(2)
    }
    expect(budget.used).toBeGreaterThan(140_000)
    expect(budget.used).toBeLessThanOrEqual(200_000)
    // An empty queue takes a frame in any case; the next one has no room.
    sends.push(other.send(large(1)).catch(() => {}))
    await settle()
    sends.push(other.send(large(2)).catch((error) => error.code))
    await expect(other.send(large(3))).rejects.toMatchObject({ code: 'SEND_QUEUE_FULL' })
    a.destroy()
    other.destroy()
    await Promise.all(sends)
    expect(budget.used).toBe(0)
  })
})

describe('nothing moves', () => {
  test('a frame that does not get on is cut after 10 s', async () => {
    const { b, clock, streams } = pair()
    collect(b)
    const started = clock.now()
    const bytes = encodeFrame({ header: 'test', id: 1, version: 1, body: new Uint8Array(5_000), peerId: null })
    streams[0].duplex.write(bytes.subarray(0, 20))
    // A byte a second is no progress.
    for (let at = 20; b.open && at < 60; at += 1) {
      await settle(2)
      await clock.advance(1_000)
      streams[0].duplex.write(bytes.subarray(at, at + 1))
    }
    expect(await b.closed).toMatchObject({ code: 'TOO_SLOW', polite: false, error: { code: 'TOO_SLOW' } })
    expect(clock.now() - started).toBe(10_000)
    expect(clock.pending).toBe(0)
  })

  test('a slow link that moves is left alone', async () => {
    const { b, clock, streams } = pair()
    const received = collect(b)
    const bytes = encodeFrame({ header: 'test', id: 1, version: 1, body: new Uint8Array(12_000), peerId: null })
    for (let at = 0; at < bytes.length; at += 200) {
      streams[0].duplex.write(bytes.subarray(at, at + 200))
      await settle(2)
      await clock.advance(1_000)
    }
    expect(received).toHaveLength(1)
    await clock.advance(5_000)
    expect([b.open, clock.pending]).toEqual([true, 0])
  })

  test('what this side does not read is not held against the other', async () => {
    const { b, clock, streams } = pair()
    streams[0].duplex.write(Buffer.from([0, 0, 1, 0, 1]))
    await settle()
    await clock.advance(60_000)
    expect(b.open).toBe(true)
    collect(b)
    b.receiver.pause()
    await clock.advance(60_000)
    expect(b.open).toBe(true)
  })

  test('a receiver that takes nothing of a full queue for 10 s is cut', async () => {
    const { a, b, clock } = pair()
    collect(b)
    b.receiver.pause()
    await fill(a)
    await clock.advance(15_000)
    expect(await a.closed).toMatchObject({ code: 'TOO_SLOW', polite: false, error: { code: 'TOO_SLOW' } })
    expect(clock.pending).toBe(0)
  })

  test('a receiver that takes a little now and then is not', async () => {
    const { a, b, clock } = pair()
    b.onMessage(() => b.receiver.pause())
    await fill(a)
    for (let count = 0; count < 5; count += 1) {
      await clock.advance(9_000)
      b.receiver.resume()
      await settle(2)
    }
    expect([a.open, a.queuedBytes > SEND_QUEUE_LIMIT / 2]).toEqual([true, true])
    a.destroy()
  })

  test('a sender that was paused here is not cut for it, but once it goes on and nothing is taken', async () => {
    const { a, b, clock } = pair()
    collect(b)
    b.receiver.pause()
    a.sender.pause()
    await fill(a)
    await clock.advance(60_000)
    expect(a.open).toBe(true)
    a.sender.resume()
    await settle()
    await clock.advance(15_000)
    expect(await a.closed).toMatchObject({ code: 'TOO_SLOW' })
  })
})

describe('bandwidth', () => {
  test('is shared by bulk connections, in both directions; control frames are counted and never wait', async () => {
    const clock = new VirtualClock()
    const send = new Bandwidth({ total: 100_000 }, clock)
    const [first, second, control] = [1, 2, 3].map(() => pair({ bandwidth: { send }, firstFrameOnly: true }, clock))
    if (first === undefined || second === undefined || control === undefined) throw new Error('three were made')
    for (const each of [first, second]) each.a.proceed('bulk')
    control.a.proceed('control')
    for (const { b } of [first, second, control]) collect(b)
    for (let id = 0; id < 19; id += 1) {
      for (const { a } of [first, second]) void a.send(frame(id, new Uint8Array(50_000)), 'bulk').catch(() => {})
    }
    for (let step = 0; step < 50; step += 1) {
      await settle(2)
      await clock.advance(100)
    }
    const [one, other] = [first.b.receiver.bytes, second.b.receiver.bytes]
    expect(one + other).toBeGreaterThan(400_000)
    expect(one + other).toBeLessThan(700_000)
    expect(Math.abs(one - other)).toBeLessThanOrEqual(100_100)
    await control.a.send(frame(1))
    await settle()
    expect(control.b.receiver.bytes).toBeGreaterThan(0)
    for (const { a } of [first, second, control]) a.destroy()
    await settle()
    expect(clock.pending).toBe(0)
  })

  test('a limited receiver makes the sender wait', async () => {
    const clock = new VirtualClock()
    const receive = new Bandwidth({ perPeer: 100_000 }, clock)
    const streams = streamPair()
    const a = new Connection(streams[0], { clock })
    const b = new Connection(streams[1], { clock, bandwidth: { receive }, firstFrameOnly: true })
    collect(b)
    void a.send(frame(0))
    await settle()
    b.proceed('bulk')
    for (let id = 1; id < 20; id += 1) void a.send(frame(id, new Uint8Array(50_000)))
    for (let step = 0; step < 50; step += 1) {
      await settle(2)
      await clock.advance(100)
    }
    expect(b.receiver.bytes).toBeGreaterThan(400_000)
    expect(b.receiver.bytes).toBeLessThan(700_000)
    expect(a.open && b.open).toBe(true)
    a.destroy()
    b.destroy()
    await settle()
    expect(clock.pending).toBe(0)
  })

  test('whoever else waits: a modest peer gets what it sends, and everything arrives in order', async () => {
    const clock = new VirtualClock()
    const limits = { perPeer: 200_000 }
    const [send, receive] = [new Bandwidth(limits, clock), new Bandwidth(limits, clock)]
    // All streams of this helper lead to the same two peers, so the shares are joined by hand in the name of others.
    const greedy = send.join('another peer', () => {})
    greedy.spend(10_000_000)
    expect(greedy.ready()).toBe(false)
    const streams = streamPair()
    const a = new Connection(streams[0], { clock, bandwidth: { send }, firstFrameOnly: true })
    const b = new Connection(streams[1], { clock, bandwidth: { receive }, firstFrameOnly: true })
    a.proceed('bulk')
    b.proceed('bulk')
    const received = collect(b)
    for (let id = 0; id < 40; id += 1) void a.send(frame(id, new Uint8Array(20_000)))
    for (let step = 0; step < 80 && received.length < 40; step += 1) {
      await settle(5)
      await clock.advance(100)
    }
    expect(received.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, id) => id))
    expect(clock.now()).toBeGreaterThan(2_000)
    greedy.leave()
    a.destroy()
    b.destroy()
    await settle()
    expect(clock.pending).toBe(0)
  })

  test('refuses a limit that is no rate', () => {
    expect(() => new Bandwidth({ total: 0 }, new VirtualClock())).toThrow(RangeError)
    expect(() => new Bandwidth({ perPeer: Number.NaN }, new VirtualClock())).toThrow(RangeError)
  })
})

describe('turns of the loop', () => {
  test('a transfer that was alone goes on when another connection moves a byte in the middle of its turn', async () => {
    const loop = new LoopUse()
    const [transfer, other] = [pair({ loop }), pair({ loop })]
    const received = collect(transfer.b)
    collect(other.b)
    const count = 400
    let id = 0
    const send = async (until: number): Promise<void> => {
      while (id < until) await transfer.a.send(large(++id), 'bulk')
    }
    await send(count / 2)
    // Now it may move more in a turn than is left to it afterwards.
    for (let n = 0; n < 20; n += 1) {
      await send(id + 1)
      void other.a.send(frame(n))
      await send(id + 2)
    }
    await send(count)
    await settle(50)
    expect(received.length).toBe(count)
  })
})

describe('memory of what was written', () => {
  /** A stream that has done with a chunk when `done` says so, and what it was given. */
  function slowly(copiesWrites: boolean) {
    const written: Uint8Array[] = []
    const waiting: ((error?: Error) => void)[] = []
    const duplex = new Duplex({
      read() {},
      write(chunk: Uint8Array, _encoding, callback) {
        written.push(chunk)
        waiting.push(callback)
      },
    })
    const connection = new Connection({ ...streamPair()[0], duplex, copiesWrites }, { clock: new VirtualClock() })
    const send = async (id: number): Promise<void> => {
      connection.send(frame(id, new Uint8Array(30_000 + id))).catch(() => {})
      await settle()
    }
    const done = async (error?: Error): Promise<void> => {
      waiting.shift()?.(error)
      await settle()
    }
    const buffers = () => written.map(({ buffer }) => buffer)
    return { send, done, buffers }
  }

  test('is used again once a stream that copies has done with it, and no sooner', async () => {
    const stream = slowly(true)
    await stream.send(1)
    await stream.send(2)
    await stream.done()
    await stream.send(3)
    await stream.done()
    await stream.done()
    const [first, second, third] = stream.buffers()
    expect(second).not.toBe(first)
    expect(third).toBe(first)
  })

  test('is left to a stream that may have handed it on, and to one that failed', async () => {
    for (const [copies, error] of [
      [false, undefined],
      [true, new Error('reset')],
    ] as const) {
      const stream = slowly(copies)
      await stream.send(1)
      await stream.done(error)
      const other = slowly(true)
      await other.send(2)
      expect(other.buffers()[0]).not.toBe(stream.buffers()[0])
    }
  })
})
