/**
 * What every implementation of `NetworkProtocol` must do, as tests. To check one of your own, call `describeNetworkProtocol` with
 * a function that makes two peers which can reach each other.
 */
import { once } from 'node:events'
import type { PeerId } from '@pc/identity'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type {
  Address,
  DatagramSocket,
  ListenOptions,
  NetworkProtocol,
  SecureStream,
  StreamListener,
} from '../src/index.js'

export interface ProtocolPair {
  readonly one: { readonly protocol: NetworkProtocol; readonly id: PeerId; readonly host: string }
  readonly two: { readonly protocol: NetworkProtocol; readonly id: PeerId; readonly host: string }
  /** A broadcast address that leads from `two` to itself; undefined for IPv6, which has none. */
  readonly broadcast?: string
  /** Whether multicast works there: over IPv6 the loopback interface of most systems has no route for it. @default true */
  readonly multicast?: boolean
  /** Whether its streams have something that only their two ends know; without it HELLO refuses them on networks with a secret. @default true */
  readonly channelBinding?: boolean
  /** Lets a promise settle: moves virtual time, or just waits for a real network. */
  settle<T>(promise: Promise<T>): Promise<T>
  close?(): Promise<void> | void
}

/** By the IP version: a group, all addresses of a machine, and an address that no interface has (RFC 5737 and 3849). */
const V4 = { group: '239.1.11.11', everywhere: '0.0.0.0', nowhere: '192.0.2.1', elsewhere: '::1' }
const V6 = { group: 'ff12::7063', everywhere: '::', nowhere: '2001:db8::1', elsewhere: '127.0.0.1' }
/** More than a send queue takes. */
const TOO_MANY = 20_000
const STRANGER_BYTE = 0x55

