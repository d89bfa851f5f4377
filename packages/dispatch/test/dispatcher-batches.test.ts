import { Priority } from '@pc/dispatch'
import { describe, expect, it } from 'vitest'
import { createDispatcher, event, outcome, settled, type TestEvent } from './_util/dispatcher.js'

const anyone = { access: 'anyone' } as const
const code = (value: string): Error => expect.objectContaining({ name: 'DispatchError', code: value }) as Error

/** A batch handler that waits for the test, and what it was given. */
function batches() {
  const given: number[][] = []
  const signals: AbortSignal[] = []
  const open: (() => void)[] = []
  const handle = async (events: TestEvent[], { signal }: { signal: AbortSignal }): Promise<number[]> => {
    const bodies = events.map(({ body }) => body)
    given.push(bodies)
    signals.push(signal)
    await new Promise<void>((resolve) => open.push(resolve))
    return bodies.map((body) => body * 10)
  }
  async function next(): Promise<void> {
    open.shift()?.()
    await settled()
  }
  return { given, signals, handle, next }
}

describe('registerBatch', () => {
  it('hands over together what waits, up to maxBatch, and gives each event its own result', async () => {
    const dispatcher = createDispatcher()
    const { given, handle, next } = batches()
    dispatcher.registerBatch('a', { ...anyone, maxBatch: 3 }, handle)
    const results = [0, 1, 2, 3, 4].map((body) => dispatcher.dispatch(event('a', body)))
    for (let batch = 0; batch < 3; batch++) await next()
    expect(given).toEqual([[0], [1, 2, 3], [4]])
    await expect(Promise.all(results)).resolves.toEqual([0, 10, 20, 30, 40])
    expect(dispatcher.size).toBe(0)
  })

  it('takes a batch in order of priority, and counts it once against the total', async () => {
    const dispatcher = createDispatcher({ concurrency: 2 })
    const { given, handle, next } = batches()
    const classify = ({ body }: TestEvent): Priority => (body % 2 === 0 ? Priority.READ : Priority.SESSION)
    dispatcher.registerBatch('a', { ...anyone, maxBatch: 8, concurrency: 2, classify }, handle)
    const results = [0, 1, 2, 3, 4, 5].map((body) => dispatcher.dispatch(event('a', body)))
    expect(given).toEqual([[0], [1]])
    await next()
    expect(given).toEqual([[0], [1], [3, 5, 2, 4]])
    await next()
    await next()
    await expect(Promise.all(results)).resolves.toEqual([0, 10, 20, 30, 40, 50])
  })

  it('rejects all of a batch that fails, and goes on', async () => {
    const dispatcher = createDispatcher()
    const { handle, next } = batches()
    let first = true
    dispatcher.registerBatch('a', { ...anyone, maxBatch: 2 }, async (events, context) => {
      const results = await handle(events, context)
      if (events.length === 1 && first) return results
      first = false
      return events[0]?.body === 1 ? results.slice(1) : results
    })
    const results = [0, 1, 2, 3].map((body) => outcome(dispatcher.dispatch(event('a', body))))
    for (let batch = 0; batch < 3; batch++) await next()
    await expect(Promise.all(results)).resolves.toEqual([0, 'HANDLER_FAILED', 'HANDLER_FAILED', 30])
  })

  it('leaves out an event that is aborted while it waits, and tells the batch when nobody waits for it', async () => {
    const dispatcher = createDispatcher()
    const { given, signals, handle, next } = batches()
    dispatcher.registerBatch('a', { ...anyone, maxBatch: 8 }, handle)
    const aborts = [0, 1, 2, 3].map(() => new AbortController())
    const results = aborts.map(({ signal }, body) => outcome(dispatcher.dispatch(event('a', body), { signal })))
    aborts[2]?.abort('gone')
    await next()
    expect(given).toEqual([[0], [1, 3]])
    aborts[1]?.abort('one')
    expect(signals[1]?.aborted).toBe(false)
    aborts[3]?.abort('all')
    expect(signals[1]?.reason).toBe('all')
    await expect(Promise.all(results)).resolves.toEqual([0, 'one', 'gone', 'all'])
    expect(dispatcher.size).toBe(2) // the batch keeps its place until it ends
    await next()
    expect(dispatcher.size).toBe(0)
  })

  it('gives the others of a batch their own results when one is aborted while it runs', async () => {
    const dispatcher = createDispatcher()
    const { given, handle, next } = batches()
    dispatcher.registerBatch('a', { ...anyone, maxBatch: 8 }, handle)
    const abort = new AbortController()
    const results = [0, 1, 2, 3].map((body) =>
      outcome(dispatcher.dispatch(event('a', body), body === 1 ? { signal: abort.signal } : {})),
    )
    await next()
    abort.abort('gone')
    await next()
    expect(given).toEqual([[0], [1, 2, 3]])
    await expect(Promise.all(results)).resolves.toEqual([0, 'gone', 20, 30])
  })

  it('is given up as a whole by an abrupt close', async () => {
    const dispatcher = createDispatcher()
    const { signals, handle } = batches()
    dispatcher.registerBatch('a', { ...anyone, maxBatch: 8, concurrency: 1 }, handle)
    const results = [0, 1].map((body) => outcome(dispatcher.dispatch(event('a', body))))
    await dispatcher.close({ signal: AbortSignal.abort('now') })
    await expect(Promise.all(results)).resolves.toEqual(['CLOSED', 'CLOSED'])
    expect(signals[0]?.reason).toBe('now')
  })

  it('puts middleware around each event of a batch', async () => {
    const dispatcher = createDispatcher()
    const { given, handle, next } = batches()
    dispatcher.registerBatch('a', { ...anyone, maxBatch: 8 }, handle)
    dispatcher.use(async ({ body }, inner) => {
      if (body === 2) return -1
      return (await inner()) + 1
    })
    const results = [0, 1, 2, 3].map((body) => dispatcher.dispatch(event('a', body)))
    await settled()
    await next()
    await next()
    await expect(Promise.all(results)).resolves.toEqual([1, 11, -1, 31])
    expect(given).toEqual([[0], [1, 3]])
    expect(dispatcher.size).toBe(0)
  })

  it.each([[{ maxBatch: 0 }], [{}], [{ maxBatch: 2, concurrency: 0 }]])('refuses the options %j', (options) => {
    const register = (): unknown => createDispatcher().registerBatch('a', { ...anyone, ...options } as never, () => [])
    expect(register).toThrow(code('INVALID_ARGUMENT'))
  })
})
