import { decodeMessage, FrameDecoder } from '@pc/wire'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SendLanes, type SendPriority } from './send-lanes.js'

const MAX_FRAME = 65_536
const write = (lanes: SendLanes, id: number, priority: SendPriority | 'last', bytes = 0): number =>
  lanes.write('test', id, bytes === 0 ? null : new Uint8Array(bytes), priority)

/** The ids in a chunk, which holds whole frames. */
function idsIn(chunk: Uint8Array): number[] {
  const decoder = new FrameDecoder({ maxLength: MAX_FRAME })
  const ids = decoder.push(chunk).map((frame) => decodeMessage(frame).id as number)
  decoder.end()
  return ids
}

function drain(lanes: SendLanes): number[] {
  const ids: number[] = []
  for (let chunk = lanes.next(); chunk !== undefined; chunk = lanes.next()) ids.push(...idsIn(chunk))
  return ids
}

test('urgent frames overtake everything, and last ones are last', () => {
  const lanes = new SendLanes(MAX_FRAME)
  write(lanes, 1, 'last')
  write(lanes, 2, 'bulk')
  write(lanes, 3, 'urgent')
  write(lanes, 4, 'urgent')
  expect(drain(lanes)).toEqual([3, 4, 2, 1])
  expect(lanes.bytes).toBe(0)
})

test('while all three wait they share as 8 : 4 : 1, and none starves', () => {
  const lanes = new SendLanes(MAX_FRAME)
  const sent = { request: 0, message: 0, bulk: 0 }
  const classOf: Record<number, keyof typeof sent> = { 1: 'request', 2: 'message', 3: 'bulk' }
  for (const [id, priority] of Object.entries(classOf)) {
    for (let count = 0; count < 40; count += 1) write(lanes, Number(id), priority, 10_000)
  }
  for (let taken = 0; taken < 20_000_000; ) {
    const chunk = lanes.next() as Uint8Array
    taken += chunk.length
    for (const id of idsIn(chunk)) {
      const priority = classOf[id] as keyof typeof sent
      sent[priority] += 1
      // What went is followed by as much, so that all of them wait all the time.
      write(lanes, id, priority, 10_000)
    }
  }
  const total = sent.request + sent.message + sent.bulk
  expect(sent.request / total).toBeCloseTo(8 / 13, 1)
  expect(sent.message / total).toBeCloseTo(4 / 13, 1)
  expect(sent.bulk / total).toBeCloseTo(1 / 13, 1)
  expect(sent.bulk).toBeGreaterThan(0)
})

test('a class that is away for a moment does not lose what it owes', () => {
  const lanes = new SendLanes(1_048_576)
  const sent = { request: 0, bulk: 0 }
  let away = 0
  write(lanes, 2, 'bulk', 1_000_000)
  for (let count = 0; count < 2_000; count += 1) {
    // Requests wait all the time; bulk comes back two chunks after it has gone, as from somebody who awaits each send.
    while (lanes.bytes < 1_500_000) write(lanes, 1, 'request', 60_000)
    if (away > 0 && --away === 0) write(lanes, 2, 'bulk', 1_000_000)
    const chunk = lanes.next() as Uint8Array
    if (chunk.length > 500_000) {
      sent.bulk += chunk.length
      away = 2
    } else {
      sent.request += chunk.length
    }
  }
  expect(sent.bulk).toBeGreaterThan(2_000_000)
  expect(sent.request / sent.bulk).toBeGreaterThan(6)
})

test('what a getter in a body sends is counted as well', () => {
  const lanes = new SendLanes(MAX_FRAME)
  const body = {
    get late() {
      write(lanes, 2, 'message', 1_000)
      return 1
    },
  }
  lanes.write('test', 1, body, 'message')
  expect(lanes.bytes).toBeGreaterThan(1_000)
  expect(drain(lanes)).toEqual([2, 1])
  expect(lanes.bytes).toBe(0)
})

test('a class alone gets everything', () => {
  const lanes = new SendLanes(MAX_FRAME)
  for (let id = 0; id < 50; id += 1) write(lanes, id, 'bulk', 10_000)
  expect(drain(lanes)).toEqual(Array.from({ length: 50 }, (_, id) => id))
})

test('a frame that cannot be encoded leaves nothing behind', () => {
  const lanes = new SendLanes(100)
  write(lanes, 1, 'message')
  const { bytes } = lanes
  expect(() => write(lanes, 2, 'message', 200)).toThrow(expect.objectContaining({ code: 'TOO_LARGE' }))
  expect(lanes.bytes).toBe(bytes)
  lanes.setMaxFrame(1_000)
  write(lanes, 3, 'message', 200)
  expect(drain(lanes)).toEqual([1, 3])
})

test('clear forgets everything, and it can be used again', () => {
  const lanes = new SendLanes(MAX_FRAME)
  for (const priority of ['urgent', 'request', 'message', 'bulk', 'last'] as const) write(lanes, 1, priority)
  lanes.clear()
  expect([lanes.bytes, lanes.next()]).toEqual([0, undefined])
  write(lanes, 2, 'bulk')
  expect(drain(lanes)).toEqual([2])
})

test('whatever is written when: nothing is lost, each class keeps its order, and the count is right', () => {
  const step = fc.oneof(
    fc.record({
      priority: fc.constantFrom<SendPriority>('urgent', 'request', 'message', 'bulk'),
      bytes: fc.integer({ min: 0, max: 60_000 }),
    }),
    fc.constant('take' as const),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lanes = new SendLanes(MAX_FRAME)
      const given = new Map<SendPriority, number[]>()
      const got: number[] = []
      const classOf = new Map<number, SendPriority>()
      let bytes = 0
      const take = (): boolean => {
        const before = lanes.bytes
        const chunk = lanes.next()
        if (chunk === undefined) return false
        expect(lanes.bytes).toBe(before - chunk.length)
        bytes += chunk.length
        got.push(...idsIn(chunk))
        return true
      }
      let written = 0
      for (const [id, each] of steps.entries()) {
        if (each === 'take') {
          take()
          continue
        }
        const before = lanes.bytes
        write(lanes, id, each.priority, each.bytes)
        written += lanes.bytes - before
        given.set(each.priority, [...(given.get(each.priority) ?? []), id])
        classOf.set(id, each.priority)
      }
      while (take());
      expect(bytes).toBe(written)
      for (const [priority, ids] of given) expect(got.filter((id) => classOf.get(id) === priority)).toEqual(ids)
    }),
  )
})
