import { DispatchError, Feed } from '@pc/dispatch'
import { createTestLogger, VirtualClock } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { ControlError } from '../src/index.js'
import { command, RawClient, startClient, startServer, until } from './_util/harness.js'

const echo = command('echo', async (args) => args)
const forever = command('forever', (_args, { signal }) => {
  return new Promise<null>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
})

describe('a session', () => {
  it('answers a request with the same id', async () => {
    const server = await startServer([echo])
    const client = await RawClient.open(server.path)
    client.send('echo', 7, { a: [1, 'x', null] })
    expect(await client.receive(({ type }) => type === 'ok')).toEqual({
      type: 'ok',
      id: 7,
      result: { a: [1, 'x', null] },
    })
    expect(client.messages[0]).toEqual({ type: 'hello', protocol: 1, daemon: 'pcd/test' })
  })

  it('runs commands at the same time: a slow one holds nobody up', async () => {
    const server = await startServer([echo, forever])
    const client = await RawClient.open(server.path)
    client.send('forever', 1, null)
    client.send('echo', 2, 'quick')
    expect(await client.receive(({ type }) => type === 'ok')).toMatchObject({ id: 2 })
  })

  it('passes on what is meant for clients, and logs the rest', async () => {
    const logger = createTestLogger()
    const failing = command('fail', async (args) => {
      if (args === 'denied') throw new ControlError('DENIED', 'not you', { details: { peer: 'anna' } })
      throw new TypeError('secret')
    })
    const thrower = command('throw', () => {
      throw new Error('before any promise')
    })
    const server = await startServer([failing, thrower, echo], { logger })
    const client = await startClient(server)
    await expect(client.call('fail', 'denied')).rejects.toMatchObject({
      code: 'DENIED',
      message: 'not you',
      details: { peer: 'anna' },
    })
    await expect(client.call('fail')).rejects.toMatchObject({ code: 'INTERNAL' })
    await expect(client.call('throw')).rejects.toMatchObject({ code: 'INTERNAL' })
    expect(logger.messages('error')).toEqual(['command failed', 'command failed'])
    expect(await client.call('echo', 1)).toBe(1)
  })

  it('refuses results that are no values, or too large, and stays', async () => {
    const server = await startServer([
      command('date', async () => new Date(0)),
      command('large', async () => 'x'.repeat(1_048_577)),
      command('largeItem', async function* () {
        yield 1
        yield 'x'.repeat(1_048_577)
      }),
      command('nothing', async () => undefined),
    ])
    const client = await startClient(server)
    await expect(client.call('date')).rejects.toMatchObject({ code: 'INTERNAL' })
    await expect(client.call('large')).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' })
    const stream = client.stream('largeItem')
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    await expect(stream.next()).rejects.toMatchObject({ code: 'ANSWER_TOO_LARGE' })
    expect(await client.call('nothing')).toBeNull()
  })

  it('refuses commands it does not know, and the 65th in flight', async () => {
    const server = await startServer([forever])
    const client = await RawClient.open(server.path)
    client.send('nope', 100, null)
    expect(await client.errorCode(100)).toBe('UNKNOWN_COMMAND')
    for (let id = 1; id <= 65; id++) client.send('forever', id, null)
    expect(await client.errorCode(65)).toBe('BUSY')
    client.send('cancel', 3, null)
    expect(await client.errorCode(3)).toBe('CANCELLED')
    client.send('forever', 66, null)
    client.send('cancel', 66, null)
    expect(await client.errorCode(66)).toBe('CANCELLED')
  })

  it('counts commands that ignore their signal until they end', async () => {
    let end = (): void => {}
    const stubborn = command('stubborn', () => new Promise<null>((resolve) => (end = () => resolve(null))))
    const server = await startServer([stubborn], { limits: { commands: 1 } })
    const first = await RawClient.open(server.path)
    first.send('stubborn', 1, null)
    first.send('cancel', 1, null)
    expect(await first.errorCode(1)).toBe('CANCELLED')
    first.socket.destroy()
    const second = await RawClient.open(server.path)
    second.send('stubborn', 1, null)
    expect(await second.errorCode(1)).toBe('BUSY')
    end()
    second.send('stubborn', 2, null)
    second.send('stubborn', 3, null)
    expect(await second.errorCode(3)).toBe('BUSY')
    end()
    expect(await second.receive(({ type }) => type === 'ok')).toMatchObject({ id: 2 })
  })
})

