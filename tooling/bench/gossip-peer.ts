/** A peer on loopback that gossips: key, socket, sealed datagrams and `Gossip`, as `createPeer` composes them, and nothing else. */
import { RequestsEndpoint, type RequestsEndpointLimits } from '@pc/dispatch'
import { Gossip, type PeerInView } from '@pc/gossip'
import { createIdentity, openNetwork, type PeerId } from '@pc/identity'
import { type Address, type DatagramSocket, systemClock, systemProtocol, systemRandom } from '@pc/transport'
import { RootCode } from '@pc/wire'

const HOST = '127.0.0.1'
const NETWORK = openNetwork('bench')
const MANY = { ratePerSecond: 1_000_000, burst: 1_000_000 }

/** All peers are at one address, and meet within a moment. Printed with the run. */
export const GOSSIP_ENDPOINT: RequestsEndpointLimits = {
  loopback: MANY,
  withoutCookie: MANY,
  inTotal: MANY,
  perAddress: MANY,
  responses: MANY,
  work: { ratePerSecond: 1e9, burst: 1e9 },
}

export class GossipPeer {
  readonly id: PeerId
  readonly address: Address
  readonly gossip: Gossip
  readonly #endpoint: RequestsEndpoint
  readonly #socket: DatagramSocket

  /** Peers that know each other, each by a socket of its own. */
  static async startAll(count: number): Promise<GossipPeer[]> {
    const peers = new Map<string, GossipPeer>()
    const known = (id: Uint8Array): PeerId | undefined => ids.get(keyOf(id))
    const bound = await Promise.all(Array.from({ length: count }, () => bind(known)))
    const ids = new Map(bound.map(({ identity: { id } }) => [keyOf(id.bytes), id]))
    const live = bound.map(({ identity }) => ({ peer: identity.id }))
    for (const one of bound) {
      const others = live.filter(({ peer }) => peer !== one.identity.id)
      peers.set(one.identity.id.toString(), new GossipPeer(one, others, peers))
    }
    return [...peers.values()]
  }

  private constructor(bound: Bound, others: readonly PeerInView[], peers: ReadonlyMap<string, GossipPeer>) {
    const { identity, endpoint, socket } = bound
    this.id = identity.id
    this.address = socket.address
    this.#endpoint = endpoint
    this.#socket = socket
    const peerOf = (id: PeerId): GossipPeer => {
      const peer = peers.get(id.toString())
      if (peer === undefined) throw new Error('that peer is not started')
      return peer
    }
    this.gossip = Gossip.create({
      identity,
      peers: { live: () => others, watch: () => () => {} },
      transport: {
        send: (to, bytes) => {
          const destination = { id: to, address: peerOf(to).address }
          // What does not go is as good as lost: repair is made for that.
          endpoint.send(destination, RootCode.GOSSIP, bytes).catch(() => {})
        },
        // What connections are for, which are not measured here: a call in this process.
        exchange: async (to, bytes) => peerOf(to).gossip.answer(identity.id, bytes),
        fetch: async (from, { hash }) => {
          const body = peerOf(from).gossip.body(hash)
          if (body === undefined) throw new Error('it has no such body')
          return body
        },
      },
    })
    endpoint.register(RootCode.GOSSIP, { access: 'anyone' }, ({ body, peer }) => {
      if (body instanceof Uint8Array) this.gossip.receive(peer, body)
      return undefined
    })
  }

  /** Sessions that were made with it, by whomever. */
  get sessions(): number {
    return this.#endpoint.counters.established
  }

  async close(): Promise<void> {
    await this.gossip.close()
    await this.#endpoint.close({ signal: AbortSignal.abort() })
    await this.#socket.close()
  }
}

type Bound = Awaited<ReturnType<typeof bind>>

/** As a peer has met those it talks to: to check that bytes are a key is dear. */
async function bind(known: (id: Uint8Array) => PeerId | undefined) {
  const identity = createIdentity()
  const endpoint = RequestsEndpoint.create({
    identity,
    network: NETWORK,
    bootId: systemRandom.bytes(8),
    clock: systemClock,
    known,
    limits: GOSSIP_ENDPOINT,
  })
  const socket: DatagramSocket = await systemProtocol(identity).bind({ host: HOST, port: 0 }, (bytes, from) =>
    endpoint.receive(bytes, from, socket),
  )
  endpoint.attach(socket)
  return { identity, endpoint, socket }
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id).toString('latin1')
}
