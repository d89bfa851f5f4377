/** Admission to a network with a secret, on real sockets: what an outsider sees of a peer, and what two members do. */
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Server, type Socket } from 'node:net'
import { connect as connectRawTls, type TLSSocket } from 'node:tls'
import { createCertificate, openNetwork } from '@pc/identity'
import { VirtualClock } from '@pc/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { Admissions } from '../src/admission.js'
import { type Address, type SecureStream, systemProtocol, systemRandom } from '../src/index.js'
import { countingRelay } from './_util/counting-relay.js'
import { looseContext, testIdentity } from './_util/credentials.js'

const [DIALLER, ANNA] = [testIdentity(1), testIdentity(2)]
const LOOPBACK = { host: '127.0.0.1', port: 0 }
const OFFICE = openNetwork('office', { secret: 'correct horse' })
const WRONG = openNetwork('office', { secret: 'battery staple' })

const cleanups: (() => void | Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A member that listens, with a record of what it accepted. */
async function member(options: Parameters<typeof systemProtocol>[1] = {}, identity = ANNA) {
  const protocol = systemProtocol(identity, { network: OFFICE, ...options })
  const streams: SecureStream[] = []
  const listener = await protocol.listen(LOOPBACK, (stream) => streams.push(stream))
  cleanups.push(() => {
    for (const { duplex } of streams) duplex.destroy()
    return listener.close()
  })
  return { protocol, listener, streams, counters: protocol.counters, address: listener.address }
}

/** An outsider that dials: what it receives, and when it is over. */
function outsider(address: Address) {
  const socket = connectTcp(address)
  const received: Buffer[] = []
  socket.on('error', () => {})
  socket.on('data', (chunk) => received.push(chunk))
  cleanups.push(() => {
    socket.destroy()
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return {
    socket,
    closed,
    bytes: () => Buffer.concat(received),
    async until(length: number): Promise<Buffer> {
      while (Buffer.concat(received).length < length) await once(socket, 'data')
      return Buffer.concat(received)
    },
  }
}

/** An outsider that is dialled, and does `onSocket` with whoever comes. */
async function trap(onSocket: (socket: Socket) => void) {
  const received: Buffer[] = []
  let heard = (): void => {}
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      received.push(chunk)
      heard()
    })
    cleanups.push(() => {
      socket.destroy()
    })
    onSocket(socket)
  })
  await listening(server)
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    bytes: () => Buffer.concat(received),
    async until(length: number): Promise<void> {
      while (Buffer.concat(received).length < length) {
        await new Promise<void>((resolve) => {
          heard = resolve
        })
      }
    },
  }
}

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.close()
  })
}

const dial = (address: Address, network = OFFICE): Promise<string> =>
  systemProtocol(DIALLER, { network })
    .connect(address)
    .then(
      (stream) => {
        stream.duplex.destroy()
        return 'connected'
      },
      (error: { code: string }) => error.code,
    )

/** A member that does its part by hand: `write` may split the answer as it likes. Ends as a TLS client. */
async function dialByHand(address: Address, write: (socket: Socket, answer: Uint8Array) => void): Promise<TLSSocket> {
  const admission = new Admissions(OFFICE, systemRandom).dialling()
  const { socket, until } = outsider(address)
  admission.start()
  const step = admission.receive(await until(32))
  write(socket, step.type === 'refused' ? expect.fail(step.fault) : step.send)
  expect(admission.receive((await until(64)).subarray(32)).type).toBe('admitted')
  socket.removeAllListeners('data')
  socket.pause()
  const secure = connectRawTls({
    socket,
    secureContext: looseContext(createCertificate(DIALLER)),
    rejectUnauthorized: false,
    ALPNProtocols: ['pc/1'],
  })
  secure.on('error', () => {})
  // The acceptor's tickets: it has checked the certificate.
  await once(secure, 'session')
  return secure
}

