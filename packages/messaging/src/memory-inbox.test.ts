import { createIdentity } from '@pc/identity'
import { expect, test } from 'vitest'
import type { ReceivedMessage } from './inbox.js'
import { MemoryInbox } from './memory-inbox.js'

const anna = createIdentity(new Uint8Array(32).fill(1)).id
const ben = createIdentity(new Uint8Array(32).fill(2)).id

function add(inbox: MemoryInbox, from = anna, memory = 0): ReceivedMessage {
  const sequence = inbox.last + 1
  const message: ReceivedMessage = {
    id: `m${sequence}`,
    sequence,
    from,
    type: 'text',
    payload: `number ${sequence}`,
    sentAt: 0,
    receivedAt: 0,
    verified: false,
    redelivered: false,
  }
  inbox.add(message, memory)
  return message
}

async function numbers(inbox: MemoryInbox, options?: { after?: number; limit?: number }): Promise<number[]> {
  return (await inbox.list(options)).map((message) => message.sequence)
}

test('lists after a number, oldest first, as many as asked', async () => {
  const inbox = new MemoryInbox()
  for (let count = 0; count < 5; count++) add(inbox)
  expect(await numbers(inbox)).toEqual([1, 2, 3, 4, 5])
  expect(await numbers(inbox, { after: 2, limit: 2 })).toEqual([3, 4])
  expect(await numbers(inbox, { after: 9 })).toEqual([])
  expect(inbox.size).toBe(5)
})

test('the oldest makes room when there are too many, and is counted', async () => {
  const inbox = new MemoryInbox({ maxMessages: 3, peerShare: 1 })
  for (let count = 0; count < 5; count++) add(inbox)
  expect(await numbers(inbox)).toEqual([3, 4, 5])
  expect(inbox).toMatchObject({ size: 3, dropped: 2, last: 5 })
})

test('the oldest makes room when they are too large; the newest always stays', async () => {
  const inbox = new MemoryInbox({ maxBytes: 10_000, peerShare: 1 })
  add(inbox, anna, 4_000)
  add(inbox, anna, 4_000)
  add(inbox, anna, 4_000)
  expect(await numbers(inbox)).toEqual([2, 3])
  add(inbox, anna, 50_000)
  expect(await numbers(inbox)).toEqual([4])
})

test('the oldest of all makes room when several peers fill it together, by number and by size', async () => {
  const byNumber = new MemoryInbox({ maxMessages: 3, peerShare: 1 })
  for (const from of [anna, ben, anna, ben, anna]) add(byNumber, from)
  expect(await numbers(byNumber)).toEqual([3, 4, 5])
  expect(byNumber).toMatchObject({ size: 3, dropped: 2 })

  const bySize = new MemoryInbox({ maxBytes: 10_000, peerShare: 1 })
  for (const from of [anna, ben, anna, ben]) add(bySize, from, 4_000)
  expect(await numbers(bySize)).toEqual([3, 4])
  add(bySize, anna, 50_000)
  expect(await numbers(bySize)).toEqual([5])
  // What was dropped costs nobody anything any more.
  for (const from of [ben, anna]) add(bySize, from, 100)
  expect(await numbers(bySize)).toEqual([6, 7])
})

test('a peer that floods drops its own messages, not those of others', async () => {
  const inbox = new MemoryInbox({ maxMessages: 100, peerShare: 0.1 })
  add(inbox, ben)
  for (let count = 0; count < 1_000; count++) add(inbox, anna)
  const kept = await numbers(inbox)
  expect(kept).toHaveLength(11)
  expect(kept[0]).toBe(1)
  expect(kept.at(-1)).toBe(1_001)
  expect(await numbers(inbox, { after: 995 })).toEqual([996, 997, 998, 999, 1_000, 1_001])
})

test('follow begins with what is asked for and goes on with what comes', async () => {
  const inbox = new MemoryInbox()
  add(inbox)
  add(inbox)
  const all = inbox.follow({ after: 1 })
  const fresh = inbox.follow()
  add(inbox)
  expect((await all.next()).value.sequence).toBe(2)
  expect((await all.next()).value.sequence).toBe(3)
  expect((await fresh.next()).value.sequence).toBe(3)
  const waiting = [all.next(), all.next()]
  add(inbox)
  add(inbox)
  expect((await Promise.all(waiting)).map((result) => result.value.sequence)).toEqual([4, 5])
})

test('a reader that falls behind is told, and no other is', async () => {
  const inbox = new MemoryInbox({ maxMessages: 2, peerShare: 1 })
  const slow = inbox.follow()
  const quick = inbox.follow()
  for (let count = 0; count < 3; count++) {
    add(inbox)
    expect((await quick.next()).value.sequence).toBe(count + 1)
  }
  await expect(slow.next()).rejects.toMatchObject({ code: 'FELL_BEHIND', retryable: true })
  expect(await slow.next()).toEqual({ done: true, value: undefined })
})

test('what was dropped before reading began is nothing missed', async () => {
  const inbox = new MemoryInbox({ maxMessages: 2, peerShare: 1 })
  for (let count = 0; count < 5; count++) add(inbox)
  const reader = inbox.follow({ after: 0 })
  expect((await reader.next()).value.sequence).toBe(4)
})

