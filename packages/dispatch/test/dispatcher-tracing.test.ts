import { channel, tracingChannel } from 'node:diagnostics_channel'
import { afterEach, describe, expect, it } from 'vitest'
import { createDispatcher, event, outcome } from './_util/dispatcher.js'

const anyone = { access: 'anyone' } as const
const cleanUp: (() => void)[] = []
afterEach(() => {
  for (const undo of cleanUp.splice(0)) undo()
})

/** Names of what is published while the test runs, with the body of the message. */
function listen(): [name: string, message: unknown][] {
  const heard: [string, unknown][] = []
  const handling = tracingChannel('pc:dispatch:handle')
  const on = (name: string) => (message: unknown) => {
    heard.push([name, structuredClone(message)])
  }
  const subscribers = {
    start: on('start'),
    end: on('end'),
    asyncStart: on('asyncStart'),
    asyncEnd: on('asyncEnd'),
    error: on('error'),
  }
  const refused = on('refused')
  handling.subscribe(subscribers)
  channel('pc:dispatch:refused').subscribe(refused)
  cleanUp.push(() => {
    handling.unsubscribe(subscribers)
    channel('pc:dispatch:refused').unsubscribe(refused)
  })
  return heard
}

const names = (heard: [string, unknown][]): string[] => heard.map(([name]) => name)

describe('diagnostics channels', () => {
  it('tells start and end of handlers, at once or later, with verb, header and peer', async () => {
    const heard = listen()
    const dispatcher = createDispatcher()
    dispatcher.register('now', anyone, ({ body }) => body)
    dispatcher.register('later', anyone, async ({ body }) => body)
    await expect(dispatcher.dispatch(event('now', 1))).resolves.toBe(1)
    expect(heard).toEqual([
      ['start', { verb: 'request', header: 'now', peer: 'somebody' }],
      ['end', { verb: 'request', header: 'now', peer: 'somebody' }],
    ])
    heard.length = 0
    await expect(dispatcher.dispatch(event('later', 2))).resolves.toBe(2)
    expect(names(heard)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
  })

  it('tells errors, with what the handler threw', async () => {
    const heard = listen()
    const dispatcher = createDispatcher()
    dispatcher.register('now', anyone, () => {
      throw new Error('broken')
    })
    dispatcher.register('later', anyone, () => Promise.reject(new Error('broken')))
    await expect(outcome(dispatcher.dispatch(event('now')))).resolves.toBe('HANDLER_FAILED')
    expect(names(heard)).toEqual(['start', 'error', 'end'])
    expect(heard[1]?.[1]).toMatchObject({ header: 'now', error: new Error('broken') })
    heard.length = 0
    await expect(outcome(dispatcher.dispatch(event('later')))).resolves.toBe('HANDLER_FAILED')
    expect(names(heard)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
  })

  it('tells each event of a batch, which is still handed over together', async () => {
    const heard = listen()
    const dispatcher = createDispatcher()
    const sizes: number[] = []
    dispatcher.registerBatch('a', { ...anyone, maxBatch: 4 }, async (events) => {
      sizes.push(events.length)
      return events.map(({ body }) => body)
    })
    const results = [1, 2, 3].map((body) => dispatcher.dispatch(event('a', body)))
    await expect(Promise.all(results)).resolves.toEqual([1, 2, 3])
    expect(sizes).toEqual([1, 2])
    expect(names(heard).filter((name) => name === 'start')).toHaveLength(3)
    expect(names(heard).filter((name) => name === 'asyncEnd')).toHaveLength(3)
  })

  it('tells what is refused, and why', async () => {
    const heard = listen()
    const dispatcher = createDispatcher()
    dispatcher.register('full', { ...anyone, concurrency: 1, queue: 0 }, () => new Promise(() => {}))
    dispatcher.register('shut', { access: 'trusted' }, () => 0)
    const running = outcome(dispatcher.dispatch(event('full')))
    heard.length = 0
    await Promise.all(['full', 'shut', 'nobody'].map((header) => outcome(dispatcher.dispatch(event(header)))))
    await dispatcher.close({ signal: AbortSignal.abort() })
    await expect(outcome(dispatcher.dispatch(event('a')))).resolves.toBe('CLOSED')
    await running
    expect(heard.filter(([name]) => name === 'refused').map(([, message]) => message)).toEqual([
      { verb: 'request', header: 'full', code: 'BUSY' },
      { verb: 'request', header: 'shut', code: 'DENIED' },
      { verb: 'request', header: 'nobody', code: 'NO_HANDLER' },
      { verb: 'request', header: 'a', code: 'CLOSED' },
    ])
  })

  it('says nothing when nobody listens any more', async () => {
    const heard = listen()
    for (const undo of cleanUp.splice(0)) undo()
    const dispatcher = createDispatcher()
    dispatcher.register('a', anyone, ({ body }) => body)
    await dispatcher.dispatch(event('a'))
    await outcome(dispatcher.dispatch(event('nobody')))
    expect(heard).toEqual([])
  })
})

describe('middleware', () => {
  it('stands around every handler until it is taken away, and what it throws counts as the handler’s', async () => {
    const dispatcher = createDispatcher()
    const seen: number[] = []
    dispatcher.register('a', anyone, ({ body }) => body)
    const take = dispatcher.use(({ body }, next, { signal }) => {
      seen.push(body)
      if (body === 2 || signal.aborted) throw new Error('not today')
      return next()
    })
    const results = [1, 2].map((body) => dispatcher.dispatch(event('a', body)).catch((error: unknown) => error))
    expect(await Promise.all(results)).toEqual([
      1,
      expect.objectContaining({ code: 'HANDLER_FAILED', cause: new Error('not today') }),
    ])
    take()
    await expect(dispatcher.dispatch(event('a', 2))).resolves.toBe(2)
    expect(seen).toEqual([1, 2])
  })
})
