/** A peer's connections on loopback, for the sides of benchmarks: the parts that `createPeer` composes, without discovery. */
import { createIdentity, type Identity, openNetwork, PeerId, type SignedPeerRecord, signPeerRecord } from '@pc/identity'
import {
  Acceptor,
  type Address,
  type ConnectionLimits,
  Connector,
  type ControlConnection,
  PeerBook,
  type SystemProtocolOptions,
  systemProtocol,
  systemRandom,
} from '@pc/transport'
import type { Json } from './side.js'

const HOST = '127.0.0.1'

export interface LoopbackPeer {
  readonly identity: Identity
  readonly connector: Connector
  /** Handshakes of others that began here, whatever became of them, and those of them that failed. */
  readonly handshakes: () => { readonly all: number; readonly failed: number }
  /** For `meet` on the other side. */
  readonly hello: Json
  close(): Promise<void>
}

/** As the packages take them; what is given here belongs into the `settings` of the benchmark. */
export interface LoopbackOptions {
  readonly limits?: Partial<ConnectionLimits>
  readonly handshakes?: Pick<SystemProtocolOptions, 'maxHandshakes' | 'maxHandshakesPerAddress'>
}

/** Listens, accepts and dials; TLS with both ids proved. */
export async function startPeer({ limits = {}, handshakes = {} }: LoopbackOptions = {}): Promise<LoopbackPeer> {
  const identity = createIdentity()
  const protocol = systemProtocol(identity, handshakes)
  const { counters } = protocol
  // Signed once, as a peer does it, and not at each HELLO.
  const signed = (sequence: number, addresses: readonly Address[]): SignedPeerRecord =>
    signPeerRecord(identity, { sequence, name: 'bench', addresses, capabilities: [] })
  let record = signed(1, [])
  const connector = Connector.create({
    identity,
    protocol,
    network: openNetwork('bench'),
    bootId: systemRandom.bytes(8),
    peerBook: new PeerBook(),
    record: () => record,
    limits,
  })
  const acceptor = new Acceptor({ connector, limits })
  const listener = await protocol.listen({ host: HOST, port: 0 }, acceptor.accept)
  const { port } = listener.address
  record = signed(2, [{ host: HOST, port }])
  return {
    identity,
    connector,
    handshakes() {
      const failed = counters.handshakesFailed + counters.handshakesRefused + counters.handshakesTimedOut
      return { all: counters.accepted + failed, failed }
    },
    hello: { id: identity.id.toString(), port },
    async close() {
      acceptor.close()
      await listener.close()
      await connector.close()
    },
  }
}

/** Connects with the peer of the other process, and only with that one. */
export async function meet(peer: Pick<LoopbackPeer, 'connector'>, hello: Json): Promise<ControlConnection> {
  const { id, port } = hello as { id: string; port: number }
  return peer.connector.meet([{ host: HOST, port }], { expect: PeerId.parse(id) })
}