test('closing ends readers after what is stored, breaking ends one, aborting rejects with the reason', async () => {
  const inbox = new MemoryInbox()
  add(inbox)
  const reader = inbox.follow({ after: 0 })
  const waiting = inbox.follow().next()
  const controller = new AbortController()
  const aborted = inbox.follow({ signal: controller.signal }).next()
  controller.abort(new Error('enough'))
  await expect(aborted).rejects.toThrow('enough')
  for await (const message of inbox.follow({ after: 0 })) {
    expect(message.sequence).toBe(1)
    break
  }
  inbox.close()
  expect((await waiting).done).toBe(true)
  expect((await reader.next()).value.sequence).toBe(1)
  expect((await reader.next()).done).toBe(true)
  expect((await inbox.follow().next()).done).toBe(true)
  await expect(inbox.follow({ signal: controller.signal }).next()).rejects.toThrow('enough')
})

test('each message is charged 512 bytes beside its payload', async () => {
  const fits = new MemoryInbox({ maxBytes: 3 * 512 + 30, peerShare: 1 })
  for (const from of [anna, ben, anna]) add(fits, from, 10)
  expect(await numbers(fits)).toEqual([1, 2, 3])
  const full = new MemoryInbox({ maxBytes: 3 * 512 + 29, peerShare: 1 })
  for (const from of [anna, ben, anna]) add(full, from, 10)
  expect(await numbers(full)).toEqual([2, 3])
})

test('a share is a share of the number and of the bytes, each to the last', async () => {
  const byNumber = new MemoryInbox({ maxMessages: 8, peerShare: 0.25 })
  for (const from of [ben, anna, anna]) add(byNumber, from)
  expect(await numbers(byNumber)).toEqual([1, 2, 3])
  add(byNumber, anna)
  expect(await numbers(byNumber)).toEqual([1, 3, 4])
  const bySize = new MemoryInbox({ maxBytes: 4_096, peerShare: 0.5 })
  for (const from of [ben, anna, anna]) add(bySize, from, 512)
  expect(await numbers(bySize)).toEqual([1, 2, 3])
  add(bySize, anna, 512)
  expect(await numbers(bySize)).toEqual([1, 3, 4])
})

test('without options: 10,000 messages, 16 MiB, a quarter of both for one peer, 100 in a list', async () => {
  const byNumber = new MemoryInbox()
  for (let count = 0; count < 2_501; count++) add(byNumber, anna)
  expect(byNumber).toMatchObject({ size: 2_500, dropped: 1 })
  expect(await byNumber.list()).toHaveLength(100)
  const bySize = new MemoryInbox()
  for (let count = 0; count < 5; count++) add(bySize, anna, 1_048_576 - 512)
  expect(bySize).toMatchObject({ size: 4, dropped: 1 })
})

test('dropped messages do not slow down or fill a list, however many they are', async () => {
  const inbox = new MemoryInbox({ maxMessages: 4, peerShare: 0.5 })
  add(inbox, ben)
  for (let count = 0; count < 500; count++) {
    add(inbox, anna)
    const kept = await numbers(inbox)
    expect(kept).toEqual([1, ...(count === 0 ? [2] : [count + 1, count + 2])])
    expect(await numbers(inbox, { after: 1 })).toEqual(kept.slice(1))
    expect(await numbers(inbox, { after: count + 1 })).toEqual([count + 2])
  }
})

test('a reader is told of what was dropped before it read it, not of what it had read', async () => {
  const inbox = new MemoryInbox({ maxMessages: 2, peerShare: 1 })
  const reader = inbox.follow()
  add(inbox)
  expect((await reader.next()).value.sequence).toBe(1)
  add(inbox)
  add(inbox)
  // 1 was dropped after it was read.
  expect((await reader.next()).value.sequence).toBe(2)
  add(inbox)
  add(inbox)
  add(inbox)
  await expect(reader.next()).rejects.toThrow('missed 2 dropped messages after number 2')
})

test('a reader that has ended leaves the signal and the inbox alone', async () => {
  const inbox = new MemoryInbox()
  const listeners = new Set<unknown>()
  const signal = {
    aborted: false,
    addEventListener: (_type: string, listener: unknown) => listeners.add(listener),
    removeEventListener: (_type: string, listener: unknown) => listeners.delete(listener),
  } as unknown as AbortSignal
  const reader = inbox.follow({ signal })
  expect(listeners.size).toBe(1)
  const waiting = reader.next()
  await reader.return?.()
  expect([listeners.size, (await waiting).done, (await reader.next()).done]).toEqual([0, true, true])
  add(inbox)
  expect((await reader.next()).done).toBe(true)
})

test('an abort rejects once, then the reader is done; what waits comes first in, first out', async () => {
  const inbox = new MemoryInbox()
  const controller = new AbortController()
  const reader = inbox.follow({ signal: controller.signal })
  const waiting = [reader.next(), reader.next()]
  controller.abort(new Error('enough'))
  await expect(waiting[0]).rejects.toThrow('enough')
  expect((await waiting[1])?.done).toBe(true)
  add(inbox)
  expect((await reader.next()).done).toBe(true)
})
