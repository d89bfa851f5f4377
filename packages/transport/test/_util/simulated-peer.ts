import type { Duplex } from 'node:stream'
import { createIdentity, type Identity, openNetwork, signPeerRecord } from '@pc/identity'
import type { SeededRandom, SimulatedHost, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { Acceptor } from '../../src/acceptor.js'
import type { CloseReason } from '../../src/close-code.js'
import { Connector, type ConnectorOptions } from '../../src/connector.js'
import type { ControlConnection } from '../../src/control-connection.js'
import type { ConnectionLimits } from '../../src/limits.js'
import type { NetworkProtocol, SecureStream } from '../../src/network-protocol.js'
import { PeerBook } from '../../src/peer-book.js'

export const PORT = 3485

export interface SimulatedPeer {
  readonly identity: Identity
  readonly connector: Connector
  readonly acceptor: Acceptor
  readonly peerBook: PeerBook
  readonly host: SimulatedHost<Identity['id']>
  readonly address: { host: string; port: number }
  /** Streams that have not ended at this side. */
  readonly streams: Set<SecureStream>
  /** Streams that this side opened, ever. */
  dials: number
  /** HELLOs said on them. */
  hellos: number
  readonly connected: ControlConnection[]
  readonly disconnected: { connection: ControlConnection; reason: CloseReason }[]
}

export interface SimulatedPeerOptions {
  clock: VirtualClock
  random: SeededRandom
  network: SimulatedNetwork<Identity['id']>
  host: string
  /** 32 bytes; random ones otherwise. */
  seed?: Uint8Array
  sequence?: number
  limits?: Partial<ConnectionLimits>
  options?: Partial<ConnectorOptions>
}

/** A peer's transport on a simulated network: acceptor, connector, book, and a record of what happened. */
export async function simulatedPeer(options: SimulatedPeerOptions): Promise<SimulatedPeer> {
  const { clock, random, network } = options
  const identity = createIdentity(options.seed ?? random.bytes(32))
  const host = network.host({ id: identity.id, address: options.host })
  const address = { host: options.host, port: PORT }
  const record = signPeerRecord(identity, {
    sequence: options.sequence ?? 1,
    name: options.host,
    addresses: [address],
    capabilities: [],
  })
  const peerBook = new PeerBook()
  const streams = new Set<SecureStream>()
  const track = (stream: SecureStream): SecureStream => {
    streams.add(stream)
    stream.duplex.once('close', () => streams.delete(stream))
    return stream
  }
  const protocol: NetworkProtocol = {
    name: 'simulated',
    connect: async (to, connectOptions) => {
      peer.dials += 1
      const stream = await host.connect(to, connectOptions)
      countHellos(stream.duplex, () => {
        peer.hellos += 1
      })
      return track(stream)
    },
    listen: (at, onStream, listenOptions) => host.listen(at, (stream) => onStream(track(stream)), listenOptions),
    bind: (bindOptions, onDatagram) => host.bind(bindOptions, onDatagram),
  }
  const connector = Connector.create({
    identity,
    protocol,
    network: openNetwork('test'),
    bootId: random.bytes(8),
    record: () => record,
    peerBook,
    clock,
    random,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...options.options,
  })
  const acceptor = new Acceptor({
    connector,
    clock,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  })
  await host.listen(address, (stream) => acceptor.accept(track(stream)), { admit: acceptor.admit })
  const peer: SimulatedPeer = {
    identity,
    connector,
    acceptor,
    peerBook,
    host,
    address,
    streams,
    dials: 0,
    hellos: 0,
    connected: [],
    disconnected: [],
  }
  connector.events.on('connected', (connection) => peer.connected.push(connection))
  connector.events.on('disconnected', (connection, reason) => peer.disconnected.push({ connection, reason }))
  return peer
}

function countHellos(duplex: Duplex, count: () => void): void {
  const write = duplex.write.bind(duplex)
  duplex.write = ((chunk: Buffer) => {
    if (Buffer.from(chunk).includes('pc/hello')) count()
    return write(chunk)
  }) as Duplex['write']
}

export function introduce(a: SimulatedPeer, b: SimulatedPeer): void {
  a.peerBook.noteHint(b.identity.id, b.address)
  b.peerBook.noteHint(a.identity.id, a.address)
}
