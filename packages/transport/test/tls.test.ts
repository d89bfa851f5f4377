/** TLS of the system protocol: everything that a stranger can do to a handshake, from both sides. */
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { getDefaultHighWaterMark } from 'node:stream'
import { connect as connectRawTls, createServer as createRawTlsServer } from 'node:tls'
import { createCertificate } from '@pc/identity'
import { createTestLogger, VirtualClock } from '@pc/testkit'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type Address, type Clock, type SecureStream, systemProtocol } from '../src/index.js'
import { countingRelay } from './_util/counting-relay.js'
import { badCredentials, forgeCertificate, looseContext, testIdentity } from './_util/credentials.js'

const [DIALLER, ANNA] = [testIdentity(1), testIdentity(2)]
const LOOPBACK = { host: '127.0.0.1', port: 0 }

const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A plain TCP server that does `onSocket` with whoever comes. */
async function tcpServer(onSocket: (socket: Socket) => void): Promise<{ address: Address; server: Server }> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  await listening(server)
  cleanups.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { address: addressOf(server), server }
}

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
}

function addressOf(server: Server): Address {
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

async function anna(options: Parameters<typeof systemProtocol>[1] = {}) {
  const protocol = systemProtocol(ANNA, options)
  const streams: SecureStream[] = []
  const listener = await protocol.listen(LOOPBACK, (stream) => streams.push(stream))
  cleanups.push(() => {
    for (const { duplex } of streams) duplex.destroy()
    return listener.close()
  })
  return { protocol, listener, streams, counters: protocol.counters }
}

/** Connects without saying a word. */
async function silentClient(address: Address, localAddress = '127.0.0.1') {
  const socket = connectTcp({ ...address, localAddress })
  socket.on('error', () => {})
  cleanups.push(() => {
    socket.destroy()
  })
  const closed = new Promise<void>((resolve) => socket.resume().once('close', () => resolve()))
  await once(socket, 'connect')
  return { socket, closed }
}

const dial = (address: Address, clock?: Clock): Promise<unknown> =>
  systemProtocol(DIALLER, clock === undefined ? {} : { clock })
    .connect(address)
    .then(
      (stream) => {
        stream.duplex.destroy()
        return 'connected'
      },
      (error: { code: string }) => error.code,
    )

describe('an acceptor that is no peer', () => {
  async function acceptor(options: Parameters<typeof createRawTlsServer>[0] & object) {
    const server = createRawTlsServer({
      requestCert: true,
      rejectUnauthorized: false,
      ALPNProtocols: ['pc/1'],
      ...options,
    })
    server.on('secureConnection', (socket) => socket.on('error', () => {}))
    server.on('tlsClientError', () => {})
    await listening(server)
    const relay = await countingRelay(addressOf(server))
    cleanups.push(() => {
      relay.close()
      server.close()
    })
    return relay
  }

  const ALERT_RECORD_BYTES = 7 // what a dialler says in clear when it breaks a handshake off; sealed it is 24
  for (const { name, credentials } of badCredentials()) {
    if (credentials === undefined) continue
    it(`is refused without seeing the dialler's certificate: ${name}`, async () => {
      const relay = await acceptor(credentials)
      const code = await dial(relay.address)
      await relay.connections[0]?.closed
      expect(['BAD_CERTIFICATE', 'HANDSHAKE_FAILED']).toContain(code)
      if (name.includes('RSA')) expect(code).toBe('HANDSHAKE_FAILED')
      else expect(code).toBe('BAD_CERTIFICATE')
      expect(relay.connections[0]?.fromDiallerAfterAnswer).toBeLessThanOrEqual(ALERT_RECORD_BYTES)
    })
  }

  it('is refused when it speaks TLS 1.2', async () => {
    const relay = await acceptor({ ...createCertificate(ANNA), minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    expect(await dial(relay.address)).toBe('HANDSHAKE_FAILED')
    await relay.connections[0]?.closed
    expect(relay.connections[0]?.fromDiallerAfterAnswer).toBeLessThanOrEqual(ALERT_RECORD_BYTES)
  })

  it('is refused when it speaks another protocol, or names none', async () => {
    const other = await acceptor({ ...createCertificate(ANNA), ALPNProtocols: ['pc/2'] })
    expect(await dial(other.address)).toBe('HANDSHAKE_FAILED')
    const none = await acceptor({ ...createCertificate(ANNA), ALPNProtocols: [] })
    expect(await dial(none.address)).toBe('HANDSHAKE_FAILED')
    await none.connections[0]?.closed
    expect(none.connections[0]?.fromDiallerAfterAnswer).toBe(0)
  })

  it('is left when it closes without a word, resets, or answers anything but TLS', async () => {
    const closing = await tcpServer((socket) => socket.end())
    expect(await dial(closing.address)).toBe('HANDSHAKE_FAILED')
    const resetting = await tcpServer((socket) => socket.resetAndDestroy())
    // The reset may come before the kernel has said that the connection stands.
    expect(['HANDSHAKE_FAILED', 'CONNECTION_RESET']).toContain(await dial(resetting.address))
    const talking = await tcpServer((socket) => socket.write('220 mail.example ESMTP\r\n'))
    expect(await dial(talking.address)).toBe('HANDSHAKE_FAILED')
  })

  it('is left after 5 s when it stays silent', async () => {
    const clock = new VirtualClock()
    const silent = await tcpServer(() => {})
    const accepted = once(silent.server, 'connection')
    const code = dial(silent.address, clock)
    const [socket] = (await accepted) as [Socket]
    const closed = new Promise<void>((resolve) => socket.resume().once('close', () => resolve()))
    await once(socket, 'data')
    await clock.advance(4_999)
    expect(socket.destroyed).toBe(false)
    await clock.advance(1)
    expect(await code).toBe('HANDSHAKE_TIMEOUT')
    await closed
    expect(clock.pending).toBe(0)
  })

  it('is given up when not even TCP stands in time', async () => {
    let expire = (): void => {}
    const clock: Clock = {
      ...new VirtualClock(),
      now: () => 0,
      unixNow: () => 0,
      clearTimeout: () => {},
      setTimeout: (callback) => {
        expire = callback
      },
    }
    const { address } = await tcpServer(() => {})
    const code = dial(address, clock)
    // In the turn of the call: the kernel has not connected yet.
    expire()
    expect(await code).toBe('CONNECT_TIMEOUT')
  })
})

describe('abort while dialling', () => {
  it('in the middle of the handshake closes the socket and stops the timer', async () => {
    const clock = new VirtualClock()
    const silent = await tcpServer(() => {})
    const accepted = once(silent.server, 'connection')
    const controller = new AbortController()
    const connecting = systemProtocol(DIALLER, { clock }).connect(silent.address, { signal: controller.signal })
    const outcome = connecting.catch((error: Error) => error.message)
    const [socket] = (await accepted) as [Socket]
    const closed = new Promise<void>((resolve) => socket.resume().once('close', () => resolve()))
    await once(socket, 'data')
    controller.abort(new Error('enough'))
    expect(await outcome).toBe('enough')
    await closed
    expect(clock.pending).toBe(0)
  })

  it('at any moment leaves no socket and no timer', async () => {
    const clock = new VirtualClock()
    const { listener, streams } = await anna()
    const protocol = systemProtocol(DIALLER, { clock })
    // Each dial is let go on for one more turn of the event loop than the one before.
    for (let turns = 0; turns < 12; turns += 1) {
      const controller = new AbortController()
      const dialling = protocol.connect(listener.address, { signal: controller.signal }).then(
        ({ duplex }) => duplex.destroy(),
        (error: Error) => error.message,
      )
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate)
      controller.abort(new Error('enough'))
      await dialling
      expect(clock.pending).toBe(0)
    }
    for (const { duplex } of streams) {
      duplex.resume()
      if (!duplex.closed) await once(duplex, 'close')
    }
    const sockets = (): string[] => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap')
    while (sockets().length > 0) await new Promise(setImmediate)
  })
})

it('abort while a listener opens gives its port back', async () => {
  const { listener } = await anna()
  await listener.close()
  const controller = new AbortController()
  const opening = systemProtocol(ANNA).listen(listener.address, () => {}, { signal: controller.signal })
  controller.abort(new Error('enough'))
  await expect(opening).rejects.toThrow('enough')
  const again = await systemProtocol(ANNA).listen(listener.address, () => {})
  await again.close()
})

describe('a client that is no peer', () => {
  it('is cut by the deadline when it never speaks, or stops in the middle of its hello', async () => {
    const clock = new VirtualClock()
    const { listener, counters, streams } = await anna({ clock })
    const silent = await silentClient(listener.address)
    const slow = await silentClient(listener.address)
    slow.socket.write(Uint8Array.of(22, 3, 1, 2, 0, 1))
    while (clock.pending < 2) await new Promise(setImmediate)
    await clock.advance(4_999)
    expect(counters.handshakesTimedOut).toBe(0)
    await clock.advance(1)
    await Promise.all([silent.closed, slow.closed])
    expect(counters.handshakesTimedOut).toBe(2)
    expect(streams).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('gets no answer to anything but TLS, and never harms the listener', async () => {
    const { listener, streams } = await anna()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 600 }), async (bytes) => {
        const { socket, closed } = await silentClient(listener.address)
        socket.end(bytes)
        await closed
      }),
      { numRuns: 50 },
    )
    expect(streams).toEqual([])
    expect(await dial(listener.address)).toBe('connected')
  })

  it('is refused when it speaks TLS 1.2, another ALPN or RSA', async () => {
    const { listener, streams, counters } = await anna()
    const rsa = forgeCertificate(generateKeyPairSync('rsa', { modulusLength: 2048 }))
    const good = createCertificate(DIALLER)
    for (const [context, alpn] of [
      [looseContext(good, 'TLSv1.2'), 'pc/1'],
      [looseContext(good), 'pc/2'],
      [looseContext(rsa), 'pc/1'],
    ] as const) {
      const socket = connectRawTls({
        ...listener.address,
        secureContext: context,
        rejectUnauthorized: false,
        ALPNProtocols: [alpn],
      })
      socket.on('error', () => {})
      await new Promise<void>((resolve) => socket.resume().once('close', () => resolve()))
    }
    expect(streams).toEqual([])
    expect(counters.handshakesFailed).toBe(3)
  })

  it('cannot resume an earlier connection', async () => {
    const { listener, streams } = await anna()
    const open = (session?: Buffer) =>
      connectRawTls({
        ...listener.address,
        secureContext: looseContext(createCertificate(DIALLER)),
        rejectUnauthorized: false,
        ALPNProtocols: ['pc/1'],
        ...(session === undefined ? {} : { session }),
      })
    const first = open()
    const [session] = (await once(first, 'session')) as [Buffer]
    first.destroy()
    const second = open(session)
    await once(second, 'session')
    expect(second.isSessionReused()).toBe(false)
    second.destroy()
    expect(streams).toHaveLength(2)
  })
})

