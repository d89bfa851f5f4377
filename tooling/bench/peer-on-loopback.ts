/** A peer's connections on loopback, for the sides of benchmarks: the parts that `createPeer` composes, without discovery. */
import { createIdentity, type Identity, openNetwork, PeerId, signPeerRecord } from '@pc/identity'
import { Acceptor, Connector, type ControlConnection, PeerBook, systemProtocol, systemRandom } from '@pc/transport'
import type { Json } from './side.js'

const HOST = '127.0.0.1'

export interface LoopbackPeer {
  readonly identity: Identity
  readonly connector: Connector
  /** For `meet` on the other side. */
  readonly hello: Json
  close(): Promise<void>
}

/** Listens, accepts and dials; TLS with both ids proved. */
export async function startPeer(): Promise<LoopbackPeer> {
  const identity = createIdentity()
  const protocol = systemProtocol(identity)
  let port = 0
  const connector = Connector.create({
    identity,
    protocol,
    network: openNetwork('bench'),
    bootId: systemRandom.bytes(8),
    peerBook: new PeerBook(),
    record: () => {
      const addresses = port === 0 ? [] : [{ host: HOST, port }]
      return signPeerRecord(identity, { sequence: 1, name: 'bench', addresses, capabilities: [] })
    },
  })
  const acceptor = new Acceptor({ connector })
  const listener = await protocol.listen({ host: HOST, port: 0 }, acceptor.accept)
  port = listener.address.port
  return {
    identity,
    connector,
    hello: { id: identity.id.toString(), port },
    async close() {
      acceptor.close()
      await listener.close()
      await connector.close()
    },
  }
}

/** Connects with the peer of the other process, and only with that one. */
export async function meet(peer: LoopbackPeer, hello: Json): Promise<ControlConnection> {
  const { id, port } = hello as { id: string; port: number }
  return peer.connector.meet([{ host: HOST, port }], { expect: PeerId.parse(id) })
}
