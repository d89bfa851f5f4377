import { encodeFrame } from '@pc/wire'
import { describe, expect, test } from 'vitest'
import { ReceiveQueue } from './receive-queue.js'

/** Each message is 10 bytes and its text. */
const LIMIT = 100

/** Frames with these texts as bodies. */
function stream(...bodies: readonly string[]): Uint8Array {
  const frames = bodies.map((body) => encodeFrame({ header: 'test', id: 1, version: 1, body, peerId: null }))
  return Buffer.concat(frames)
}

const next = (queue: ReceiveQueue): unknown => queue.next()?.body

function taken(queue: ReceiveQueue): unknown[] {
  const bodies: unknown[] = []
  for (let message = queue.next(); message !== undefined; message = queue.next()) bodies.push(message.body)
  return bodies
}

describe('a queue', () => {
  test('gives each message once, in order, also when more come in between', () => {
    const queue = new ReceiveQueue(LIMIT)
    expect([queue.empty, queue.next()]).toEqual([true, undefined])
    queue.push(stream('1', '22'))
    expect(queue.empty).toBe(false)
    expect(next(queue)).toBe('1')
    queue.push(stream('3'))
    queue.push(stream('4'))
    expect(queue.empty).toBe(false)
    expect(taken(queue)).toEqual(['22', '3', '4'])
    expect(queue.empty).toBe(true)
    queue.push(stream('5'))
    expect(taken(queue)).toEqual(['5'])
  })

  test('waits for the rest of a frame', () => {
    const queue = new ReceiveQueue(LIMIT)
    const bytes = stream('123')
    queue.push(bytes.subarray(0, 5))
    expect([queue.next(), queue.empty, queue.partial]).toEqual([undefined, true, true])
    queue.push(bytes.subarray(5))
    expect([taken(queue), queue.partial]).toEqual([['123'], false])
  })

  test('refuses a frame beyond its limit after what came before it, and an end inside a frame', () => {
    const limited = new ReceiveQueue(12)
    limited.push(stream('12', '123'))
    expect(next(limited)).toBe('12')
    expect(() => limited.next()).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
    const cut = new ReceiveQueue(LIMIT)
    cut.push(stream('12').subarray(0, 5))
    cut.next()
    expect(() => cut.end()).toThrow(expect.objectContaining({ code: 'FRAME_TRUNCATED' }))
    const whole = new ReceiveQueue(LIMIT)
    whole.push(stream('12'))
    whole.next()
    expect(() => whole.end()).not.toThrow()
  })

  test('gives nothing any more when it was dropped, in the middle of a frame too', () => {
    const queue = new ReceiveQueue(LIMIT)
    queue.push(Buffer.concat([stream('1', '2'), stream('3').subarray(0, 6)]))
    queue.next()
    queue.drop()
    expect([queue.empty, queue.partial, queue.next()]).toEqual([true, false, undefined])
    queue.push(stream('4'))
    expect([queue.empty, queue.next()]).toEqual([true, undefined])
  })
})

describe('a queue for the first frame only', () => {
  test('reads nothing behind it before it may, however it comes in', () => {
    const queue = new ReceiveQueue(LIMIT, true)
    expect([queue.firstFrameOnly, new ReceiveQueue(LIMIT).firstFrameOnly]).toEqual([true, false])
    queue.push(Buffer.concat([stream('1'), stream('22').subarray(0, 3)]))
    queue.push(stream('22').subarray(3))
    queue.push(stream('3'))
    expect(taken(queue)).toEqual(['1'])
    // Bytes behind the first frame still wait: its owner must not read on.
    expect(queue.empty).toBe(false)
    queue.proceed(LIMIT)
    expect(queue.firstFrameOnly).toBe(false)
    expect(taken(queue)).toEqual(['22', '3'])
    expect(queue.empty).toBe(true)
    queue.push(stream('4'))
    expect(taken(queue)).toEqual(['4'])
  })

  test('waits as well when the first frame came alone', () => {
    const queue = new ReceiveQueue(LIMIT, true)
    queue.push(stream('1'))
    expect([taken(queue), queue.empty]).toEqual([['1'], false])
    queue.push(stream('2'))
    expect(queue.next()).toBeUndefined()
    queue.proceed(LIMIT)
    expect(taken(queue)).toEqual(['2'])
  })

  test('may proceed before anything is there', () => {
    const queue = new ReceiveQueue(LIMIT, true)
    queue.proceed(LIMIT)
    expect(queue.empty).toBe(true)
    queue.push(stream('1', '2'))
    expect(taken(queue)).toEqual(['1', '2'])
  })

  test('reads what follows with the new limit, and the first frame with the old one', () => {
    const larger = new ReceiveQueue(12, true)
    larger.push(stream('11', '222'))
    expect(taken(larger)).toEqual(['11'])
    larger.proceed(13)
    expect(taken(larger)).toEqual(['222'])
    const smaller = new ReceiveQueue(13, true)
    smaller.push(stream('111', '222'))
    expect(taken(smaller)).toEqual(['111'])
    smaller.proceed(12)
    expect(() => smaller.next()).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
  })
})
