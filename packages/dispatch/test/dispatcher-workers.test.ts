import { once } from 'node:events'
import { MessageChannel, type MessagePort, type TransferListItem } from 'node:worker_threads'
import { Dispatcher, type WorkersOptions } from '@pc/dispatch'
import { VirtualClock } from '@pc/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { outcome, settled } from './_util/dispatcher.js'

interface TaskEvent {
  readonly peer: never
  readonly header: string
  readonly input: { readonly task: string; readonly [key: string]: unknown }
}

const module = new URL('./_util/worker-tasks.mjs', import.meta.url)
const code = (value: string): Error => expect.objectContaining({ name: 'DispatchError', code: value }) as Error
const open: Dispatcher<TaskEvent, unknown>[] = []
afterEach(async () => {
  for (const dispatcher of open.splice(0)) await dispatcher.close({ signal: AbortSignal.abort() })
})

function create(workers: WorkersOptions = {}) {
  const clock = new VirtualClock()
  const dispatcher = new Dispatcher<TaskEvent, unknown>({
    verb: 'request',
    authorize: () => true,
    workers: { maxThreads: 1, clock, ...workers },
  })
  open.push(dispatcher)
  dispatcher.registerWorker('work', {
    access: 'anyone',
    module,
    concurrency: 4,
    pack: ({ input }) => input,
    transfer: (packed) => Object.values(packed as object).filter(isTransferred) as TransferListItem[],
  })
  const run = (input: TaskEvent['input'], signal?: AbortSignal): Promise<unknown> =>
    dispatcher.dispatch({ peer: 'x' as never, header: 'work', input }, signal === undefined ? {} : { signal })
  return { clock, dispatcher, run }
}

const isTransferred = (value: unknown): boolean => value instanceof ArrayBuffer || value instanceof MessagePortClass
const MessagePortClass = new MessageChannel().port1.constructor as typeof MessagePort

/** A task that runs on its thread when this resolves. */
async function running(run: ReturnType<typeof create>['run'], task: 'spin' | 'wait', signal?: AbortSignal) {
  const { port1, port2 } = new MessageChannel()
  const said = once(port1, 'message')
  const result = outcome(run({ task, port: port2 }, signal))
  await said
  return { result, port: port1, gone: once(port1, 'close') }
}

