import { Dispatcher, Priority } from '@pc/dispatch'
import { describe, expect, it } from 'vitest'
import { createDispatcher, event, Gates, outcome, type TestEvent } from './_util/dispatcher.js'

const anyone = { access: 'anyone' } as const
const code = (value: string): Error => expect.objectContaining({ name: 'DispatchError', code: value }) as Error

describe('total concurrency', () => {
  it('starts what waits in order of priority, then arrival, over all headers', async () => {
    const dispatcher = createDispatcher({ concurrency: 2 })
    const gates = new Gates()
    dispatcher.register('search', { ...anyone, priority: Priority.SEARCH }, gates.wait)
    dispatcher.register('read', anyone, gates.wait)
    dispatcher.register('reply', { ...anyone, priority: Priority.OWN_REPLY }, gates.wait)
    const headers = ['search', 'search', 'search', 'read', 'reply', 'read', 'reply']
    const results = headers.map((header, body) => dispatcher.dispatch(event(header, body)))
    expect(gates.started).toEqual([0, 1])
    await gates.open(0, 1, 4, 6, 3, 5, 2)
    expect(gates.started).toEqual([0, 1, 4, 6, 3, 5, 2])
    await expect(Promise.all(results)).resolves.toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  it('refuses a newcomer whose class is full with BUSY, counts it, and keeps what waits', async () => {
    const dispatcher = createDispatcher({ concurrency: 1, queuePerPriority: 1 })
    const gates = new Gates()
    dispatcher.register('a', { ...anyone, priority: Priority.STORE }, gates.wait)
    dispatcher.register('b', { ...anyone, priority: Priority.STORE }, gates.wait)
    dispatcher.register('c', anyone, gates.wait)
    const results = ['a', 'b', 'a', 'c'].map((header, body) => outcome(dispatcher.dispatch(event(header, body))))
    await expect(results[2]).resolves.toBe('BUSY')
    await gates.open(0, 3, 1)
    await expect(Promise.all(results)).resolves.toEqual([0, 1, 'BUSY', 3])
    expect(dispatcher.counters).toMatchObject({ accepted: 3, laneFull: 0, classFull: [0, 0, 0, 0, 0, 0, 1, 0] })
  })

  it('lets an event carry its own priority, and falls back to that of its header', async () => {
    const dispatcher = createDispatcher({ concurrency: 1 })
    const gates = new Gates()
    const classify = ({ body }: TestEvent): Priority => {
      if (body === 2) throw new Error('cannot tell')
      if (body === 3) return 99 as Priority
      return body === 4 ? Priority.SESSION : Priority.SEARCH
    }
    dispatcher.register('a', { ...anyone, priority: Priority.READ, classify }, gates.wait)
    const results = [0, 1, 2, 3, 4].map((body) => dispatcher.dispatch(event('a', body)))
    await gates.open(0, 4, 2, 3, 1)
    expect(gates.started).toEqual([0, 4, 2, 3, 1])
    await Promise.all(results)
  })

  it('orders the queue of one header by priority without a total limit, too', async () => {
    const dispatcher = createDispatcher()
    const gates = new Gates()
    const classify = ({ body }: TestEvent): Priority => (body === 2 ? Priority.OWN_REPLY : Priority.READ)
    dispatcher.register('a', { ...anyone, concurrency: 1, classify }, gates.wait)
    const results = [0, 1, 2].map((body) => dispatcher.dispatch(event('a', body)))
    await gates.open(0, 2, 1)
    await Promise.all(results)
  })

  it('runs ten thousand waiting handlers that return at once, without nesting them', async () => {
    const dispatcher = createDispatcher({ concurrency: 1, queuePerPriority: 10_000 })
    const gates = new Gates()
    dispatcher.register('wait', anyone, gates.wait)
    dispatcher.register('now', { ...anyone, queue: 10_000 }, ({ body }) => body)
    const first = dispatcher.dispatch(event('wait'))
    const bodies = Array.from({ length: 10_000 }, (_, body) => body)
    const told: unknown[] = []
    for (const body of bodies) dispatcher.offer(event('now', body), (error, result) => told.push(error ?? result))
    expect(told).toEqual([])
    await gates.open(0)
    await first
    expect(told).toEqual(bodies)
  })

  it.each([[{ concurrency: 0 }], [{ concurrency: 1.5 }], [{ queuePerPriority: -1 }]])('refuses %j', (options) => {
    expect(() => createDispatcher(options)).toThrow(code('INVALID_ARGUMENT'))
  })

  it.each([[{ priority: 8 }], [{ priority: '1' }]])('refuses to register with %j', (options) => {
    const dispatcher = createDispatcher()
    expect(() => dispatcher.register('a', { ...anyone, ...options } as never, () => 0)).toThrow(
      code('INVALID_ARGUMENT'),
    )
    expect(dispatcher.headers()).toEqual([])
  })
})

describe('offer', () => {
  it('settles before it returns when the handler returns no promise, or the event is refused', () => {
    const dispatcher = createDispatcher()
    dispatcher.register('a', anyone, ({ body }) => body)
    dispatcher.register('secret', { access: 'trusted' }, ({ body }) => body)
    dispatcher.register('throws', anyone, () => {
      throw new Error('broken')
    })
    const told: unknown[] = []
    for (const header of ['a', 'nobody', 'secret', 'throws']) {
      dispatcher.offer(event(header, 7), (error, result) => told.push(error ?? result))
    }
    dispatcher.offer(event('a'), (error) => told.push(error), { signal: AbortSignal.abort('no') })
    expect(told).toEqual([7, code('NO_HANDLER'), code('DENIED'), code('HANDLER_FAILED'), 'no'])
    expect(dispatcher.size).toBe(0)
    expect(dispatcher.counters).toMatchObject({ accepted: 2, noHandler: 1, denied: 1 })
  })

  it('settles later when the handler returns a promise, or anything with then', async () => {
    const dispatcher = createDispatcher()
    dispatcher.register('a', anyone, async ({ body }) => body)
    dispatcher.register('thenable', anyone, ({ body }) => {
      // biome-ignore lint/suspicious/noThenProperty: what other promise libraries return
      return { then: (resolve: (value: number) => void) => resolve(body) } as unknown as Promise<number>
    })
    const told: unknown[] = []
    dispatcher.offer(event('a', 1), (_, result) => told.push(result))
    expect(told).toEqual([])
    await expect(dispatcher.dispatch(event('thenable', 2))).resolves.toBe(2)
    expect(told).toEqual([1])
  })

  it('makes no signal unless the handler asks, and the one it asks for late tells what happened', async () => {
    const dispatcher = createDispatcher()
    let context: { readonly signal: AbortSignal } | undefined
    dispatcher.register('a', anyone, (_, given) => {
      context = given
      return new Promise(() => {})
    })
    const abort = new AbortController()
    const gone = outcome(dispatcher.dispatch(event('a'), { signal: abort.signal }))
    abort.abort('enough')
    await expect(gone).resolves.toBe('enough')
    expect(context?.signal.reason).toBe('enough')
  })

  it('goes on when the callback throws', async () => {
    const dispatcher = createDispatcher()
    const gates = new Gates()
    dispatcher.register('a', { ...anyone, concurrency: 1 }, gates.wait)
    const bad = (): never => {
      throw new Error('not my day')
    }
    dispatcher.offer(event('a', 0), bad)
    dispatcher.offer(event('nobody'), bad)
    const next = dispatcher.dispatch(event('a', 1))
    await gates.open(0, 1)
    await expect(next).resolves.toBe(1)
  })

  it('may be called from a callback, which finds the place of its event free', () => {
    const dispatcher = createDispatcher({ concurrency: 1 })
    dispatcher.register('a', { ...anyone, concurrency: 1, queue: 0 }, ({ body }) => body)
    const told: unknown[] = []
    const again = (error: unknown, result?: number): void => {
      told.push(error ?? result)
      if (told.length < 5) dispatcher.offer(event('a', told.length), again)
    }
    dispatcher.offer(event('a', 0), again)
    expect(told).toEqual([0, 1, 2, 3, 4])
  })
})

describe('a dispatcher as a handler', () => {
  it('hands events on, with a signal, and lets errors pass unchanged', async () => {
    const inner = createDispatcher()
    const outer = createDispatcher()
    let signal: AbortSignal | undefined
    inner.register('a', anyone, ({ body }) => body)
    inner.register('hangs', anyone, (_, context) => {
      signal = context.signal
      return new Promise(() => {})
    })
    inner.register('fails', anyone, () => Promise.reject(new Error('broken')))
    for (const header of ['a', 'hangs', 'fails', 'unknown']) outer.register(header, anyone, inner)
    await expect(outer.dispatch(event('a', 3))).resolves.toBe(3)
    const [failed, unknown] = await Promise.all(
      ['fails', 'unknown'].map((header) => outer.dispatch(event(header)).catch((error: unknown) => error)),
    )
    expect(failed).toMatchObject({ code: 'HANDLER_FAILED', cause: new Error('broken') })
    expect(unknown).toMatchObject({ code: 'NO_HANDLER', message: 'no handler for the request "unknown"' })
    const abort = new AbortController()
    const gone = outcome(outer.dispatch(event('hangs'), { signal: abort.signal }))
    abort.abort('enough')
    await expect(gone).resolves.toBe('enough')
    expect(signal?.reason).toBe('enough')
  })

  it('takes anything that dispatches, which may choose another header and reject with errors of its own', async () => {
    const inner = new Dispatcher<TestEvent, number>({ verb: 'datagram', authorize: () => true })
    inner.register('inside', anyone, ({ body }) => body + 1)
    const outer = createDispatcher()
    const mine = new RangeError('mine')
    outer.register('a', anyone, {
      dispatch: (given, options) =>
        given.body === 0 ? Promise.reject(mine) : inner.dispatch({ ...given, header: 'inside' }, options),
    })
    await expect(outer.dispatch(event('a', 1))).resolves.toBe(2)
    await expect(outer.dispatch(event('a', 0))).rejects.toBe(mine)
  })

  it('stays open when the outer one is closed', async () => {
    const [inner, outer] = [createDispatcher(), createDispatcher()]
    inner.register('a', anyone, ({ body }) => body)
    outer.register('a', anyone, inner)
    await outer.close({ signal: AbortSignal.abort('now') })
    await expect(inner.dispatch(event('a', 4))).resolves.toBe(4)
  })
})