describe('handshakes under way', () => {
  it('end with the handshake: neither deadline nor slot outlives it', async () => {
    const clock = new VirtualClock()
    const { listener, streams, counters } = await anna({ clock, maxHandshakes: 1 })
    const protocol = systemProtocol(DIALLER, { clock })
    for (let count = 1; count <= 3; count += 1) {
      const { duplex } = await protocol.connect(listener.address)
      cleanups.push(() => {
        duplex.destroy()
      })
      while (streams.length < count) await new Promise(setImmediate)
    }
    expect(clock.pending).toBe(0)
    await clock.advance(60_000)
    expect(streams.filter(({ duplex }) => duplex.destroyed)).toEqual([])
    expect(counters).toEqual({
      accepted: 3,
      refusedByGate: 0,
      outOfDescriptors: 0,
      handshakesRefused: 0,
      handshakesFailed: 0,
      handshakesTimedOut: 0,
      notAdmitted: 0,
    })
  })

  it('are bounded for each address; the next connection is destroyed and counted', async () => {
    const clock = new VirtualClock()
    const { listener, counters } = await anna({ clock })
    const clients = []
    for (let count = 0; count < 16; count += 1) clients.push(await silentClient(listener.address))
    const refused = await silentClient(listener.address)
    await refused.closed
    expect(counters.handshakesRefused).toBe(1)
    expect(clients.every(({ socket }) => !socket.destroyed)).toBe(true)

    const elsewhere = await silentClient(listener.address, '127.0.0.2')
    clients[0]?.socket.destroy()
    while (clock.pending > 16) await new Promise(setImmediate)
    expect(elsewhere.socket.destroyed).toBe(false)
    expect(await dial(listener.address)).toBe('connected')
    expect(counters.handshakesRefused).toBe(1)
  })

  it('are bounded in total, 64 unless told otherwise', async () => {
    const { listener, counters } = await anna({ maxHandshakes: 3, maxHandshakesPerAddress: 2 })
    for (const host of ['127.0.0.1', '127.0.0.1', '127.0.0.2']) await silentClient(listener.address, host)
    const refused = await silentClient(listener.address, '127.0.0.3')
    await refused.closed
    expect(counters.handshakesRefused).toBe(1)
  })

  it('give their slots back even when a client resets and comes again from the same port', async () => {
    const clock = new VirtualClock()
    const { listener, counters } = await anna({ clock, maxHandshakesPerAddress: 2 })
    for (let round = 0; round < 8; round += 1) {
      // One turn sees the reset and the new connection: the listener often hears of the new one first.
      const first = await silentClient(listener.address)
      while (clock.pending === 0) await new Promise(setImmediate)
      const { localPort } = first.socket
      first.socket.resetAndDestroy()
      const again = connectTcp({ ...listener.address, localAddress: '127.0.0.1', localPort: localPort ?? 0 })
      again.on('error', () => {})
      await once(again, 'connect')
      again.resetAndDestroy()
      while (clock.pending > 0) await new Promise(setImmediate)
    }
    expect(await dial(listener.address)).toBe('connected')
    expect(counters.handshakesRefused).toBe(0)
  })

  it('are cut when the listener closes', async () => {
    const clock = new VirtualClock()
    const { listener } = await anna({ clock })
    const client = await silentClient(listener.address)
    while (clock.pending === 0) await new Promise(setImmediate)
    await listener.close()
    await client.closed
    expect(clock.pending).toBe(0)
  })
})

