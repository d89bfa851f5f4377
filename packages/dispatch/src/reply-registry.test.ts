import { VirtualClock } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { ReplyRegistry } from './reply-registry.js'

const code = (value: string): object => expect.objectContaining({ name: 'DispatchError', code: value })

function create(limit?: number): { clock: VirtualClock; registry: ReplyRegistry<string> } {
  const clock = new VirtualClock()
  return { clock, registry: new ReplyRegistry(limit === undefined ? { clock } : { clock, limit }) }
}

describe('ReplyRegistry', () => {
  it('matches replies to keys, once, in any order', async () => {
    const { clock, registry } = create()
    const one = registry.expect(1, { timeoutMs: 100 })
    const two = registry.expect(2, { timeoutMs: 100 })
    expect(registry.size).toBe(2)
    expect(registry.resolve(2, 'second')).toBe(true)
    expect(registry.resolve(1, 'first')).toBe(true)
    expect(registry.resolve(1, 'again')).toBe(false)
    await expect(Promise.all([one, two])).resolves.toEqual(['first', 'second'])
    expect(registry.size).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('rejects with REPLY_TIMEOUT when the time is over, not before', async () => {
    const { clock, registry } = create()
    let outcome: unknown
    registry.expect(1, { timeoutMs: 100 }).catch((error: unknown) => {
      outcome = error
    })
    await clock.advance(99)
    expect(outcome).toBeUndefined()
    await clock.advance(1)
    expect(outcome).toMatchObject({ code: 'REPLY_TIMEOUT', retryable: true })
    expect(registry.resolve(1, 'too late')).toBe(false)
  })

  it('refuses a key that is expected already and more than its limit', async () => {
    const { registry } = create(2)
    const one = registry.expect(1, { timeoutMs: 100 })
    await expect(registry.expect(1, { timeoutMs: 100 })).rejects.toEqual(code('REPLY_ALREADY_EXPECTED'))
    void registry.expect(2, { timeoutMs: 100 })
    await expect(registry.expect(3, { timeoutMs: 100 })).rejects.toEqual(code('TOO_MANY_PENDING'))
    registry.resolve(1, 'place')
    await one
    void registry.expect(3, { timeoutMs: 100 })
    expect(registry.size).toBe(2)
  })

  it('rejects with the reason of its signal, now or later', async () => {
    const { clock, registry } = create()
    await expect(registry.expect(1, { timeoutMs: 9, signal: AbortSignal.abort('no') })).rejects.toBe('no')
    const abort = new AbortController()
    const reply = registry.expect(1, { timeoutMs: 9, signal: abort.signal })
    abort.abort('changed my mind')
    await expect(reply).rejects.toBe('changed my mind')
    expect(registry.size).toBe(0)
    expect(clock.pending).toBe(0)
  })

  it('rejects one key, or those picked, or all', async () => {
    const { clock, registry } = create()
    const gone = new Error('connection closed')
    const replies = [1, 2, 3, 4].map((key) => registry.expect(key, { timeoutMs: 100 }))
    expect(registry.reject(1, gone)).toBe(true)
    expect(registry.reject(1, gone)).toBe(false)
    registry.rejectAll(gone, (key) => key % 2 === 0)
    expect(registry.size).toBe(1)
    registry.rejectAll(gone)
    expect(await Promise.allSettled(replies)).toEqual(replies.map(() => ({ status: 'rejected', reason: gone })))
    expect(clock.pending).toBe(0)
  })

  it('leaves no unhandled rejection when nobody awaits the reply', async () => {
    const { clock, registry } = create()
    const unhandled: unknown[] = []
    const listener = (error: unknown): void => void unhandled.push(error)
    process.on('unhandledRejection', listener)
    void registry.expect(1, { timeoutMs: 1 })
    await clock.advance(1)
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  it('refuses a limit that is none', () => {
    expect(() => create(0)).toThrow(code('INVALID_ARGUMENT') as Error)
  })
})