describe('an outsider that dials', () => {
  it('gets 32 bytes, other ones each time, and the end, whatever it says', async () => {
    const { address, counters, streams } = await member()
    const said = [
      new Uint8Array(64),
      Buffer.concat([new Uint8Array(32), WRONG.prove('pc-dial', new Uint8Array(64))]),
      Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, ...new Uint8Array(600)]), // the start of a TLS hello
      Buffer.from(`GET / HTTP/1.1\r\nHost: ${'x'.repeat(80)}\r\n\r\n`),
    ]
    const challenges = new Set<string>()
    for (const [index, bytes] of said.entries()) {
      const { socket, closed, until, bytes: got } = outsider(address)
      challenges.add((await until(32)).toString('hex'))
      socket.write(bytes)
      await closed
      expect(got()).toHaveLength(32)
      expect(counters.notAdmitted).toBe(index + 1)
    }
    expect(challenges.size).toBe(said.length)
    expect(streams).toEqual([])
    expect(counters).toMatchObject({ accepted: 0, handshakesFailed: 0 })
    expect(await dial(address)).toBe('connected')
  })

  it('is cut by the deadline of the handshake when it says nothing, or not all', async () => {
    const clock = new VirtualClock()
    const { address, counters } = await member({ clock })
    const [silent, slow] = [outsider(address), outsider(address)]
    await Promise.all([silent.until(32), slow.until(32)])
    slow.socket.write(new Uint8Array(63))
    await clock.advance(4_999)
    expect(counters.handshakesTimedOut).toBe(0)
    await clock.advance(1)
    await Promise.all([silent.closed, slow.closed])
    expect([silent.bytes(), slow.bytes()].map(({ length }) => length)).toEqual([32, 32])
    expect(counters).toMatchObject({ handshakesTimedOut: 2, notAdmitted: 0, accepted: 0 })
    expect(clock.pending).toBe(0)
  })

  it('takes one of the slots for handshakes, and gives it back when it leaves', async () => {
    const clock = new VirtualClock()
    const { address, counters } = await member({ clock, maxHandshakes: 1 })
    const first = outsider(address)
    await first.until(32)
    const second = outsider(address)
    await second.closed
    expect(second.bytes()).toHaveLength(0)
    expect(counters.handshakesRefused).toBe(1)
    first.socket.destroy()
    while (clock.pending > 0) await new Promise(setImmediate)
    expect(await dial(address)).toBe('connected')
  })

  it('gains nothing by an answer that it has seen', async () => {
    const { address, counters, streams } = await member()
    const answers: Buffer[] = []
    // A wire that keeps what members say on it.
    const wire = await trap((socket) => {
      const there = connectTcp(address)
      there.on('error', () => {})
      cleanups.push(() => {
        there.destroy()
      })
      socket.once('data', (chunk) => answers.push(chunk))
      socket.pipe(there)
      there.pipe(socket)
    })
    const { duplex } = await systemProtocol(DIALLER, { network: OFFICE }).connect(wire.address)
    cleanups.push(() => {
      duplex.destroy()
    })
    while (streams.length === 0) await new Promise(setImmediate)
    expect(answers[0]).toHaveLength(64)
    const { socket, closed, until, bytes } = outsider(address)
    await until(32)
    socket.write(answers[0] ?? expect.fail())
    await closed
    expect(bytes()).toHaveLength(32)
    expect(counters).toMatchObject({ accepted: 1, notAdmitted: 1 })
  })

  it('is cut, with a right answer and one byte too many', async () => {
    const { address, counters } = await member()
    const admission = new Admissions(OFFICE, systemRandom).dialling()
    const { socket, closed, until, bytes } = outsider(address)
    admission.start()
    const step = admission.receive(await until(32))
    if (step.type !== 'refused') socket.write(Buffer.concat([step.send, Buffer.of(0x16)]))
    await closed
    expect(bytes()).toHaveLength(32)
    expect(counters).toMatchObject({ accepted: 0, notAdmitted: 1 })
  })
})

