/** Plain TCP: what its two sides say to each other, and to those who speak something else. */
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { createIdentity, openNetwork, type PeerId, signPeerRecord } from '@pc/identity'
import { VirtualClock } from '@pc/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import {
  type Address,
  Connector,
  isConnected,
  type NetworkProtocol,
  PeerBook,
  plainTcpProtocol,
  type SecureStream,
  systemProtocol,
  systemRandom,
} from '../src/index.js'
import { encodePreamble, PREAMBLE_BYTES } from '../src/plain-preamble.js'
import { testIdentity } from './_util/credentials.js'

const [DIALLER, ANNA, STRANGER] = [testIdentity(1), testIdentity(2), testIdentity(3)]
const LOOPBACK = { host: '127.0.0.1', port: 0 }

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function anna(options: Parameters<typeof plainTcpProtocol>[1] = {}) {
  const protocol = plainTcpProtocol(ANNA.id, options)
  const streams: SecureStream[] = []
  const listener = await protocol.listen(LOOPBACK, (stream) => streams.push(stream))
  cleanups.push(() => {
    for (const { duplex } of streams) duplex.destroy()
    return listener.close()
  })
  return { address: listener.address, listener, streams, counters: protocol.counters }
}

/** A TCP server that says `greeting` to whoever comes, and keeps what it hears. */
async function acceptor(greeting: Uint8Array) {
  const heard: Buffer[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('data', (chunk) => heard.push(chunk))
    socket.on('error', () => {})
    socket.write(greeting)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
  return { address, heard, server, sockets }
}

/** A TCP client that says nothing by itself. */
async function client(address: Address) {
  const socket = connectTcp(address)
  cleanups.push(() => socket.destroy())
  const heard: Buffer[] = []
  socket.on('data', (chunk) => heard.push(chunk))
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await once(socket, 'connect')
  return { socket, heard, closed }
}

function codeOf(dial: Promise<SecureStream>): Promise<string> {
  return dial.then(
    ({ duplex }) => {
      duplex.destroy()
      return 'connected'
    },
    (error: { code: string }) => error.code,
  )
}

describe('the dialler', () => {
  it('says nothing to a peer that it did not expect, nor to itself', async () => {
    const { address, heard, sockets } = await acceptor(encodePreamble(STRANGER.id))
    expect(await codeOf(plainTcpProtocol(DIALLER.id).connect(address, { expect: ANNA.id }))).toBe('WRONG_PEER')
    expect(await codeOf(plainTcpProtocol(STRANGER.id).connect(address))).toBe('SELF_DIALLED')
    for (const socket of sockets) if (!socket.closed) await once(socket, 'close')
    expect(heard).toEqual([])
    // So that the test above can fail.
    const { duplex } = await plainTcpProtocol(DIALLER.id).connect(address, { expect: STRANGER.id })
    while (Buffer.concat(heard).length < PREAMBLE_BYTES) await new Promise(setImmediate)
    expect(Buffer.concat(heard)).toEqual(Buffer.from(encodePreamble(DIALLER.id)))
    duplex.destroy()
  })

  it.each([
    ['another protocol', Buffer.from('SSH-2.0-OpenSSH_9.6 and what follows it here\r\n')],
    ['an id that no peer can have', Buffer.concat([Buffer.from('pcplain1'), new Uint8Array(32)])],
  ])('refuses %s', async (_, greeting) => {
    const { address } = await acceptor(greeting)
    expect(await codeOf(plainTcpProtocol(DIALLER.id).connect(address))).toBe('HANDSHAKE_FAILED')
  })

  it('leaves whoever stays silent, or stops in the middle, when its time is over', async () => {
    for (const greeting of [new Uint8Array(), encodePreamble(ANNA.id).subarray(0, 39)]) {
      const clock = new VirtualClock()
      const { address, server } = await acceptor(greeting)
      const accepted = once(server, 'connection')
      const code = codeOf(plainTcpProtocol(DIALLER.id, { clock }).connect(address))
      await accepted
      await clock.advance(5_000)
      expect(['HANDSHAKE_TIMEOUT', 'CONNECT_TIMEOUT']).toContain(await code)
      expect(clock.pending).toBe(0)
    }
  })
})

describe('the acceptor', () => {
  it('reads no further than the preamble, wherever it is split', async () => {
    const { address, streams } = await anna()
    const bytes = Buffer.concat([encodePreamble(DIALLER.id), Buffer.from('first words')])
    for (const at of [1, 8, PREAMBLE_BYTES - 1, PREAMBLE_BYTES, PREAMBLE_BYTES + 3, bytes.length]) {
      const { socket, heard } = await client(address)
      socket.setNoDelay(true)
      socket.write(bytes.subarray(0, at))
      // The first part is there alone before the second leaves.
      while (Buffer.concat(heard).length < PREAMBLE_BYTES) await new Promise(setImmediate)
      socket.end(bytes.subarray(at))
      while (streams.length === 0) await new Promise(setImmediate)
      const [stream = expect.fail()] = streams.splice(0)
      expect(stream.remoteId.equals(DIALLER.id)).toBe(true)
      const chunks: Buffer[] = []
      for await (const chunk of stream.duplex) chunks.push(chunk)
      expect(Buffer.concat(chunks).toString()).toBe('first words')
    }
  })

  it('refuses what is no preamble, and its own id, and counts', async () => {
    const { address, streams, counters } = await anna()
    const wrong = [Buffer.alloc(PREAMBLE_BYTES, 'GET / HTTP/1.1\r\n'), encodePreamble(ANNA.id)]
    for (const bytes of wrong) {
      const { socket, closed } = await client(address)
      socket.write(bytes)
      await closed
    }
    const short = await client(address)
    short.socket.end('pcplain1')
    await short.closed
    expect(streams).toEqual([])
    expect(counters).toMatchObject({ accepted: 0, handshakesFailed: 3 })
  })

  it('goes on with handshakes under way when it listens anew', async () => {
    const { address, streams, listener } = await anna()
    const { socket, heard } = await client(address)
    while (Buffer.concat(heard).length < PREAMBLE_BYTES) await new Promise(setImmediate)
    await listener.reset()
    socket.write(encodePreamble(DIALLER.id))
    while (streams.length === 0) await new Promise(setImmediate)
    expect(streams[0]?.remoteId.equals(DIALLER.id)).toBe(true)
  })

  it('cuts whoever does not speak in time', async () => {
    const clock = new VirtualClock()
    const { address, counters } = await anna({ clock })
    const { closed } = await client(address)
    while (clock.pending === 0) await new Promise(setImmediate)
    await clock.advance(5_000)
    await closed
    expect(counters.handshakesTimedOut).toBe(1)
    expect(clock.pending).toBe(0)
  })
})

describe('where only one side speaks plain TCP', () => {
  it('a dialler of TLS fails at once', async () => {
    const { address, streams } = await anna()
    expect(await codeOf(systemProtocol(DIALLER).connect(address))).toBe('HANDSHAKE_FAILED')
    expect(streams).toEqual([])
  })

  it('a plain dialler waits for an acceptor of TLS until its time is over', async () => {
    const clock = new VirtualClock()
    const listener = await systemProtocol(ANNA).listen(LOOPBACK, () => {})
    cleanups.push(() => listener.close())
    const code = codeOf(plainTcpProtocol(DIALLER.id, { clock }).connect(listener.address, { timeoutMs: 700 }))
    await clock.advance(700)
    expect(['HANDSHAKE_TIMEOUT', 'CONNECT_TIMEOUT']).toContain(await code)
  })
})

describe('connections over it', () => {
  async function peerOver(make: (id: PeerId) => NetworkProtocol, secret?: string) {
    const identity = createIdentity()
    const protocol = make(identity.id)
    const connector = Connector.create({
      identity,
      protocol,
      network: openNetwork('test', { secret }),
      bootId: systemRandom.bytes(8),
      record: () =>
        signPeerRecord(identity, { sequence: 1, name: 'x', addresses: [listener.address], capabilities: [] }),
      peerBook: new PeerBook(),
    })
    const listener = await protocol.listen(LOOPBACK, (stream) => connector.accept(stream))
    cleanups.push(async () => {
      await listener.close()
      await connector.close()
    })
    return { identity, connector, address: listener.address }
  }

  it('stand on an open network', async () => {
    const [a, b] = [await peerOver(plainTcpProtocol), await peerOver(plainTcpProtocol)]
    const met = await a.connector.meet([b.address])
    expect(met.peer.equals(b.identity.id)).toBe(true)
    expect(await met.ping()).toBeGreaterThan(0)
  })

  it('are refused on a network with a secret, where nothing could be proved over them', async () => {
    const members = ['correct horse', 'correct horse'].map((secret) => peerOver(plainTcpProtocol, secret))
    const [a, b] = (await Promise.all(members)) as [Awaited<(typeof members)[0]>, Awaited<(typeof members)[0]>]
    await expect(a.connector.meet([b.address])).rejects.toMatchObject({ code: 'OTHER_NETWORK' })
    expect([a.connector.size, b.connector.size]).toEqual([0, 0])
  })
})

describe('isConnected', () => {
  it.each([
    ['plain', plainTcpProtocol(ANNA.id), plainTcpProtocol(DIALLER.id)],
    ['system', systemProtocol(ANNA), systemProtocol(DIALLER)],
  ])('of %s streams: until one side ends or destroys it', async (_, there, here) => {
    const accepted: SecureStream[] = []
    const listener = await there.listen(LOOPBACK, (stream) => accepted.push(stream))
    cleanups.push(() => listener.close())
    for (const finish of ['end', 'destroy'] as const) {
      const dialled = await here.connect(listener.address)
      while (accepted.length === 0) await new Promise(setImmediate)
      const [stream = expect.fail()] = accepted.splice(0)
      expect([isConnected(dialled), isConnected(stream)]).toEqual([true, true])
      stream.duplex.resume()
      const over = new Promise<void>((resolve) => stream.duplex.once('close', () => resolve()))
      dialled.duplex[finish]()
      expect(isConnected(dialled)).toBe(false)
      dialled.duplex.resume()
      await over
      expect(isConnected(stream)).toBe(false)
    }
  })

  it('hears an end although nobody reads, but not behind bytes that nobody has read', async () => {
    const { address, streams } = await anna()
    const idle = await plainTcpProtocol(DIALLER.id).connect(address)
    while (streams.length === 0) await new Promise(setImmediate)
    const [stream = expect.fail()] = streams.splice(0)
    idle.duplex.end()
    while (isConnected(stream)) await new Promise(setImmediate)
    const full = await plainTcpProtocol(DIALLER.id).connect(address)
    while (streams.length === 0) await new Promise(setImmediate)
    const [unread = expect.fail()] = streams
    full.duplex.end('words')
    while (unread.duplex.readableLength === 0) await new Promise(setImmediate)
    expect(isConnected(unread)).toBe(true)
    unread.duplex.resume()
    while (isConnected(unread)) await new Promise(setImmediate)
  })
})
