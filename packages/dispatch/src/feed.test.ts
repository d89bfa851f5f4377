import { describe, expect, it } from 'vitest'
import { Feed } from './feed.js'

const code = (value: string): object => expect.objectContaining({ name: 'DispatchError', code: value })

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

describe('Feed', () => {
  it('hands each subscriber every value published since it subscribed, in order', async () => {
    const feed = new Feed<number>()
    feed.publish(0)
    const early = feed.subscribe()
    feed.publish(1)
    const late = feed.subscribe()
    feed.publish(2)
    feed.close()
    await expect(collect(early)).resolves.toEqual([1, 2])
    await expect(collect(late)).resolves.toEqual([2])
  })

  it('serves readers that came before the values, in order', async () => {
    const feed = new Feed<number>()
    const values = feed.subscribe()
    const read = Promise.all([values.next(), values.next(), values.next()])
    feed.publish(1)
    feed.publish(2)
    feed.close()
    await expect(read).resolves.toEqual([
      { done: false, value: 1 },
      { done: false, value: 2 },
      { done: true, value: undefined },
    ])
  })

  it('ends a subscriber that falls behind with FEED_OVERFLOW after what was kept, and nobody else', async () => {
    const feed = new Feed<number>({ limit: 2 })
    const slow = feed.subscribe()
    const quick = feed.subscribe()
    const taken: unknown[] = []
    for (const value of [1, 2, 3]) {
      feed.publish(value)
      taken.push((await quick.next()).value)
    }
    expect(feed.size).toBe(1)
    expect(taken).toEqual([1, 2, 3])
    await expect(slow.next()).resolves.toEqual({ done: false, value: 1 })
    await expect(slow.next()).resolves.toEqual({ done: false, value: 2 })
    await expect(slow.next()).rejects.toEqual(code('FEED_OVERFLOW'))
    await expect(slow.next()).resolves.toEqual({ done: true, value: undefined })
  })

  it('ends by break, without keeping anything', async () => {
    const feed = new Feed<number>()
    const values = feed.subscribe()
    feed.publish(1)
    feed.publish(2)
    for await (const value of values) {
      expect(value).toBe(1)
      break
    }
    expect(feed.size).toBe(0)
    await expect(values.next()).resolves.toEqual({ done: true, value: undefined })
  })

  it('ends by its signal: kept values are dropped and next rejects with the reason, once', async () => {
    const feed = new Feed<number>()
    const abort = new AbortController()
    const idle = feed.subscribe({ signal: abort.signal })
    const waiting = idle.next()
    const behind = feed.subscribe({ signal: abort.signal })
    expect((await Promise.all([waiting, Promise.resolve(feed.publish(1))]))[0]).toEqual({ done: false, value: 1 })
    const next = idle.next()
    abort.abort('stop')
    await expect(next).rejects.toBe('stop')
    await expect(behind.next()).rejects.toBe('stop')
    await expect(behind.next()).resolves.toEqual({ done: true, value: undefined })
    await expect(feed.subscribe({ signal: abort.signal }).next()).rejects.toBe('stop')
    expect(feed.size).toBe(0)
  })

  it('rejects one of several waiting readers and ends the others', async () => {
    const feed = new Feed<number>()
    const abort = new AbortController()
    const values = feed.subscribe({ signal: abort.signal })
    const reads = Promise.allSettled([values.next(), values.next()])
    abort.abort('stop')
    await expect(reads).resolves.toEqual([
      { status: 'rejected', reason: 'stop' },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ])
  })

  it('after close: publishes to nobody, ends new subscribers at once, closes again', async () => {
    const feed = new Feed<number>()
    feed.close()
    feed.publish(1)
    await expect(collect(feed.subscribe())).resolves.toEqual([])
    feed.close()
  })

  it('bounds its subscribers', () => {
    const feed = new Feed<number>({ maxSubscribers: 1 })
    feed.subscribe()
    expect(() => feed.subscribe()).toThrow(code('TOO_MANY_SUBSCRIBERS') as Error)
    expect(() => new Feed({ limit: 0 })).toThrow(code('INVALID_ARGUMENT') as Error)
  })
})