export function describeNetworkProtocol(name: string, create: () => ProtocolPair, stranger: PeerId): void {
  const { two, broadcast, multicast: hasMulticast = true, channelBinding = true } = create()
  const { group: GROUP, everywhere: EVERYWHERE, nowhere: NOWHERE, elsewhere } = two.host.includes(':') ? V6 : V4

  describe(`contract of NetworkProtocol: ${name}`, () => {
    let pair: ProtocolPair
    const open: { close(): Promise<void> }[] = []
    const streams: SecureStream[] = []

    beforeEach(() => {
      pair = create()
    })
    afterEach(async () => {
      for (const { duplex } of streams.splice(0)) duplex.destroy()
      await pair.settle(Promise.all(open.splice(0).map((one) => one.close())))
      await pair.close?.()
    })

    /** Peer two listens; `accepted()` waits for the next stream. */
    async function listen(options: ListenOptions = {}) {
      const arrived: SecureStream[] = []
      const waiting: ((stream: SecureStream) => void)[] = []
      const listener = await pair.settle(
        pair.two.protocol.listen(
          { host: pair.two.host, port: 0 },
          (stream) => {
            streams.push(stream)
            const next = waiting.shift()
            if (next === undefined) arrived.push(stream)
            else next(stream)
          },
          options,
        ),
      )
      open.push(listener)
      const accepted = (): Promise<SecureStream> => {
        const there = arrived.shift()
        return there === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(there)
      }
      return { listener, arrived, accepted }
    }

    async function connect(address: Address, options: Parameters<NetworkProtocol['connect']>[1] = {}) {
      const stream = await pair.settle(pair.one.protocol.connect(address, options))
      streams.push(stream)
      return stream
    }

    async function connected(): Promise<{ dialled: SecureStream; accepted: SecureStream; listener: StreamListener }> {
      const { listener, accepted } = await listen()
      const dialled = await connect(listener.address, { expect: pair.two.id })
      return { dialled, accepted: await pair.settle(accepted()), listener }
    }

    async function bind(who: 'one' | 'two', options: Partial<Parameters<NetworkProtocol['bind']>[0]> = {}) {
      const inbox: { bytes: Uint8Array; from: Address }[] = []
      let wake = (): void => {}
      const peer = pair[who]
      const socket = await pair.settle(
        peer.protocol.bind({ host: peer.host, port: 0, ...options }, (bytes, from) => {
          inbox.push({ bytes, from })
          wake()
        }),
      )
      open.push(socket)
      const received = (count: number): Promise<void> =>
        pair.settle(
          new Promise((resolve) => {
            wake = () => {
              if (inbox.length >= count) resolve()
            }
            wake()
          }),
        )
      return { socket, inbox, received }
    }

    const send = (socket: DatagramSocket, bytes: Uint8Array, to: Address): Promise<void> =>
      pair.settle(socket.send(bytes, to))

    /** The code a promise rejects with. */
    const failure = (promise: Promise<unknown>): Promise<unknown> =>
      pair.settle(
        promise.then(
          () => 'nothing',
          (error: { code?: string }) => error.code,
        ),
      )

    /** Reads to the end; to be settled by the caller. */
    async function readAll({ duplex }: SecureStream): Promise<Buffer> {
      const chunks: Buffer[] = []
      duplex.on('data', (chunk) => chunks.push(chunk))
      await once(duplex, 'end')
      return Buffer.concat(chunks)
    }

    describe('streams', () => {
      it('tell both sides who and where the other is', async () => {
        const { dialled, accepted, listener } = await connected()
        expect(dialled.dialled).toBe(true)
        expect(dialled.remoteId.equals(pair.two.id)).toBe(true)
        expect(dialled.remoteAddress).toEqual(listener.address)
        expect(accepted.dialled).toBe(false)
        expect(accepted.remoteId.equals(pair.one.id)).toBe(true)
        expect(accepted.remoteAddress).toEqual(dialled.localAddress)
        expect(accepted.localAddress).toEqual(listener.address)
        expect(dialled.localAddress.host).toBe(pair.one.host)
      })

      it.runIf(channelBinding)('have 32 bytes in common that no other stream has', async () => {
        const { dialled, accepted, listener } = await connected()
        const second = await connect(listener.address)
        expect(dialled.channelBinding).toHaveLength(32)
        expect(accepted.channelBinding).toEqual(dialled.channelBinding)
        expect(second.channelBinding).not.toEqual(dialled.channelBinding)
      })

      it.runIf(!channelBinding)('say that they have nothing that others cannot know', async () => {
        const { dialled, accepted } = await connected()
        expect([dialled.channelBinding, accepted.channelBinding]).toEqual([undefined, undefined])
      })

      it('refuse a peer that was not expected, who then gets no stream', async () => {
        const { listener, arrived } = await listen()
        expect(await failure(pair.one.protocol.connect(listener.address, { expect: stranger }))).toBe('WRONG_PEER')
        await connect(listener.address, { expect: pair.two.id })
        await pair.settle(new Promise(setImmediate))
        expect(arrived.length).toBeLessThanOrEqual(1)
      })

      it('refuse to lead back to the peer itself', async () => {
        const { listener } = await listen()
        expect(await failure(pair.two.protocol.connect(listener.address))).toBe('SELF_DIALLED')
      })

      it('are refused where nobody listens', async () => {
        const { listener } = await listen()
        await pair.settle(listener.close())
        expect(await failure(pair.one.protocol.connect(listener.address))).toBe('CONNECTION_REFUSED')
      })

      it('do not resolve names', async () => {
        const { protocol } = pair.one
        expect(await failure(protocol.connect({ host: 'localhost', port: 3485 }))).toBe('ADDRESS_INVALID')
        expect(await failure(protocol.connect({ host: pair.two.host, port: 0 }))).toBe('ADDRESS_INVALID')
        expect(await failure(protocol.listen({ host: 'localhost', port: 0 }, () => {}))).toBe('ADDRESS_INVALID')
      })

      it('carry bytes unchanged both ways, and end after the last one', async () => {
        const { dialled, accepted } = await connected()
        const sent = Buffer.alloc(1_000_003, 'the quick brown fox jumps over the lazy dog')
        const [there, back] = [readAll(accepted), readAll(dialled)]
        for (let at = 0; at < sent.length; at += 77_777) {
          dialled.duplex.write(sent.subarray(at, at + 77_777))
          accepted.duplex.write(sent.subarray(at, at + 77_777))
        }
        dialled.duplex.end()
        expect((await pair.settle(there)).equals(sent)).toBe(true)
        accepted.duplex.end()
        expect((await pair.settle(back)).equals(sent)).toBe(true)
      })

      it('keep what arrives before somebody reads', async () => {
        const { listener, accepted } = await listen()
        const dialled = await connect(listener.address)
        dialled.duplex.end(Uint8Array.of(1, 2, 3))
        const stream = await pair.settle(accepted())
        await pair.settle(new Promise(setImmediate))
        expect(await pair.settle(readAll(stream))).toEqual(Buffer.of(1, 2, 3))
      })

      it('make the writer wait for the reader', async () => {
        const { dialled, accepted } = await connected()
        const chunk = Buffer.alloc(65_536)
        let chunks = 0
        // Far more than the kernel keeps for a connection; nobody reads.
        while (chunks < 1_000 && dialled.duplex.writableLength < 4 * 65_536) {
          dialled.duplex.write(chunk)
          chunks += 1
          await pair.settle(new Promise(setImmediate))
        }
        expect(chunks).toBeLessThan(1_000)
        expect(dialled.duplex.writableNeedDrain).toBe(true)
        const drained = once(dialled.duplex, 'drain')
        accepted.duplex.resume()
        await pair.settle(drained)
      })

      it('close at the other end when one is destroyed', async () => {
        const { dialled, accepted } = await connected()
        dialled.duplex.resume()
        const closed = once(dialled.duplex, 'close')
        accepted.duplex.destroy()
        await pair.settle(closed)
        expect(dialled.duplex.destroyed).toBe(true)
      })

      it('do not throw at the process when nobody listens for their errors', async () => {
        const { dialled, accepted } = await connected()
        const closed = [dialled, accepted].map(
          ({ duplex }) => new Promise<void>((resolve) => duplex.once('close', () => resolve())),
        )
        accepted.duplex.resume()
        dialled.duplex.destroy(new Error('on purpose'))
        await pair.settle(Promise.all(closed))
        expect(dialled.duplex.errored?.message).toBe('on purpose')
      })
    })

    describe('a listener', () => {
      it('has a real port, which nobody else can take until it is closed', async () => {
        const { listener } = await listen()
        const { port } = listener.address
        expect(port).toBeGreaterThan(0)
        const again = (): Promise<StreamListener> => pair.two.protocol.listen({ host: pair.two.host, port }, () => {})
        expect(await failure(again())).toBe('ADDRESS_IN_USE')
        await pair.settle(listener.close())
        open.push(await pair.settle(again()))
      })

      it('leaves streams to their owners when it closes, twice if need be', async () => {
        const { dialled, accepted, listener } = await connected()
        await pair.settle(listener.close())
        await pair.settle(listener.close())
        const text = readAll(accepted)
        dialled.duplex.end('still here')
        expect((await pair.settle(text)).toString()).toBe('still here')
      })

      it('asks the gate about each connection before anything else, and hands over none that it refuses', async () => {
        const asked: Address[] = []
        let open = false
        const { listener, arrived, accepted } = await listen({
          admit: (from) => {
            asked.push(from)
            return open
          },
        })
        const refused = await pair.settle(
          pair.one.protocol.connect(listener.address).then(
            () => undefined,
            (error: { code: string; retryable: boolean }) => error,
          ),
        )
        expect(['CONNECTION_RESET', 'HANDSHAKE_FAILED']).toContain(refused?.code)
        expect(refused?.retryable).toBe(true)
        expect(arrived).toEqual([])
        open = true
        const dialled = await connect(listener.address)
        const stream = await pair.settle(accepted())
        expect(asked).toEqual([{ host: pair.one.host, port: expect.any(Number) }, dialled.localAddress])
        expect(stream.remoteAddress).toEqual(dialled.localAddress)
      })

      it('listens again at the same address after a reset, which no stream notices', async () => {
        const { dialled, accepted, listener } = await connected()
        const { address } = listener
        await pair.settle(Promise.all([listener.reset(), listener.reset()]))
        await pair.settle(listener.reset())
        expect(listener.address).toEqual(address)
        expect(await failure(pair.two.protocol.listen(address, () => {}))).toBe('ADDRESS_IN_USE')
        const second = await connect(address)
        expect(second.remoteId.equals(pair.two.id)).toBe(true)
        const text = readAll(accepted)
        dialled.duplex.end('still here')
        expect((await pair.settle(text)).toString()).toBe('still here')
      })

      it('cannot be reset once it is closed', async () => {
        const { listener } = await listen()
        await pair.settle(listener.close())
        expect(await failure(listener.reset())).toBe('SOCKET_CLOSED')
        expect(await failure(pair.one.protocol.connect(listener.address))).toBe('CONNECTION_REFUSED')
      })

      it('stays closed when a reset is under way', async () => {
        const { listener } = await listen()
        const resetting = listener.reset().then(
          () => 'done before',
          (error: { code?: string }) => error.code,
        )
        const [outcome] = await pair.settle(Promise.all([resetting, listener.close()]))
        expect(['SOCKET_CLOSED', 'done before']).toContain(outcome)
        expect(await failure(pair.one.protocol.connect(listener.address))).toBe('CONNECTION_REFUSED')
        const { address } = listener
        open.push(await pair.settle(pair.two.protocol.listen(address, () => {})))
      })

      it('cannot use an address of another machine', async () => {
        expect(await failure(pair.two.protocol.listen({ host: NOWHERE, port: 0 }, () => {}))).toBe(
          'ADDRESS_NOT_AVAILABLE',
        )
      })
    })

    describe('a signal', () => {
      it('that is aborted already keeps everything from starting', async () => {
        const { listener } = await listen()
        const signal = AbortSignal.abort(Object.assign(new Error('enough'), { code: 'ENOUGH' }))
        const { protocol, host } = pair.one
        expect(await failure(protocol.connect(listener.address, { signal }))).toBe('ENOUGH')
        expect(await failure(protocol.listen({ host, port: 0 }, () => {}, { signal }))).toBe('ENOUGH')
        expect(await failure(protocol.bind({ host, port: 0, signal }, () => {}))).toBe('ENOUGH')
      })

      it('cuts a connect that is under way, and does nothing to one that is done', async () => {
        const { listener } = await listen()
        const first = new AbortController()
        const connecting = pair.one.protocol.connect(listener.address, { signal: first.signal })
        first.abort(Object.assign(new Error('enough'), { code: 'ENOUGH' }))
        const outcome = await pair.settle(
          connecting.then(
            (stream) => {
              stream.duplex.destroy()
              return 'done before'
            },
            (error: { code?: string }) => error.code,
          ),
        )
        expect(['ENOUGH', 'done before']).toContain(outcome)

        const second = new AbortController()
        const stream = await connect(listener.address, { signal: second.signal })
        second.abort()
        expect(stream.duplex.destroyed).toBe(false)
      })
    })

    describe('datagrams', () => {
      it('arrive with the address to answer to, and belong to the receiver', async () => {
        const [one, two] = [await bind('one'), await bind('two')]
        const bytes = Uint8Array.of(1, 2, 3)
        await send(one.socket, bytes, two.socket.address)
        bytes.fill(9)
        await two.received(1)
        expect([...(two.inbox[0]?.bytes ?? [])]).toEqual([1, 2, 3])
        expect(two.inbox[0]?.from).toEqual(one.socket.address)
        await send(two.socket, Uint8Array.of(4), two.inbox[0]?.from ?? one.socket.address)
        await one.received(1)
      })

      it('have at most 1,200 bytes', async () => {
        const [one, two] = [await bind('one'), await bind('two')]
        const tooLong = one.socket.send(new Uint8Array(1_201), two.socket.address)
        expect(await failure(tooLong)).toBe('DATAGRAM_TOO_LARGE')
        await send(one.socket, new Uint8Array(1_200), two.socket.address)
        await two.received(1)
        expect(two.inbox[0]?.bytes.length).toBe(1_200)
      })

      it('to nobody are lost without an error', async () => {
        const [one, two] = [await bind('one'), await bind('two')]
        await pair.settle(two.socket.close())
        await send(one.socket, Uint8Array.of(1), two.socket.address)
        await send(one.socket, Uint8Array.of(2), two.socket.address)
      })

      it('are refused by a socket that is closed, which may be closed again', async () => {
        const { socket } = await bind('one')
        await pair.settle(socket.close())
        await pair.settle(socket.close())
        expect(await failure(socket.send(Uint8Array.of(1), socket.address))).toBe('SOCKET_CLOSED')
        expect(() => socket.joinGroup(GROUP, pair.one.host)).toThrow(expect.objectContaining({ code: 'SOCKET_CLOSED' }))
        expect(socket.post(Uint8Array.of(1), socket.address)).toBe(false)
        expect(socket.sendErrors).toBe(0)
      })

      it('arrive when they are posted, in their order', async () => {
        const [one, two] = [await bind('one'), await bind('two')]
        for (let number = 0; number < 20; number += 1) {
          expect(one.socket.post(Uint8Array.of(number), two.socket.address)).toBe(true)
        }
        await two.received(20)
        expect(two.inbox.map(({ bytes }) => bytes[0])).toEqual(Array.from({ length: 20 }, (_, number) => number))
        expect(two.inbox[0]?.from).toEqual(one.socket.address)
        expect([one.socket.sendErrors, one.socket.sendQueueBytes]).toEqual([0, 0])
      })

      it('that were posted and cannot go are counted and told, each once, and after the turn', async () => {
        const told: { code: string; to: Address }[] = []
        const onSendError = ({ code }: { code: string }, to: Address): void => void told.push({ code, to })
        const one = await bind('one', { onSendError })
        const two = await bind('two')
        const bytes = Uint8Array.of(1)
        const { port } = two.socket.address
        const wrong = [
          { code: 'DATAGRAM_TOO_LARGE', bytes: new Uint8Array(1_201), to: two.socket.address },
          { code: 'ADDRESS_INVALID', bytes, to: { host: 'localhost', port } },
          { code: 'ADDRESS_INVALID', bytes, to: { host: pair.two.host, port: 0 } },
          { code: 'UNREACHABLE', bytes, to: { host: elsewhere, port } },
        ]
        for (const { bytes, to } of wrong) expect(one.socket.post(bytes, to)).toBe(true)
        expect(told).toEqual([])
        await pair.settle(new Promise(setImmediate))
        expect(told).toEqual(wrong.map(({ code, to }) => ({ code, to })))
        expect(one.socket.sendErrors).toBe(wrong.length)
        expect(one.socket.post(bytes, two.socket.address)).toBe(true)
        await two.received(1)
      })

      it('that were posted and could not go are not told to a socket that is closed', async () => {
        const told: string[] = []
        const { socket } = await bind('one', { onSendError: ({ code }) => void told.push(code) })
        socket.post(new Uint8Array(1_201), socket.address)
        await pair.settle(socket.close())
        await pair.settle(new Promise(setImmediate))
        expect(told).toEqual([])
      })

      it('ask for a receive buffer, and tell what they got', async () => {
        const [small, large] = [await bind('one', { receiveBufferBytes: 32_768 }), await bind('one')]
        expect(small.socket.receiveBufferBytes).toBeGreaterThan(0)
        expect(large.socket.receiveBufferBytes).toBeGreaterThan(small.socket.receiveBufferBytes)
      })

      it('do not go to names', async () => {
        const { socket } = await bind('one')
        expect(await failure(socket.send(Uint8Array.of(1), { host: 'localhost', port: 9 }))).toBe('ADDRESS_INVALID')
        expect(await failure(pair.one.protocol.bind({ host: 'localhost', port: 0 }, () => {}))).toBe('ADDRESS_INVALID')
      })

      it('come to an exclusive port, unless both share it', async () => {
        const { socket } = await bind('one')
        const { port } = socket.address
        const again = { host: pair.one.host, port }
        expect(await failure(pair.one.protocol.bind(again, () => {}))).toBe('ADDRESS_IN_USE')
        expect(await failure(pair.one.protocol.bind({ ...again, shareAddress: true }, () => {}))).toBe('ADDRESS_IN_USE')
        await pair.settle(socket.close())
        const first = await bind('one', { port, shareAddress: true })
        const second = await bind('one', { port, shareAddress: true })
        expect(second.socket.address.port).toBe(first.socket.address.port)
        expect(await failure(pair.one.protocol.bind({ host: NOWHERE, port: 0 }, () => {}))).toBe(
          'ADDRESS_NOT_AVAILABLE',
        )
      })

      it.runIf(hasMulticast)('reach every member of a group, and nobody who left it', async () => {
        const multicast = { interfaceAddress: pair.two.host }
        const sender = await bind('two', { multicast })
        // Where multicast arrives: not a socket bound to a unicast address.
        const first = await bind('two', { host: EVERYWHERE, shareAddress: true })
        const { port } = first.socket.address
        const second = await bind('two', { host: EVERYWHERE, port, shareAddress: true })
        for (const { socket } of [first, second]) {
          socket.joinGroup(GROUP, pair.two.host)
          socket.joinGroup(GROUP, pair.two.host)
        }
        await send(sender.socket, Uint8Array.of(1), { host: GROUP, port })
        await first.received(1)
        await second.received(1)
        first.inbox[0]?.bytes.fill(STRANGER_BYTE)
        expect([...(second.inbox[0]?.bytes ?? [])]).toEqual([1])

        second.socket.leaveGroup(GROUP, pair.two.host)
        second.socket.leaveGroup(GROUP, pair.two.host)
        await send(sender.socket, Uint8Array.of(2), { host: GROUP, port })
        await first.received(2)
        expect(first.inbox[1]?.from).toEqual(sender.socket.address)
      })

      it('join groups only on interfaces that exist', async () => {
        const { socket } = await bind('one', { host: EVERYWHERE })
        const code = 'ADDRESS_NOT_AVAILABLE'
        expect(() => socket.joinGroup(GROUP, NOWHERE)).toThrow(expect.objectContaining({ code }))
        socket.leaveGroup(GROUP, NOWHERE)
        const binding = pair.one.protocol.bind(
          { host: pair.one.host, port: 0, multicast: { interfaceAddress: NOWHERE } },
          () => {},
        )
        expect(await failure(binding)).toBe(code)
      })

      it('join only what is a group, and only where groups are heard', async () => {
        const { socket } = await bind('one', { host: EVERYWHERE })
        for (const group of [pair.one.host, 'group.example', GROUP === V4.group ? V6.group : V4.group]) {
          expect(() => socket.joinGroup(group, pair.one.host)).toThrow(
            expect.objectContaining({ code: 'ADDRESS_INVALID' }),
          )
        }
        const narrow = await bind('one')
        expect(() => narrow.socket.joinGroup(GROUP, pair.one.host)).toThrow(
          expect.objectContaining({ code: 'GROUP_NOT_HEARD' }),
        )
      })

      it.runIf(broadcast !== undefined)('go to everybody when the socket was opened for it, and else not', async () => {
        const host = broadcast ?? ''
        const two = await bind('two', { host: EVERYWHERE })
        const to = { host, port: two.socket.address.port }
        const told: string[] = []
        const narrow = await bind('two', { onSendError: ({ code }) => void told.push(code) })
        expect(await failure(narrow.socket.send(Uint8Array.of(1), to))).toBe('BROADCAST_NOT_ALLOWED')
        const everybody = { host: '255.255.255.255', port: to.port }
        expect(await failure(narrow.socket.send(Uint8Array.of(1), everybody))).toBe('BROADCAST_NOT_ALLOWED')
        expect(narrow.socket.post(Uint8Array.of(1), to)).toBe(true)
        await pair.settle(new Promise(setImmediate))
        expect(told).toEqual(['BROADCAST_NOT_ALLOWED'])
        const wide = await bind('two', { broadcast: true })
        await send(wide.socket, Uint8Array.of(2), to)
        await two.received(1)
        expect(wide.socket.post(Uint8Array.of(3), to)).toBe(true)
        await two.received(2)
        expect(two.inbox.map(({ bytes }) => bytes[0])).toEqual([2, 3])
      })

      it('are not taken once the send queue is full, and taken again when it is empty', async () => {
        const [one, two] = [await bind('one'), await bind('two')]
        const bytes = new Uint8Array(1_200)
        let taken = 0
        while (taken < TOO_MANY && one.socket.post(bytes, two.socket.address)) taken += 1
        expect(taken).toBeGreaterThan(200)
        expect(taken).toBeLessThan(TOO_MANY)
        expect(one.socket.sendErrors).toBe(0)
        await two.received(1)
        expect(one.socket.sendQueueBytes).toBe(0)
        expect(one.socket.post(bytes, two.socket.address)).toBe(true)
      })
    })
  })
}
