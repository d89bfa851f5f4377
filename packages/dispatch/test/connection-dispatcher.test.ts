import { ConnectionDispatcher, type ConnectionDispatcherOptions, ErrorNumber } from '@pc/dispatch'
import { createIdentity } from '@pc/identity'
import { VirtualClock } from '@pc/testkit'
import { CLOSE_CODES, type CloseCode, Connection, MemoryNetwork, type SecureStream } from '@pc/transport'
import type { Message, MessageId, Value } from '@pc/wire'
import { describe, expect, it } from 'vitest'

const PORT = 3485
const anyone = { access: 'anyone' } as const

/** A dispatcher of one peer, and connections that another peer has opened to it. */
async function setUp(options: Partial<ConnectionDispatcherOptions> = {}) {
  const clock = new VirtualClock()
  const network = new MemoryNetwork()
  const server = network.protocol(createIdentity(new Uint8Array(32).fill(1)).id, '192.0.2.1')
  const client = network.protocol(createIdentity(new Uint8Array(32).fill(2)).id, '192.0.2.2')
  const accepted: SecureStream[] = []
  await server.listen({ host: '192.0.2.1', port: PORT }, (stream) => accepted.push(stream))
  const dispatcher = new ConnectionDispatcher({ authorize: ({ access }) => access === 'anyone', ...options })

  async function open() {
    const stream = await client.connect({ host: '192.0.2.1', port: PORT })
    await clock.advance(0)
    const ours = new Connection(accepted.pop() as SecureStream, { clock })
    const theirs = new Connection(stream, { clock })
    const received: Message[] = []
    theirs.onMessage((message) => received.push(message))
    return { ours, theirs, received }
  }

  async function parked() {
    const pair = await open()
    dispatcher.park(pair.ours)
    return pair
  }

  return { clock, dispatcher, open, parked }
}

const frame = (header: string, id: MessageId, body: Value = null) => ({ header, id, body })

/** The frame by which transport learns on the other side why the connection ends. */
const goAway = (code: CloseCode) => frame('pc/goaway', 0, { code: CLOSE_CODES.indexOf(code), reason: '', lastId: 0 })

function gate(): { promise: Promise<void>; open: () => void } {
  let open: () => void = () => {}
  const promise = new Promise<void>((resolve) => {
    open = resolve
  })
  return { promise, open }
}

