import { createTestLogger } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { type Access, type Authorize, Dispatcher, type DispatcherOptions, type Verb } from './dispatcher.js'
import { DispatchError } from './errors.js'

interface TestEvent {
  peer: never
  header: string
  body?: number
}

const openOnly: Authorize = ({ access }) => access === 'anyone'

function create<Result = void>(options: Partial<DispatcherOptions> = {}): Dispatcher<TestEvent, Result> {
  return new Dispatcher<TestEvent, Result>({ verb: 'request', authorize: openOnly, ...options })
}

function event(header: string, body?: number): TestEvent {
  return { peer: 'somebody' as never, header, ...(body === undefined ? {} : { body }) }
}

/** A promise settled from outside. */
function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

const code = (value: string): object => expect.objectContaining({ name: 'DispatchError', code: value })
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('Dispatcher', () => {
  it('hands the event to the handler of its header, at once, and returns its result', async () => {
    const dispatcher = create<string>()
    const seen: string[] = []
    dispatcher.register('a', { access: 'anyone' }, ({ body }) => {
      seen.push(`a${body}`)
      return 'from a'
    })
    dispatcher.register('b', { access: 'anyone' }, async () => 'from b')
    const result = dispatcher.dispatch(event('a', 1))
    expect(seen).toEqual(['a1'])
    await expect(result).resolves.toBe('from a')
    await expect(dispatcher.dispatch(event('b'))).resolves.toBe('from b')
    expect(dispatcher.headers()).toEqual(['a', 'b'])
  })

  it('rejects headers without a handler, inherited names included', async () => {
    const dispatcher = create()
    for (const header of ['nobody', '__proto__', 'constructor']) {
      await expect(dispatcher.dispatch(event(header))).rejects.toEqual(code('NO_HANDLER'))
    }
  })

  it('has one handler per header, until it is unregistered', async () => {
    const dispatcher = create<number>()
    const unregister = dispatcher.register('a', { access: 'anyone' }, () => 1)
    expect(() => dispatcher.register('a', { access: 'anyone' }, () => 2)).toThrow(code('HANDLER_EXISTS') as Error)
    unregister()
    await expect(dispatcher.dispatch(event('a'))).rejects.toEqual(code('NO_HANDLER'))
    dispatcher.register('a', { access: 'anyone' }, () => 2)
    unregister() // the old handler's: it must not take the new one away
    await expect(dispatcher.dispatch(event('a'))).resolves.toBe(2)
  })

  it('still handles what was accepted before its handler was unregistered', async () => {
    const dispatcher = create<number>()
    const gate = deferred()
    const unregister = dispatcher.register('a', { access: 'anyone', concurrency: 1 }, async ({ body = 0 }) => {
      await gate.promise
      return body
    })
    const results = Promise.all([dispatcher.dispatch(event('a', 1)), dispatcher.dispatch(event('a', 2))])
    unregister()
    gate.resolve()
    await expect(results).resolves.toEqual([1, 2])
  })

  it('asks authorize with peer, verb, header and access before every handler', async () => {
    const questions: unknown[] = []
    const dispatcher = create<string>({
      verb: 'service',
      authorize: (question: { peer: unknown; verb: Verb; header: string; access: Access }) => {
        questions.push(question)
        return question.header === 'open'
      },
    })
    let called = 0
    dispatcher.register('open', { access: 'anyone' }, () => 'yes')
    dispatcher.register('shut', { access: 'trusted' }, () => `called ${++called}`)
    await expect(dispatcher.dispatch(event('open'))).resolves.toBe('yes')
    await expect(dispatcher.dispatch(event('shut'))).rejects.toEqual(code('DENIED'))
    expect(called).toBe(0)
    expect(questions).toEqual([
      { peer: 'somebody', verb: 'service', header: 'open', access: 'anyone' },
      { peer: 'somebody', verb: 'service', header: 'shut', access: 'trusted' },
    ])
  })

  it('refuses when authorize throws or answers anything but true', async () => {
    const logger = createTestLogger()
    const answers = [
      () => {
        throw new Error('broken rule')
      },
      () => 'yes' as unknown as boolean,
      () => Promise.resolve(true) as unknown as boolean,
    ]
    for (const authorize of answers) {
      const dispatcher = create({ authorize, logger })
      dispatcher.register('a', { access: 'anyone' }, () => {})
      await expect(dispatcher.dispatch(event('a'))).rejects.toEqual(code('DENIED'))
    }
    expect(logger.messages('error')).toHaveLength(1)
  })

  it('wraps what a handler throws, now or later', async () => {
    const dispatcher = create()
    const cause = new Error('disk full')
    dispatcher.register('now', { access: 'anyone' }, () => {
      throw cause
    })
    dispatcher.register('later', { access: 'anyone' }, () => Promise.reject(cause))
    for (const header of ['now', 'later']) {
      const error = await dispatcher.dispatch(event(header)).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(DispatchError)
      expect(error).toMatchObject({ code: 'HANDLER_FAILED', cause, header, retryable: false })
    }
  })

  it('runs as many as its concurrency, queues in order, and is BUSY beyond its queue', async () => {
    const dispatcher = create<number>()
    const gates = [deferred(), deferred(), deferred(), deferred()]
    const started: number[] = []
    dispatcher.register('a', { access: 'anyone', concurrency: 2, queue: 2 }, async ({ body = 0 }) => {
      started.push(body)
      await gates[body]?.promise
      return body
    })
    const results = [0, 1, 2, 3].map((body) => dispatcher.dispatch(event('a', body)))
    await expect(dispatcher.dispatch(event('a', 4))).rejects.toEqual(code('BUSY'))
    expect(started).toEqual([0, 1])
    gates[1]?.resolve()
    await results[1]
    expect(started).toEqual([0, 1, 2])
    gates[0]?.resolve()
    gates[2]?.resolve()
    gates[3]?.resolve()
    await expect(Promise.all(results)).resolves.toEqual([0, 1, 2, 3])
    expect(started).toEqual([0, 1, 2, 3])
    expect(dispatcher.size).toBe(0)
  })

  it('frees the place of an event before its caller hears the result', async () => {
    const dispatcher = create<number>()
    dispatcher.register('a', { access: 'anyone', concurrency: 1, queue: 0 }, async () => 1)
    for (let round = 0; round < 3; round++) await expect(dispatcher.dispatch(event('a'))).resolves.toBe(1)
  })

  it('lets a handler that hangs hurt nobody else', async () => {
    const dispatcher = create<string>()
    dispatcher.register('hangs', { access: 'anyone', concurrency: 1, queue: 1 }, () => new Promise(() => {}))
    dispatcher.register('works', { access: 'anyone' }, () => 'fine')
    void dispatcher.dispatch(event('hangs'))
    void dispatcher.dispatch(event('hangs'))
    await expect(dispatcher.dispatch(event('hangs'))).rejects.toEqual(code('BUSY'))
    await expect(dispatcher.dispatch(event('works'))).resolves.toBe('fine')
  })

  describe('signal', () => {
    it('rejects at once when it is aborted already', async () => {
      const dispatcher = create()
      let called = false
      dispatcher.register('a', { access: 'anyone' }, () => {
        called = true
      })
      await expect(dispatcher.dispatch(event('a'), { signal: AbortSignal.abort('no') })).rejects.toBe('no')
      expect(called).toBe(false)
    })

    it('takes a waiting event out of the queue and frees its place there', async () => {
      const dispatcher = create<number>()
      const gate = deferred()
      const started: number[] = []
      dispatcher.register('a', { access: 'anyone', concurrency: 1, queue: 1 }, async ({ body = 0 }) => {
        started.push(body)
        await gate.promise
        return body
      })
      const first = dispatcher.dispatch(event('a', 1))
      const abort = new AbortController()
      const second = dispatcher.dispatch(event('a', 2), { signal: abort.signal })
      abort.abort('changed my mind')
      await expect(second).rejects.toBe('changed my mind')
      const third = dispatcher.dispatch(event('a', 3))
      gate.resolve()
      await expect(Promise.all([first, third])).resolves.toEqual([1, 3])
      expect(started).toEqual([1, 3])
    })

    it('tells a running handler, rejects at once, and keeps the place until the handler settles', async () => {
      const dispatcher = create()
      const gate = deferred()
      let reason: unknown
      dispatcher.register('a', { access: 'anyone', concurrency: 1, queue: 0 }, async (_, { signal }) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
        })
        await gate.promise
      })
      const abort = new AbortController()
      const running = dispatcher.dispatch(event('a'), { signal: abort.signal })
      abort.abort('enough')
      await expect(running).rejects.toBe('enough')
      expect(reason).toBe('enough')
      await expect(dispatcher.dispatch(event('a'))).rejects.toEqual(code('BUSY'))
      gate.resolve()
      await tick()
      await expect(dispatcher.dispatch(event('a'))).resolves.toBeUndefined()
    })

    it('leaves no listener behind', async () => {
      const dispatcher = create()
      dispatcher.register('a', { access: 'anyone' }, () => {})
      let listeners = 0
      const signal = new AbortController().signal
      const add = signal.addEventListener.bind(signal)
      const remove = signal.removeEventListener.bind(signal)
      signal.addEventListener = (...all: Parameters<typeof add>) => {
        listeners++
        add(...all)
      }
      signal.removeEventListener = (...all: Parameters<typeof remove>) => {
        listeners--
        remove(...all)
      }
      await dispatcher.dispatch(event('a'), { signal })
      expect(listeners).toBe(0)
    })
  })

  describe('close', () => {
    it('refuses new events, drains accepted ones, then resolves', async () => {
      const dispatcher = create<number>()
      const gate = deferred()
      dispatcher.register('a', { access: 'anyone', concurrency: 1 }, async ({ body = 0 }) => {
        await gate.promise
        return body
      })
      const results = Promise.all([1, 2, 3].map((body) => dispatcher.dispatch(event('a', body))))
      let closed = false
      const closing = dispatcher.close().then(() => {
        closed = true
      })
      await expect(dispatcher.dispatch(event('a'))).rejects.toEqual(code('CLOSED'))
      expect(() => dispatcher.register('b', { access: 'anyone' }, () => 0)).toThrow(code('CLOSED') as Error)
      await tick()
      expect(closed).toBe(false)
      gate.resolve()
      await expect(results).resolves.toEqual([1, 2, 3])
      await closing
      expect(dispatcher.size).toBe(0)
    })

    it('is idempotent, and resolves at once when nothing is under way', async () => {
      const dispatcher = create()
      await dispatcher.close()
      await dispatcher.close()
      await dispatcher[Symbol.asyncDispose]()
    })

    it('waits for the handler of an event whose caller has gone', async () => {
      const dispatcher = create()
      const gate = deferred()
      dispatcher.register('a', { access: 'anyone' }, () => gate.promise)
      const abort = new AbortController()
      const gone = dispatcher.dispatch(event('a'), { signal: abort.signal })
      abort.abort('gone')
      await expect(gone).rejects.toBe('gone')
      let closed = false
      const closing = dispatcher.close().then(() => {
        closed = true
      })
      await tick()
      expect(closed).toBe(false)
      gate.resolve()
      await closing
    })

    it.each(['before', 'after'])(
      'gives up waiting and running events when its signal aborts %s the call',
      async (when) => {
        const dispatcher = create()
        const started: number[] = []
        const aborted: unknown[] = []
        dispatcher.register('a', { access: 'anyone', concurrency: 1 }, ({ body = 0 }, { signal }) => {
          started.push(body)
          signal.addEventListener('abort', () => aborted.push(signal.reason))
          return new Promise(() => {}) // never listens
        })
        const results = Promise.allSettled([1, 2].map((body) => dispatcher.dispatch(event('a', body))))
        const abort = new AbortController()
        if (when === 'before') abort.abort('deadline')
        const closing = dispatcher.close({ signal: abort.signal })
        abort.abort('deadline')
        await closing
        expect((await results).map((result) => result.status === 'rejected' && result.reason)).toEqual([
          code('CLOSED'),
          code('CLOSED'),
        ])
        expect(started).toEqual([1])
        expect(aborted).toEqual(['deadline'])
      },
    )

    it('lets a second, abrupt close end a polite one', async () => {
      const dispatcher = create()
      dispatcher.register('a', { access: 'anyone' }, () => new Promise(() => {}))
      const lost = dispatcher.dispatch(event('a'))
      const polite = dispatcher.close()
      await dispatcher.close({ signal: AbortSignal.abort('now') })
      await polite
      await expect(lost).rejects.toMatchObject({ code: 'CLOSED', cause: 'now' })
    })
  })

  it.each([
    [{ access: 'anyone', concurrency: 0 }],
    [{ access: 'anyone', concurrency: Number.NaN }],
    [{ access: 'anyone', queue: -1 }],
    [{ access: 'everybody' }],
  ])('refuses the options %j', (options) => {
    expect(() => create().register('a', options as never, () => {})).toThrow(code('INVALID_ARGUMENT') as Error)
  })
})
