import { describe, expect, test } from 'vitest'
import { ReceiveQueue } from './receive-queue.js'

const LIMIT = 100

/** Frames of these bodies, each with its length before it. */
function stream(...bodies: readonly (readonly number[])[]): Uint8Array {
  return Uint8Array.from(bodies.flatMap((body) => [0, 0, 0, body.length, ...body]))
}

function taken(queue: ReceiveQueue): number[][] {
  const frames: number[][] = []
  for (let frame = queue.next(); frame !== undefined; frame = queue.next()) frames.push([...frame])
  return frames
}

describe('a queue', () => {
  test('gives each whole frame once, in order, also when more come in between', () => {
    const queue = new ReceiveQueue(LIMIT)
    expect([queue.empty, queue.next()]).toEqual([true, undefined])
    queue.push(stream([1], [2, 2]))
    expect(queue.empty).toBe(false)
    expect(queue.next()).toEqual(Uint8Array.of(1))
    queue.push(stream([3]))
    queue.push(stream([4]))
    expect(queue.empty).toBe(false)
    expect(taken(queue)).toEqual([[2, 2], [3], [4]])
    expect(queue.empty).toBe(true)
    queue.push(stream([5]))
    expect(taken(queue)).toEqual([[5]])
  })

  test('waits for the rest of a frame', () => {
    const queue = new ReceiveQueue(LIMIT)
    const bytes = stream([1, 2, 3])
    queue.push(bytes.subarray(0, 5))
    expect([queue.empty, queue.next()]).toEqual([true, undefined])
    queue.push(bytes.subarray(5))
    expect(taken(queue)).toEqual([[1, 2, 3]])
  })

  test('refuses a frame beyond its limit, and an end inside a frame', () => {
    const limited = new ReceiveQueue(2)
    limited.push(stream([1, 2]))
    expect(() => limited.push(stream([1, 2, 3]))).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
    const cut = new ReceiveQueue(LIMIT)
    cut.push(stream([1, 2]).subarray(0, 5))
    expect(() => cut.end()).toThrow(expect.objectContaining({ code: 'FRAME_TRUNCATED' }))
    const whole = new ReceiveQueue(LIMIT)
    whole.push(stream([1, 2]))
    expect(() => whole.end()).not.toThrow()
  })

  test('forgets what waits when it is dropped, and reads on', () => {
    const queue = new ReceiveQueue(LIMIT)
    queue.push(stream([1], [2], [3]))
    queue.next()
    queue.drop()
    expect([queue.empty, queue.next()]).toEqual([true, undefined])
    queue.push(stream([4]))
    expect(taken(queue)).toEqual([[4]])
  })
})

describe('a queue for the first frame only', () => {
  test('reads nothing behind it before it may, however it comes in', () => {
    const queue = new ReceiveQueue(LIMIT, true)
    expect([queue.firstFrameOnly, new ReceiveQueue(LIMIT).firstFrameOnly]).toEqual([true, false])
    queue.push(Uint8Array.from([...stream([1]), ...stream([2, 2]).subarray(0, 3)]))
    queue.push(stream([2, 2]).subarray(3))
    queue.push(stream([3]))
    expect(taken(queue)).toEqual([[1]])
    // Bytes behind the first frame still wait: its owner must not read on.
    expect(queue.empty).toBe(false)
    queue.proceed(LIMIT)
    expect(queue.firstFrameOnly).toBe(false)
    expect(taken(queue)).toEqual([[2, 2], [3]])
    expect(queue.empty).toBe(true)
    queue.push(stream([4]))
    expect(taken(queue)).toEqual([[4]])
  })

  test('waits as well when the first frame came alone', () => {
    const queue = new ReceiveQueue(LIMIT, true)
    queue.push(stream([1]))
    expect(taken(queue)).toEqual([[1]])
    queue.push(stream([2]))
    expect(queue.next()).toBeUndefined()
    queue.proceed(LIMIT)
    expect(taken(queue)).toEqual([[2]])
  })

  test('may proceed before anything is there', () => {
    const queue = new ReceiveQueue(LIMIT, true)
    queue.proceed(LIMIT)
    expect(queue.empty).toBe(true)
    queue.push(stream([1], [2]))
    expect(taken(queue)).toEqual([[1], [2]])
  })

  test('reads what follows with the new limit, and the first frame with the old one', () => {
    const larger = new ReceiveQueue(2, true)
    larger.push(stream([1, 1], [2, 2, 2]))
    larger.proceed(3)
    expect(taken(larger)).toEqual([
      [1, 1],
      [2, 2, 2],
    ])
    expect(() => new ReceiveQueue(2, true).push(stream([1, 1, 1]))).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    )
    const smaller = new ReceiveQueue(3, true)
    smaller.push(stream([1, 1, 1], [2, 2, 2]))
    expect(() => smaller.proceed(2)).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }))
  })

  test('dropped: forgets the frame and what is behind it, and still reads nothing before it may', () => {
    const queue = new ReceiveQueue(LIMIT, true)
    queue.push(stream([1], [2]))
    queue.drop()
    expect(queue.next()).toBeUndefined()
    queue.push(stream([3]))
    expect(queue.next()).toBeUndefined()
    queue.proceed(LIMIT)
    expect(taken(queue)).toEqual([[3]])
    const early = new ReceiveQueue(LIMIT, true)
    early.drop()
    early.push(stream([1]))
    expect(taken(early)).toEqual([[1]])
  })
})