describe('ConnectionDispatcher', () => {
  it('hands a parked connection to the service its frame names, and parks it again', async () => {
    const { clock, dispatcher, parked } = await setUp()
    dispatcher.register('echo', anyone, async (connection, message) => {
      expect(dispatcher.parked).toBe(0)
      await connection.send({ header: 'echoed', id: message.id, body: message.body })
    })
    const { theirs, received } = await parked()
    expect(dispatcher.parked).toBe(1)
    for (const id of [1, 2]) {
      await theirs.send(frame('echo', id, `text ${id}`))
      await clock.advance(0)
      expect(received.at(-1)).toMatchObject({ header: 'echoed', id, body: `text ${id}` })
      expect(dispatcher.parked).toBe(1)
    }
  })

  it('gives the frames that follow to the service, even when it starts late and they came at once', async () => {
    const { clock, dispatcher, parked } = await setUp()
    const free = gate()
    const got: string[] = []
    dispatcher.register('upload', { ...anyone, concurrency: 1 }, async (connection, message) => {
      got.push(`upload ${message.id}`)
      await free.promise
      await new Promise<void>((done) => {
        connection.onMessage(({ header, id }) => {
          got.push(`${header} ${id}`)
          if (header === 'end') done()
        })
      })
    })
    const { theirs } = await parked()
    for (const [header, id] of [
      ['upload', 1],
      ['chunk', 1],
      ['end', 1],
      ['upload', 2],
      ['end', 2],
    ] as const) {
      void theirs.send(frame(header, id))
    }
    await clock.advance(0)
    expect(got).toEqual(['upload 1'])
    free.open()
    await clock.advance(0)
    expect(got).toEqual(['upload 1', 'chunk 1', 'end 1', 'upload 2', 'end 2'])
    expect(dispatcher.parked).toBe(1)
  })

  it('answers an unknown service with pc/error 1 and parks the connection', async () => {
    const { clock, dispatcher, parked } = await setUp()
    dispatcher.register('known', anyone, (connection, { id }) => connection.send(frame('fine', id)))
    const { theirs, received } = await parked()
    void theirs.send(frame('unknown', 7))
    void theirs.send(frame('known', 8))
    await clock.advance(0)
    expect(received).toMatchObject([
      { header: 'pc/error', id: 7, body: { code: ErrorNumber.NO_HANDLER } },
      { header: 'fine', id: 8 },
    ])
    expect(dispatcher.parked).toBe(1)
  })

  it('answers services that are denied or busy likewise', async () => {
    const { clock, dispatcher, parked } = await setUp()
    const free = gate()
    dispatcher.register('shut', { access: 'trusted' }, () => {})
    dispatcher.register('slow', { ...anyone, concurrency: 1, queue: 0 }, () => free.promise)
    const first = await parked()
    const second = await parked()
    void first.theirs.send(frame('slow', 1))
    void second.theirs.send(frame('shut', 2))
    await clock.advance(0)
    void second.theirs.send(frame('slow', 3))
    await clock.advance(0)
    expect(second.received).toMatchObject([
      { id: 2, body: { code: ErrorNumber.DENIED } },
      { id: 3, body: { code: ErrorNumber.BUSY } },
    ])
    expect(dispatcher.parked).toBe(1)
    free.open()
    await clock.advance(0)
    expect(dispatcher.parked).toBe(2)
  })

  it('ends the connection of a service that failed, and says nothing of why', async () => {
    const { clock, dispatcher, parked } = await setUp()
    dispatcher.register('broken', anyone, () => {
      throw new Error('secret path /home/anna')
    })
    const { ours, theirs, received } = await parked()
    void theirs.send(frame('broken', 1))
    await clock.advance(10_000)
    expect(received).toMatchObject([{ header: 'pc/error', id: 1, body: { code: ErrorNumber.HANDLER_FAILED } }])
    expect(JSON.stringify(received)).not.toContain('secret')
    await expect(ours.closed).resolves.toMatchObject({ code: 'FAILED' })
    await theirs.closed
    expect(dispatcher.parked).toBe(0)
  })

  it('does not park what a service has closed, and forgets what the other side closes', async () => {
    const { clock, dispatcher, parked } = await setUp()
    dispatcher.register('bye', anyone, (connection) => {
      void connection.close()
    })
    const first = await parked()
    const second = await parked()
    void first.theirs.send(frame('bye', 1))
    await clock.advance(3_000)
    await first.ours.closed
    expect(dispatcher.parked).toBe(1)
    void second.theirs.close()
    await clock.advance(3_000)
    await second.ours.closed
    expect(dispatcher.parked).toBe(0)
  })

  it('closes the connection parked longest when the lot is full', async () => {
    const { clock, dispatcher, parked } = await setUp({ limits: { parked: 2 } })
    dispatcher.register('touch', anyone, () => {})
    const [first, second] = [await parked(), await parked()]
    void first.theirs.send(frame('touch', 1)) // parked anew: now the second is the oldest
    await clock.advance(0)
    const third = await parked()
    await clock.advance(3_000)
    await expect(second.ours.closed).resolves.toMatchObject({ code: 'BUSY' })
    expect(second.received).toMatchObject([goAway('BUSY')])
    expect([first.ours.open, third.ours.open]).toEqual([true, true])
    expect(dispatcher.parked).toBe(2)
  })

  it('ignores connections that are parked, in service or closed', async () => {
    const { clock, dispatcher, parked, open } = await setUp()
    const free = gate()
    const calls: string[] = []
    dispatcher.register('slow', anyone, async (connection) => {
      calls.push('slow')
      dispatcher.park(connection)
      await free.promise
    })
    const { ours, theirs } = await parked()
    dispatcher.park(ours)
    expect(dispatcher.parked).toBe(1)
    void theirs.send(frame('slow', 1))
    await clock.advance(0)
    expect([calls, dispatcher.parked]).toEqual([['slow'], 0])
    free.open()
    await clock.advance(0)
    const closed = await open()
    closed.ours.destroy()
    dispatcher.park(closed.ours)
    expect(dispatcher.parked).toBe(1)
  })

  describe('close', () => {
    it('closes what is parked, lets services finish, then closes theirs', async () => {
      const { clock, dispatcher, parked } = await setUp()
      const free = gate()
      dispatcher.register('slow', anyone, async (connection, { id }) => {
        await free.promise
        await connection.send(frame('done', id))
      })
      const idle = await parked()
      const busy = await parked()
      void busy.theirs.send(frame('slow', 1))
      await clock.advance(0)
      const ended: string[] = []
      void busy.ours.closed.then(() => ended.push('connection'))
      const closing = dispatcher.close().then(() => ended.push('dispatcher'))
      await clock.advance(3_000)
      await expect(idle.ours.closed).resolves.toMatchObject({ code: 'SHUTTING_DOWN' })
      expect(idle.received).toMatchObject([goAway('SHUTTING_DOWN')])
      expect([ended, busy.ours.open]).toEqual([[], true])
      free.open()
      await clock.advance(3_000)
      await closing
      expect(ended).toEqual(['connection', 'dispatcher'])
      expect(busy.received).toMatchObject([{ header: 'done', id: 1 }, goAway('SHUTTING_DOWN')])
      await expect(busy.ours.closed).resolves.toMatchObject({ code: 'SHUTTING_DOWN' })
      await dispatcher.close()
    })

    it('when its signal aborts, tells services and destroys their connections', async () => {
      const { clock, dispatcher, parked } = await setUp()
      let reason: unknown
      dispatcher.register('hangs', anyone, (_, __, { signal }) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
        })
        return new Promise(() => {})
      })
      const { ours, theirs } = await parked()
      void theirs.send(frame('hangs', 1))
      await clock.advance(0)
      const deadline = new AbortController()
      const closing = dispatcher.close({ signal: deadline.signal })
      await clock.advance(3_000)
      expect(ours.open).toBe(true)
      deadline.abort('deadline')
      await closing
      await ours.closed
      expect(reason).toBe('deadline')
    })

    it('closes what is parked afterwards', async () => {
      const { clock, dispatcher, open } = await setUp()
      await dispatcher[Symbol.asyncDispose]()
      const { ours, received } = await open()
      dispatcher.park(ours)
      await clock.advance(3_000)
      expect(received).toMatchObject([goAway('SHUTTING_DOWN')])
      await expect(ours.closed).resolves.toMatchObject({ code: 'SHUTTING_DOWN' })
      expect(() => dispatcher.register('late', anyone, () => {})).toThrow(
        expect.objectContaining({ code: 'CLOSED' }) as Error,
      )
    })
  })

  it('needs a place to park', () => {
    expect(() => new ConnectionDispatcher({ authorize: () => true, limits: { parked: 0 } })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  })
})