describe('streams', () => {
  it('survive a handler that throws only in so far as the listener goes on', async () => {
    const logger = createTestLogger()
    const protocol = systemProtocol(ANNA, { logger })
    let calls = 0
    const listener = await protocol.listen(LOOPBACK, () => {
      calls += 1
      throw new Error('on purpose')
    })
    cleanups.push(() => listener.close())
    for (const expected of [1, 2]) {
      const stream = await systemProtocol(DIALLER).connect(listener.address)
      await new Promise<void>((resolve) => stream.duplex.resume().once('close', () => resolve()))
      expect(calls).toBe(expected)
    }
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(2)
  })

  it('buffer 64 KiB on both sides, and leave the default of the process alone', async () => {
    const before = getDefaultHighWaterMark(false)
    const { listener, streams } = await anna()
    const { duplex } = await systemProtocol(DIALLER).connect(listener.address)
    while (streams.length === 0) await new Promise(setImmediate)
    for (const one of [duplex, streams[0]?.duplex]) {
      expect([one?.readableHighWaterMark, one?.writableHighWaterMark]).toEqual([65_536, 65_536])
    }
    expect(getDefaultHighWaterMark(false)).toBe(before)
    duplex.destroy()
  })

  it('run over IPv6', async () => {
    const protocol = systemProtocol(ANNA)
    const listener = await protocol.listen({ host: '::1', port: 0 }, ({ duplex }) => duplex.resume())
    cleanups.push(() => listener.close())
    const stream = await systemProtocol(DIALLER).connect(listener.address, { expect: ANNA.id })
    expect(stream.localAddress.host).toBe('::1')
    stream.duplex.destroy()
  })

  it('the forged certificates of these tests differ from a good one only in what they are named for', () => {
    const pair = generateKeyPairSync('ed25519')
    const { cert } = forgeCertificate(pair)
    expect(new X509Certificate(cert).verify(pair.publicKey)).toBe(true)
  })
})