describe('registerWorker', () => {
  it('runs the module on a thread and gives its result', async () => {
    const { run } = create()
    await expect(run({ task: 'double', number: 21 })).resolves.toBe(42)
    expect(await run({ task: 'thread' })).toBeGreaterThan(0)
  })

  it('hands over what transfer names, and copies the rest', async () => {
    const { run } = create()
    const [given, copied] = [new Uint8Array(64).buffer, new Uint8Array(32)]
    await expect(run({ task: 'double', number: 1, given, copied })).resolves.toBe(2)
    expect([given.byteLength, copied.length]).toEqual([0, 32])
    await expect(run({ task: 'bytes', bytes: copied })).resolves.toEqual(['Uint8Array', 32])
  })

  it('fails with what the module threw, and keeps the thread', async () => {
    const { run } = create()
    const thread = await run({ task: 'thread' })
    const error = await run({ task: 'throws' }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'HANDLER_FAILED', header: 'work', cause: new RangeError('out of range') })
    await expect(run({ task: 'thread' })).resolves.toBe(thread)
  })

  it('fails with HANDLER_FAILED when an event cannot be packed, cloned or found', async () => {
    const { dispatcher, run } = create()
    const options = { access: 'anyone', module } as const
    dispatcher.registerWorker('bad pack', { ...options, pack: (): unknown => () => 'functions cannot be cloned' })
    dispatcher.registerWorker('throws', {
      ...options,
      pack: () => {
        throw new Error('no pack')
      },
    })
    dispatcher.registerWorker('missing', { ...options, module: new URL('./none.mjs', module), pack: () => 1 })
    for (const header of ['bad pack', 'throws', 'missing']) {
      const lost = dispatcher.dispatch({ peer: 'x' as never, header, input: { task: '' } })
      await expect(lost).rejects.toEqual(code('HANDLER_FAILED'))
    }
    await expect(run({ task: 'double', number: 2 })).resolves.toBe(4)
  })

  it.each(['exit', 'late', 'uncloneable'])('replaces a thread that died of %s after a pause', async (task) => {
    const { clock, run } = create()
    const first = await run({ task: 'thread' })
    await expect(run({ task })).rejects.toEqual(code('HANDLER_FAILED'))
    const next = run({ task: 'thread' })
    await settled()
    expect(clock.pending).toBe(1)
    await clock.advance(99)
    expect(clock.pending).toBe(1)
    await clock.advance(1)
    expect(await next).toBeGreaterThan(first as number)
    expect(clock.pending).toBe(0)
  })

  it('lets a thread that needs too much memory die alone', async () => {
    const { run } = create({ maxThreads: 2, resourceLimits: { maxOldGenerationSizeMb: 16 } })
    const error = await run({ task: 'hoard' }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'HANDLER_FAILED', cause: { code: 'ERR_WORKER_OUT_OF_MEMORY' } })
    await expect(run({ task: 'double', number: 3 })).resolves.toBe(6) // on the other thread, without a pause
  })

  it('is BUSY when no thread is free and its queue is full, and takes an aborted task out of the queue', async () => {
    const { run } = create({ maxQueue: 1 })
    const first = await running(run, 'wait')
    const abort = new AbortController()
    const waiting = outcome(run({ task: 'double', number: 1 }, abort.signal))
    await expect(run({ task: 'double', number: 2 })).rejects.toEqual(code('BUSY'))
    abort.abort('gone')
    await expect(waiting).resolves.toBe('gone')
    await settled()
    const third = run({ task: 'double', number: 3 })
    first.port.postMessage('end')
    await expect(third).resolves.toBe(6)
    expect(await first.result).toBeGreaterThan(0)
  })

  it('rejects at once when a running task is aborted, keeps its place, and keeps the thread if it ends in time', async () => {
    const { clock, dispatcher, run } = create({ graceMs: 500 })
    const abort = new AbortController()
    const task = await running(run, 'wait', abort.signal)
    abort.abort('enough')
    await expect(task.result).resolves.toBe('enough')
    expect([dispatcher.size, clock.pending]).toEqual([1, 1])
    const next = run({ task: 'thread' })
    await clock.advance(499)
    expect(dispatcher.size).toBe(2)
    task.port.postMessage('end')
    const thread = await next
    await expect(run({ task: 'thread' })).resolves.toBe(thread)
    expect([dispatcher.size, clock.pending]).toEqual([0, 0])
  })

  it('terminates the thread of an aborted task that does not end within the grace time', async () => {
    const { clock, dispatcher, run } = create({ graceMs: 500 })
    const thread = await run({ task: 'thread' })
    const abort = new AbortController()
    const task = await running(run, 'spin', abort.signal)
    abort.abort('enough')
    await expect(task.result).resolves.toBe('enough')
    expect(dispatcher.size).toBe(1)
    await clock.advance(500)
    await task.gone
    // No pause: the thread did not die by itself.
    expect(await run({ task: 'thread' })).toBeGreaterThan(thread as number)
    expect([dispatcher.size, clock.pending]).toEqual([0, 0])
  })

  it('never runs more than maxThreads', async () => {
    const { run } = create({ maxThreads: 2 })
    const [one, two] = await Promise.all([running(run, 'wait'), running(run, 'wait')])
    const third = run({ task: 'thread' })
    two.port.postMessage('end')
    expect(await third).toBe(await two.result)
    one.port.postMessage('end')
    expect(await one.result).not.toBe(await two.result)
  })

  describe('close', () => {
    it('lets tasks end, then the threads', async () => {
      const { dispatcher, run } = create()
      const task = await running(run, 'wait')
      const waiting = run({ task: 'double', number: 4 })
      const closing = dispatcher.close()
      task.port.postMessage('end')
      await closing
      expect(await task.result).toBeGreaterThan(0)
      await expect(waiting).resolves.toBe(8)
      await dispatcher.close()
    })

    it('ends the threads of tasks that do not when it is abrupt, a second one too', async () => {
      const { dispatcher, run } = create()
      const task = await running(run, 'spin')
      const waiting = outcome(run({ task: 'double', number: 4 }))
      const polite = dispatcher.close()
      await dispatcher.close({ signal: AbortSignal.abort('now') })
      await task.gone
      await polite
      await expect(Promise.all([task.result, waiting])).resolves.toEqual(['CLOSED', 'CLOSED'])
    })

    it('has nothing to wait for when no event came', async () => {
      const { clock, dispatcher } = create()
      await dispatcher.close()
      expect(clock.pending).toBe(0)
    })
  })

  it.each([
    [{ module: new URL('https://example.net/x.mjs'), pack: (): number => 1 }],
    [{ module: './x.mjs', pack: (): number => 1 }],
    [{ module }],
  ])('refuses the options %j', (options) => {
    const { dispatcher } = create()
    expect(() => dispatcher.registerWorker('x', { access: 'anyone', ...options } as never)).toThrow(
      code('INVALID_ARGUMENT'),
    )
    expect(dispatcher.headers()).toEqual(['work'])
  })

  it.each([[{ maxThreads: 0 }], [{ maxQueue: -1 }], [{ idleMs: 0.5 }], [{ graceMs: -1 }]])(
    'refuses workers of %j',
    (workers) => {
      expect(() => create(workers)).toThrow(code('INVALID_ARGUMENT'))
    },
  )

  it('has one handler for a header, and none after close', async () => {
    const { dispatcher } = create()
    const register = (): unknown => dispatcher.registerWorker('work', { access: 'anyone', module, pack: () => 1 })
    expect(register).toThrow(code('HANDLER_EXISTS'))
    await dispatcher.close()
    expect(register).toThrow(code('CLOSED'))
  })
})