describe('an outsider that is dialled', () => {
  it('sees nothing until it has given 32 bytes, then 64, and never a byte of TLS', async () => {
    const shown = new Set<string>()
    for (const answer of [32, 31, 33, 500]) {
      const { address, bytes, until } = await trap((socket) => {
        socket.write(new Uint8Array(32))
        // The next bytes come only when the dialler has answered the first 32.
        socket.once('data', () => socket.write(new Uint8Array(answer)))
      })
      const outcome = dial(address)
      await until(64)
      if (answer === 31) cleanups.splice(0).forEach((cleanup) => void cleanup())
      expect(await outcome).toBe('NOT_ADMITTED')
      expect(bytes()).toHaveLength(64)
      shown.add(bytes().toString('hex'))
    }
    // The same challenge each time, and nothing in the answers that stays the same.
    expect(shown.size).toBe(4)
  })

  it('sees no byte at all when it says nothing, or half a challenge', async () => {
    for (const said of [0, 31]) {
      const clock = new VirtualClock()
      let connected = (): void => {}
      const there = new Promise<void>((resolve) => {
        connected = resolve
      })
      const { address, bytes } = await trap((socket) => {
        if (said > 0) socket.write(new Uint8Array(said))
        connected()
      })
      const outcome = systemProtocol(DIALLER, { network: OFFICE, clock })
        .connect(address)
        .catch((error: { code: string }) => error.code)
      await there
      await new Promise(setImmediate)
      await clock.advance(5_000)
      expect(await outcome).toBe('HANDSHAKE_TIMEOUT')
      expect(bytes()).toHaveLength(0)
      expect(clock.pending).toBe(0)
    }
  })

  it('sees no byte when it gives 33, or speaks TLS at once', async () => {
    for (const said of [new Uint8Array(33), Buffer.from('220 mail.example ESMTP, at your service today\r\n')]) {
      const { address, bytes } = await trap((socket) => socket.write(said))
      expect(await dial(address)).toBe('NOT_ADMITTED')
      expect(bytes()).toHaveLength(0)
    }
  })

  it('sees the challenge of the dialler itself answered by nobody', async () => {
    const { address, protocol, streams } = await member()
    // The peer dials an outsider, who dials the peer and passes on what it says.
    const mirror = await trap((socket) => {
      const back = connectTcp(address)
      back.on('error', () => {})
      cleanups.push(() => {
        back.destroy()
      })
      back.pipe(socket)
      socket.pipe(back)
    })
    const outcome = await protocol.connect(mirror.address).catch((error: { code: string }) => error.code)
    expect(outcome).toBe('SELF_DIALLED')
    expect(mirror.bytes()).toHaveLength(0)
    expect(streams).toEqual([])
  })

  it('sees the proof it gives back refused', async () => {
    const { address, bytes } = await trap((socket) => {
      socket.write(new Uint8Array(32))
      socket.once('data', (answer) => socket.write(answer.subarray(32)))
    })
    expect(await dial(address)).toBe('NOT_ADMITTED')
    expect(bytes()).toHaveLength(64)
  })

  it('is given up when it closes, and the error says at which point', async () => {
    const atOnce = await trap((socket) => socket.end())
    expect(await dial(atOnce.address)).toBe('HANDSHAKE_FAILED')
    const afterwards = await trap((socket) => {
      socket.write(new Uint8Array(32))
      socket.once('data', () => socket.end())
    })
    expect(await dial(afterwards.address)).toBe('NOT_ADMITTED')
    const resetting = await trap((socket) => {
      socket.write(new Uint8Array(32))
      socket.once('data', () => socket.resetAndDestroy())
    })
    expect(await dial(resetting.address)).toBe('NOT_ADMITTED')
  })
})

describe('an outsider on the path between two members', () => {
  it('can carry the admission on and see a certificate, but is not the other end that HELLO proves', async () => {
    const { address, streams } = await member()
    let secure: TLSSocket | undefined
    // It passes on the three turns, and then speaks TLS with a key of its own.
    const wire = await trap((socket) => {
      const there = connectTcp(address)
      cleanups.push(() => {
        there.destroy()
      })
      there.once('data', (challenge) => socket.write(challenge))
      socket.once('data', (answer) => {
        there.once('data', () => {
          there.pause()
          secure = connectRawTls({
            socket: there,
            secureContext: looseContext(createCertificate(testIdentity(66))),
            rejectUnauthorized: false,
            ALPNProtocols: ['pc/1'],
          })
          secure.on('error', () => {})
        })
        there.write(answer)
      })
    })
    const outcome = dial(wire.address)
    while (streams.length === 0) await new Promise(setImmediate)
    const [stream] = streams
    expect(stream?.remoteId.equals(testIdentity(66).id)).toBe(true)
    const binding = secure?.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
    expect(Buffer.from(stream?.channelBinding ?? []).equals(binding ?? Buffer.alloc(0))).toBe(true)
    // Any proof of the dialler is for a stream that the acceptor does not have: see hello-proof.test.ts.
    secure?.destroy()
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
    expect(await outcome).toBe('NOT_ADMITTED')
  })
})

