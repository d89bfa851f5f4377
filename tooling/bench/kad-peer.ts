/** A peer of the directory on loopback: key, socket, sealed datagrams and `Kademlia`, as `createPeer` composes them, and nothing else. */
import { RequestsEndpoint, type RequestsEndpointLimits } from '@pc/dispatch'
import { createIdentity, type Identity, openNetwork, PeerId, signPeerRecord } from '@pc/identity'
import { type Contact, contactOf, Kademlia, type KademliaOptions } from '@pc/kademlia'
import { type DatagramSocket, systemClock, systemProtocol, systemRandom } from '@pc/transport'
import { RootCode } from '@pc/wire'

const HOST = '127.0.0.1'
const NETWORK = openNetwork('bench')
/** All peers are at one address, and a few ask for as much as hundreds of machines would. */
const MANY = { ratePerSecond: 1_000_000, burst: 1_000_000 }

/** As the packages take them; printed with the run. */
export const KAD_LIMITS: {
  readonly endpoint: RequestsEndpointLimits
  readonly table: NonNullable<KademliaOptions['table']>
  readonly lookups: NonNullable<KademliaOptions['lookups']>
} = {
  endpoint: {
    loopback: { ratePerSecond: 1_000_000, burst: 1_000_000 },
    withoutCookie: MANY,
    inTotal: MANY,
    perAddress: { ratePerSecond: 1_000_000, burst: 1_000_000 },
    responses: MANY,
    work: { ratePerSecond: 1e9, burst: 1e9 },
  },
  table: { perAddress: 10_000, perAddressInBucket: 20 },
  lookups: { perAddress: 10_000 },
}

export class KadPeer {
  readonly identity: Identity
  readonly contact: Contact
  readonly kademlia: Kademlia
  readonly #endpoint: RequestsEndpoint
  readonly #socket: DatagramSocket

  static async start(ids: Map<string, PeerId>): Promise<KadPeer> {
    const identity = createIdentity()
    const endpoint = RequestsEndpoint.create({
      identity,
      network: NETWORK,
      bootId: systemRandom.bytes(8),
      clock: systemClock,
      limits: KAD_LIMITS.endpoint,
    })
    const socket = await systemProtocol(identity).bind({ host: HOST, port: 0 }, (bytes, from) =>
      endpoint.receive(bytes, from, socket),
    )
    endpoint.attach(socket)
    return new KadPeer(identity, endpoint, socket, ids)
  }

  private constructor(
    identity: Identity,
    endpoint: RequestsEndpoint,
    socket: DatagramSocket,
    ids: Map<string, PeerId>,
  ) {
    this.identity = identity
    this.#endpoint = endpoint
    this.#socket = socket
    this.contact = contactOf(identity.id.bytes, socket.address)
    ids.set(this.contact.key, identity.id)
    const fields = { sequence: 1, name: 'bench', addresses: [socket.address], capabilities: [] }
    const record = signPeerRecord(identity, fields)
    this.kademlia = Kademlia.create({
      identity,
      record: () => record,
      table: KAD_LIMITS.table,
      lookups: KAD_LIMITS.lookups,
      rpc({ id, key, address }, request, { timeoutMs }) {
        // As a peer does it, which has met most of those it asks: to check that bytes are a key is dear.
        const known = ids.get(key) ?? PeerId.fromBytes(id)
        return endpoint.submit({ id: known, address }, RootCode.KADEMLIA, request, { timeoutMs, idempotent: true })
      },
    })
    endpoint.register(RootCode.KADEMLIA, { access: 'anyone', idempotent: true }, ({ body, peer, address }) =>
      this.kademlia.handle(body, { id: peer, address }),
    )
  }

  /** Sessions that were made with it, by whomever. */
  get sessions(): number {
    return this.#endpoint.counters.established
  }

  /** As a power failure: nothing is said, and nothing answers from here on. */
  async kill(): Promise<void> {
    await this.kademlia.close()
    await this.#endpoint.close({ signal: AbortSignal.abort() })
    await this.#socket.close()
  }
}