describe('a stream', () => {
  it('ends with end, and closes its source when the client cancels', async () => {
    const feed = new Feed<number>()
    const server = await startServer([
      command('count', async function* () {
        yield* [1, 2, 3]
      }),
      command('follow', () => feed.subscribe()),
    ])
    const client = await RawClient.open(server.path)
    client.send('count', 1, null)
    await client.receive(({ type }) => type === 'end')
    expect(client.messages.slice(1).map((message) => (message.type === 'event' ? message.item : message.type))).toEqual(
      [1, 2, 3, 'end'],
    )
    client.send('follow', 2, null)
    await until(() => feed.size === 1)
    feed.publish(42)
    await client.receive((message) => message.type === 'event' && message.item === 42)
    client.send('cancel', 2, null)
    expect(await client.errorCode(2)).toBe('CANCELLED')
    expect(feed.size).toBe(0)
  })

  it('closes its source when the client vanishes', async () => {
    const feed = new Feed<number>()
    const server = await startServer([command('follow', () => feed.subscribe()), forever])
    const client = await RawClient.open(server.path)
    client.send('follow', 1, null)
    client.send('forever', 2, null)
    await until(() => feed.size === 1)
    client.socket.destroy()
    await until(() => feed.size === 0 && server.sessions === 0)
  })

  it('waits for a slow reader, and loses nothing', async () => {
    const total = 300
    let produced = 0
    const big = 'x'.repeat(32_768)
    const source = command('big', async function* () {
      while (produced < total) yield `${produced++} ${big}`
    })
    const server = await startServer([source])
    const client = await RawClient.open(server.path)
    client.socket.pause()
    client.send('big', 1, null)
    await until(() => produced > 30)
    for (let turn = 0; turn < 100; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
    expect(produced).toBeLessThan(total / 2)
    client.socket.resume()
    await client.receive(({ type }) => type === 'end')
    expect(client.messages.filter(({ type }) => type === 'event')).toHaveLength(total)
  })

  it('ends with SLOW_CLIENT when its reader reads nothing at all', async () => {
    const clock = new VirtualClock()
    const logger = createTestLogger()
    let closed = false
    let produced = 0
    const source = command('big', async function* () {
      try {
        for (;;) {
          produced++
          yield 'x'.repeat(65_536)
        }
      } finally {
        closed = true
      }
    })
    const server = await startServer([source, echo], { clock, logger })
    const other = await RawClient.open(server.path)
    const client = await RawClient.open(server.path)
    client.socket.pause()
    client.send('big', 1, null)
    await until(() => produced > 16)
    while (!closed) await clock.advance(10_000) // until the outbox is full, there is no timer to fire
    expect(logger.messages('info')).toEqual(['control session too slow'])
    client.socket.resume()
    expect(await client.errorCode(1)).toBe('SLOW_CLIENT')
    await client.closed
    other.send('echo', 1, 'still here')
    expect(await other.receive(({ type }) => type === 'ok')).toMatchObject({ result: 'still here' })
  })

  it('ends with SLOW_CLIENT when its source gave up on it', async () => {
    const overflowing = command('follow', async function* () {
      yield 1
      throw new DispatchError('FEED_OVERFLOW', 'too far behind')
    })
    const client = await startClient(await startServer([overflowing]))
    const stream = client.stream('follow')
    expect(await stream.next()).toEqual({ done: false, value: 1 })
    await expect(stream.next()).rejects.toMatchObject({ code: 'SLOW_CLIENT' })
  })
})

describe('a client that misbehaves loses its own session only', () => {
  const hostile: [string, string, (client: RawClient) => void][] = [
    ['garbage', 'BAD_REQUEST', (client) => client.socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n')],
    ['an empty frame', 'BAD_REQUEST', (client) => client.socket.write(new Uint8Array(4))],
    ['a frame over the limit', 'BAD_REQUEST', (client) => client.socket.write(new Uint8Array([0, 0x10, 0, 1]))],
    ['no message', 'BAD_REQUEST', (client) => client.socket.write(new Uint8Array([0, 0, 0, 1, 0xc1]))],
    ['a request before hello', 'BAD_REQUEST', (client) => client.send('echo', 1, null)],
    ['another protocol', 'VERSION_MISMATCH', (client) => client.send('hello', 0, { protocol: 2, client: 'x' })],
    [
      'hello twice',
      'BAD_REQUEST',
      (client) => {
        client.send('hello', 0, { protocol: 1, client: 'x' })
        client.send('hello', 0, { protocol: 1, client: 'x' })
      },
    ],
    [
      'an id that is in flight',
      'BAD_REQUEST',
      (client) => {
        client.send('hello', 0, { protocol: 1, client: 'x' })
        client.send('forever', 1, null)
        client.send('forever', 1, null)
      },
    ],
  ]

  it.each(hostile)('%s', async (_name, code, misbehave) => {
    const server = await startServer([echo, forever])
    const good = await startClient(server)
    const bad = await RawClient.connect(server.path)
    misbehave(bad)
    expect(await bad.errorCode(0)).toBe(code)
    await bad.closed
    expect(await good.call('echo', 'fine')).toBe('fine')
    await until(() => server.sessions === 1)
  })

  it('silence: closed after 5 s without hello, whole or half', async () => {
    const clock = new VirtualClock()
    const server = await startServer([echo], { clock })
    const silent = await RawClient.connect(server.path)
    const half = await RawClient.connect(server.path)
    half.socket.write(new Uint8Array([0, 0, 0, 40, 0x95]))
    const good = await RawClient.open(server.path)
    await until(() => server.sessions === 3)
    await clock.advance(4_999)
    expect(server.sessions).toBe(3)
    await clock.advance(1)
    expect(await silent.errorCode(0)).toBe('TIMEOUT')
    expect(await half.errorCode(0)).toBe('TIMEOUT')
    await Promise.all([silent.closed, half.closed])
    await clock.advance(60_000)
    good.send('echo', 1, 'no deadline after hello')
    await good.receive(({ type }) => type === 'ok')
  })

  it('a flood of bad requests whose answers are not read: reading stops, memory stays bounded', async () => {
    const clock = new VirtualClock()
    const logger = createTestLogger()
    const server = await startServer([echo], { clock, logger, limits: { unsentBytes: 65_536 } })
    const client = await RawClient.open(server.path)
    client.socket.pause()
    for (let id = 1; id <= 20_000; id++) client.send('nope', id, null)
    while (logger.messages('info').length === 0) await clock.advance(10_000) // only a full session has a timer
    const [line] = logger.lines.filter(({ message }) => message === 'control session too slow')
    expect(line?.fields.unsent).toBeLessThan(2 * 65_536)
    client.socket.resume()
    await client.closed
  })

  it('requests in one write, split at every byte, come in whole', async () => {
    const server = await startServer([echo])
    const client = await RawClient.open(server.path)
    client.socket.setNoDelay(true)
    const write = client.socket.write.bind(client.socket)
    client.socket.write = ((chunk: Uint8Array) => {
      for (const byte of chunk) write(new Uint8Array([byte]))
      return true
    }) as typeof client.socket.write
    client.send('echo', 1, 'bytewise')
    expect(await client.receive(({ type }) => type === 'ok')).toMatchObject({ result: 'bytewise' })
  })
})