describe('members', () => {
  it('with another secret of the same name do not admit each other', async () => {
    const { address, streams, counters } = await member()
    expect(await dial(address, WRONG)).toBe('NOT_ADMITTED')
    expect(streams).toEqual([])
    expect(counters).toMatchObject({ accepted: 0, notAdmitted: 1 })
  })

  it('do not admit a peer of the open network of that name, nor are they by it', async () => {
    const clock = new VirtualClock()
    const closedNetwork = await member()
    expect(await dial(closedNetwork.address, openNetwork('office'))).toBe('HANDSHAKE_FAILED')
    while (closedNetwork.counters.notAdmitted === 0) await new Promise(setImmediate)
    expect(closedNetwork.counters).toMatchObject({ accepted: 0, notAdmitted: 1 })
    const open = await member({ network: openNetwork('office') })
    const relay = await countingRelay(open.address)
    cleanups.push(() => relay.close())
    const outcome = systemProtocol(DIALLER, { network: OFFICE, clock })
      .connect(relay.address)
      .catch((error: { code: string }) => error.code)
    while (relay.connections.length === 0) await new Promise(setImmediate)
    await clock.advance(5_000)
    expect(await outcome).toBe('HANDSHAKE_TIMEOUT')
    await relay.connections[0]?.closed
    expect(relay.connections[0]?.fromDialler).toBe(0)
  })

  it('are let in wherever the answer is split', async () => {
    const { address, streams } = await member({ maxHandshakesPerAddress: 64 })
    for (let at = 1; at < 64; at += 7) {
      const secure = await dialByHand(address, (socket, answer) => {
        socket.setNoDelay(true)
        socket.write(answer.subarray(0, at), () => setImmediate(() => socket.write(answer.subarray(at))))
      })
      secure.destroy()
    }
    const secure = await dialByHand(address, (socket, answer) => {
      socket.setNoDelay(true)
      const rest = [...answer]
      const next = (): void => {
        const byte = rest.shift()
        if (byte !== undefined) socket.write(Uint8Array.of(byte), () => setImmediate(next))
      }
      next()
    })
    secure.destroy()
    expect(streams.map(({ remoteId }) => remoteId.toString())).toEqual(Array(10).fill(DIALLER.id.toString()))
  })

  for (const pieces of [1, 5, 97]) {
    it(`connect when the acceptor's bytes come in pieces of ${pieces}, and lose none`, async () => {
      const { address, streams } = await member()
      const relay = await countingRelay(address, pieces)
      cleanups.push(() => relay.close())
      const stream = await systemProtocol(DIALLER, { network: OFFICE }).connect(relay.address, { expect: ANNA.id })
      cleanups.push(() => {
        stream.duplex.destroy()
      })
      while (streams.length === 0) await new Promise(setImmediate)
      const [there] = streams
      expect(there?.channelBinding).toEqual(stream.channelBinding)
      const text = Buffer.alloc(3_000, 'the quick brown fox ')
      there?.duplex.write(text)
      let got = Buffer.alloc(0)
      stream.duplex.on('data', (chunk) => {
        got = Buffer.concat([got, chunk])
      })
      while (got.length < text.length) await once(stream.duplex, 'data')
      expect(got.equals(text)).toBe(true)
    })
  }

  it('keep their certificate from a wrong member: 64 bytes more than on an open network, and no more', async () => {
    const counts: number[] = []
    for (const network of [openNetwork('office'), OFFICE]) {
      const impostor = await member({ network }, testIdentity(3))
      const relay = await countingRelay(impostor.address)
      cleanups.push(() => relay.close())
      const dialling = systemProtocol(DIALLER, { network }).connect(relay.address, { expect: ANNA.id })
      await expect(dialling).rejects.toMatchObject({ code: 'WRONG_PEER' })
      await relay.connections[0]?.closed
      counts.push(relay.connections[0]?.fromDialler ?? 0)
      expect(impostor.streams).toEqual([])
    }
    expect(counts[1]).toBe((counts[0] ?? 0) + 64)
  })

  it('have buffers of 64 KiB, as without a secret', async () => {
    const { address, streams } = await member()
    const { duplex } = await systemProtocol(DIALLER, { network: OFFICE }).connect(address)
    cleanups.push(() => {
      duplex.destroy()
    })
    while (streams.length === 0) await new Promise(setImmediate)
    for (const one of [duplex, streams[0]?.duplex]) {
      expect([one?.readableHighWaterMark, one?.writableHighWaterMark]).toEqual([65_536, 65_536])
    }
  })

  it('leave no timer and no socket when a dial is given up at any moment', async () => {
    const clock = new VirtualClock()
    const { address, streams } = await member()
    const protocol = systemProtocol(DIALLER, { clock, network: OFFICE })
    for (let turns = 0; turns < 14; turns += 1) {
      const controller = new AbortController()
      const dialling = protocol.connect(address, { signal: controller.signal }).then(
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
