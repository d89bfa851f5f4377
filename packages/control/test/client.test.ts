import { createServer } from 'node:net'
import path from 'node:path'
import { Feed } from '@pc/dispatch'
import { VirtualClock } from '@pc/testkit'
import { encodeFrame, FrameDecoder, type Value } from '@pc/wire'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ControlClient } from '../src/index.js'
import { readClientMessage } from '../src/protocol.js'
import { command, leaveStaleSocket, startClient, startServer, temporaryFolder, until } from './_util/harness.js'

const echo = command('echo', async (args) => args)

/** A daemon that says exactly what a test wants it to. */
async function fakeDaemon(answer: (header: string, id: number, say: Say) => void): Promise<string> {
  const folder = await temporaryFolder()
  const server = createServer((socket) => {
    const decoder = new FrameDecoder()
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => {
      for (const payload of decoder.push(chunk)) {
        const message = readClientMessage(payload)
        const say: Say = (header, id, body) =>
          socket.write(encodeFrame({ header, id, version: 1, body, peerId: null }, { maxLength: 1_048_576 }))
        say.bytes = (bytes) => socket.write(bytes)
        answer(
          message.type === 'request' ? message.command : message.type,
          message.type === 'hello' ? 0 : message.id,
          say,
        )
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(path.join(folder, 'control.sock'), resolve))
  onTestFinished(() => void server.close())
  return folder
}

interface Say {
  (header: string, id: number, body: Value): void
  bytes(bytes: Uint8Array): void
}

const greets = (header: string, say: Say): void => {
  if (header === 'hello') say('hello', 0, { protocol: 1, daemon: 'fake' })
}

describe('ControlClient.connect', () => {
  it('tells the version of the daemon', async () => {
    const client = await startClient(await startServer([], { version: 'pcd/9.8.7' }))
    expect(client.daemonVersion).toBe('pcd/9.8.7')
  })

  it('rejects with NOT_RUNNING without a folder, without a socket, with a stale one', async () => {
    const folder = await temporaryFolder()
    const notRunning = expect.objectContaining({ code: 'NOT_RUNNING' })
    await expect(ControlClient.connect({ folder: path.join(folder, 'none') })).rejects.toEqual(notRunning)
    await expect(ControlClient.connect({ folder })).rejects.toEqual(notRunning)
    await leaveStaleSocket(path.join(folder, 'control.sock'))
    await expect(ControlClient.connect({ folder })).rejects.toEqual(notRunning)
  })

  it('rejects with VERSION_MISMATCH, whoever notices', async () => {
    const folder = await fakeDaemon((_header, _id, say) => say('hello', 0, { protocol: 2, daemon: 'pcd/2' }))
    await expect(ControlClient.connect({ folder })).rejects.toMatchObject({
      code: 'VERSION_MISMATCH',
      details: { protocol: 2, daemon: 'pcd/2' },
    })
    const refusing = await fakeDaemon((_header, _id, say) =>
      say('error', 0, { code: 'VERSION_MISMATCH', text: 'no', details: { protocol: 3 } }),
    )
    await expect(ControlClient.connect({ folder: refusing })).rejects.toMatchObject({ code: 'VERSION_MISMATCH' })
  })

  it('gives up on a daemon that hangs', async () => {
    const clock = new VirtualClock()
    const folder = await fakeDaemon(() => {})
    const connecting = expect(ControlClient.connect({ folder, clock, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
    await clock.advance(300)
    await connecting
    const abort = new AbortController()
    const aborted = ControlClient.connect({ folder, signal: abort.signal })
    abort.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    await expect(ControlClient.connect({ folder, signal: abort.signal })).rejects.toThrow('enough')
  })

  it('says that a daemon full of clients is busy', async () => {
    const server = await startServer([], { limits: { sessions: 1 } })
    await startClient(server)
    await expect(ControlClient.connect({ folder: path.dirname(server.path) })).rejects.toMatchObject({ code: 'BUSY' })
  })
})

describe('call', () => {
  it('keeps many answers apart', async () => {
    const client = await startClient(await startServer([echo]))
    const numbers = Array.from({ length: 50 }, (_, index) => index)
    expect(await Promise.all(numbers.map((number) => client.call('echo', number)))).toEqual(numbers)
  })

  it('cancels with its signal and its deadline', async () => {
    const clock = new VirtualClock()
    let cancelled = 0
    const forever = command('forever', (_args, { signal }) => {
      return new Promise<null>((_, reject) =>
        signal.addEventListener('abort', () => {
          cancelled++
          reject(signal.reason)
        }),
      )
    })
    const server = await startServer([forever, echo])
    const client = await ControlClient.connect({ folder: path.dirname(server.path), clock })
    onTestFinished(() => client.close())
    const abort = new AbortController()
    const aborted = client.call('forever', null, { signal: abort.signal })
    await client.call('echo')
    abort.abort(new Error('no more'))
    await expect(aborted).rejects.toThrow('no more')
    await expect(client.call('echo', 1, { signal: abort.signal })).rejects.toThrow('no more')
    const late = expect(client.call('forever', null, { timeoutMs: 250 })).rejects.toMatchObject({ code: 'TIMEOUT' })
    await client.call('echo')
    await clock.advance(250)
    await late
    await until(() => cancelled === 2)
    expect(await client.call('echo', 'alive')).toBe('alive')
    expect(clock.pending).toBe(0)
  })

  it('refuses arguments that cannot travel', async () => {
    const client = await startClient(await startServer([echo]))
    await expect(client.call('echo', 2 ** 60)).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' })
    await expect(client.call('echo', 'x'.repeat(1_048_577))).rejects.toMatchObject({ code: 'BAD_ARGUMENTS' })
    expect(await client.call('echo', 1)).toBe(1)
  })

  it('does not take a stream for an answer, nor the reverse', async () => {
    const feed = new Feed<number>()
    const server = await startServer([command('follow', () => feed.subscribe()), echo])
    const client = await startClient(server)
    const call = client.call('follow')
    await until(() => feed.size === 1)
    feed.publish(1)
    await expect(call).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await until(() => feed.size === 0)
    await expect(client.stream('echo').next()).rejects.toMatchObject({ code: 'BAD_REQUEST' })
  })

  it('rejects with CONNECTION_CLOSED when the daemon dies or we close', async () => {
    const folder = await fakeDaemon((header, _id, say) => {
      greets(header, say)
      if (header === 'die') say.bytes(new Uint8Array([0, 0, 0, 0]))
    })
    const client = await ControlClient.connect({ folder })
    const waiting = expect(client.call('wait')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await expect(client.call('die')).rejects.toMatchObject({ code: 'BAD_REQUEST' })
    await waiting
    await client.close()

    const other = await ControlClient.connect({ folder })
    const call = expect(other.call('wait')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    const stream = expect(other.stream('wait').next()).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    await other.close()
    await Promise.all([call, stream, other.close()])
    await expect(other.call('wait')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    await expect(other.stream('wait').next()).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
  })

  it('ignores answers to what it no longer waits for', async () => {
    const folder = await fakeDaemon((header, id, say) => {
      greets(header, say)
      if (header === 'ask') for (const answer of ['ok', 'ok', 'event', 'end']) say(answer, id, 'x')
    })
    const client = await ControlClient.connect({ folder })
    onTestFinished(() => client.close())
    expect(await client.call('ask')).toBe('x')
    expect(await client.call('ask')).toBe('x')
  })
})

describe('stream', () => {
  it('gives items in order, then ends', async () => {
    const count = command('count', async function* (args) {
      for (let item = 0; item < Number(args); item++) yield item
    })
    const client = await startClient(await startServer([count]))
    const items: Value[] = []
    for await (const item of client.stream('count', 2_000)) items.push(item)
    expect(items).toEqual(Array.from({ length: 2_000 }, (_, index) => index))
  })

  it('is subscribed before anybody reads, and cancelled by break', async () => {
    const feed = new Feed<number>()
    const client = await startClient(await startServer([command('follow', () => feed.subscribe())]))
    const stream = client.stream('follow')
    await until(() => feed.size === 1)
    feed.publish(1)
    feed.publish(2)
    for await (const item of stream) {
      expect(item).toBe(1)
      break
    }
    await until(() => feed.size === 0)
    expect(await stream.next()).toEqual({ done: true, value: undefined })
  })

  it('rejects with the reason of its signal, at once', async () => {
    const feed = new Feed<number>()
    const client = await startClient(await startServer([command('follow', () => feed.subscribe())]))
    const abort = new AbortController()
    const stream = client.stream('follow', null, { signal: abort.signal })
    const next = stream.next()
    await until(() => feed.size === 1)
    abort.abort(new Error('enough'))
    await expect(next).rejects.toThrow('enough')
    await until(() => feed.size === 0)
    await expect(client.stream('follow', null, { signal: abort.signal }).next()).rejects.toThrow('enough')
  })

  it('makes the daemon wait while nobody reads, and goes on afterwards', async () => {
    let produced = 0
    const endless = command('endless', async function* () {
      for (;;) yield `${produced++} ${'x'.repeat(10_000)}`
    })
    const client = await startClient(await startServer([endless]))
    const stream = client.stream('endless')
    await until(() => produced > 300)
    let last = -1
    for (let quiet = 0; quiet < 50; last = produced) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      quiet = produced === last ? quiet + 1 : 0
    }
    for (let index = 0; index < 1_000; index++) {
      const { value } = await stream.next()
      expect(String(value).split(' ')[0]).toBe(String(index))
    }
    await stream.return?.()
  })

  it('does not starve a call made while its reader is behind', async () => {
    const many = command('many', async function* () {
      for (let item = 0; item < 5_000; item++) yield item
    })
    const client = await startClient(await startServer([many, echo]))
    let items = 0
    for await (const item of client.stream('many')) {
      items++
      if (items % 1_000 === 0) expect(await client.call('echo', item)).toBe(item)
    }
    expect(items).toBe(5_000)
  })

  it('gives SLOW_CLIENT when too much is kept because others wait for answers', async () => {
    const endless = command('endless', async function* () {
      for (;;) yield 'x'.repeat(500_000)
    })
    const forever = command('forever', (_args, { signal }) => {
      return new Promise<null>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    })
    const client = await startClient(await startServer([endless, forever, echo]))
    const waiting = expect(client.call('forever')).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    const stream = client.stream('endless')
    await stream.next()
    let kept = 0
    const readAll = async (): Promise<void> => {
      for (;;) {
        // Slower than what comes in: one item for many turns.
        for (let turn = 0; turn < 50; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
        await stream.next()
        kept++
      }
    }
    await expect(readAll()).rejects.toMatchObject({ code: 'SLOW_CLIENT' })
    expect(kept).toBeGreaterThan(30)
    expect(await client.call('echo', 1)).toBe(1)
    await client.close()
    await waiting
  })
})
