/** A machine that gossips: key, socket, requests endpoint, streams and `Gossip`, which live and die together. */
import { RequestsEndpoint } from '@pc/dispatch'
import { Gossip, type GossipLimits, type GossipTransport, type PeersView, type Rumor, readExchange } from '@pc/gossip'
import {
  createIdentity,
  createKeyExchange,
  type Identity,
  type KeyExchange,
  type Network,
  type PeerId,
} from '@pc/identity'
import type { SeededRandom, SimulatedHost, SimulatedSocket } from '@pc/testkit'
import type { Address } from '@pc/transport'
import { RootCode } from '@pc/wire'
import { addressOf } from '../addresses.js'
import { costed } from '../costed-exchange.js'
import { nullExchange } from '../kad/null-exchange.js'
import type { Lab } from '../lab.js'
import { StreamPort } from './stream-port.js'

const PORT = 3_485
/** To check a signature. */
const SIGNATURE_MS = 0.07

export interface GossipNodeOptions {
  readonly network: Network
  /** Whether sessions have no keys. */
  readonly nullCipher: boolean
  /** Everybody, by the text of the id. */
  readonly nodes: ReadonlyMap<string, GossipNode>
  /** Whether a rumor is its origin's: real time is spent once for all, simulated time by each node. */
  readonly verify: (rumor: Rumor, origin: PeerId) => boolean
  readonly limits?: GossipLimits
  /** What it answers to a query. */
  readonly answer?: () => Uint8Array | undefined
  /** How far its wall clock is off. */
  readonly offsetMs?: number
  /** Sees every datagram of gossip that it sends. */
  readonly onSend?: (bytes: Uint8Array) => void
}

export class GossipNode {
  readonly index: number
  readonly identity: Identity
  readonly address: Address
  readonly host: SimulatedHost<PeerId>
  /** Rumors given in exchanges, and bodies. */
  readonly given = { inExchanges: 0, bodies: 0 }
  readonly #lab: Lab
  readonly #options: GossipNodeOptions
  readonly #random: SeededRandom
  readonly #streams: StreamPort
  readonly #watchers = new Set<Parameters<PeersView['watch']>[0]>()
  #socket: SimulatedSocket | undefined
  #endpoint: RequestsEndpoint | undefined
  #gossip: Gossip | undefined
  #alive = false

  /** Adds the machine; `bind`, then `start` lets it live. `index` is its place in the network. */
  constructor(lab: Lab, index: number, options: GossipNodeOptions) {
    this.#lab = lab
    this.#options = options
    this.index = index
    this.#random = lab.random.stream(`gossip ${index}`)
    this.identity = createIdentity(this.#random.stream('key').bytes(32))
    const interfaces = [{ name: 'eth0', address: addressOf(index, 0), netmask: '255.0.0.0' }]
    const { offsetMs } = options
    const clock = offsetMs === undefined ? {} : { clock: { offsetMs } }
    this.host = lab.network.host({ id: this.identity.id, interfaces, ...clock })
    this.address = { host: this.host.address, port: PORT }
    this.#streams = new StreamPort(this.host, this.address, (question, bytes, from) =>
      question === 'fetch' ? this.#body(bytes) : this.#tell(this.gossip.answer(from, bytes)),
    )
  }

  get alive(): boolean {
    return this.#alive
  }

  get gossip(): Gossip {
    if (this.#gossip === undefined) throw new Error(`node ${this.index} was not started`)
    return this.#gossip
  }

  get endpoint(): RequestsEndpoint {
    if (this.#endpoint === undefined) throw new Error(`node ${this.index} was not started`)
    return this.#endpoint
  }

  /** From now on it can be reached. */
  async bind(): Promise<void> {
    const { network, nodes } = this.#options
    const random = this.#random.stream('endpoint')
    const known = (id: Uint8Array): PeerId | undefined => nodes.get(textOf(id))?.identity.id
    const endpoint = RequestsEndpoint.create({
      identity: this.identity,
      network,
      bootId: random.bytes(8),
      clock: this.host.clock,
      random,
      exchange: costed(
        this.#exchange((length) => random.bytes(length), known),
        this.host,
      ),
      known,
    })
    const socket = await this.host.bind({ host: '0.0.0.0', port: PORT }, (datagram, from) =>
      endpoint.receive(datagram, from, socket),
    )
    endpoint.attach(socket)
    endpoint.register(RootCode.GOSSIP, { access: 'anyone' }, ({ body, peer }) => {
      if (body instanceof Uint8Array) this.#gossip?.receive(peer, body)
      return undefined
    })
    await this.#streams.open()
    this.#endpoint = endpoint
    this.#socket = socket
  }

  /** Begins to gossip with everybody else there is. */
  start(): void {
    const { nodes, limits, verify, answer } = this.#options
    const others = [...nodes.values()].filter((node) => node !== this).map(({ identity }) => ({ peer: identity.id }))
    const random = this.#random.stream('gossip')
    this.#gossip = Gossip.create({
      identity: this.identity,
      transport: this.#transport(),
      peers: { live: () => others, watch: (watcher) => this.#watch(watcher) },
      clock: this.host.clock,
      random,
      verify: (rumor, origin) => {
        this.host.spend(SIGNATURE_MS)
        return verify(rumor, origin)
      },
      ...(answer !== undefined && { answer }),
      ...limits,
    })
    this.#alive = true
  }

  /** Whoever looks after peers says so. */
  tell(type: 'up' | 'down', peer: PeerId): void {
    for (const watcher of this.#watchers) watcher({ type, peer })
  }

  /** Sends bytes past the node's own gossip and its limits. Resolves when they went, or could not. */
  sendRaw(to: GossipNode, bytes: Uint8Array): Promise<void> {
    return this.endpoint
      .send({ id: to.identity.id, address: to.address }, RootCode.GOSSIP, bytes)
      .catch((error: unknown) => this.#lab.note(`node ${this.index} could not send: ${String(error)}`))
  }

  /** From now on it is silent, without a word. */
  crash(): void {
    this.#alive = false
    this.#lab.network.powerOff(this.host)
  }

  /** Ends it. Tells nobody. */
  async close(): Promise<void> {
    if (!this.#alive) return
    this.#alive = false
    await this.gossip.close()
    await this.endpoint.close()
    await this.#streams.close()
    await this.#socket?.close()
  }

  #transport(): GossipTransport {
    const { nodes, onSend } = this.#options
    const destination = (to: PeerId): { id: PeerId; address: Address } => {
      const node = nodes.get(textOf(to.bytes))
      if (node === undefined) throw new Error('nobody has that id')
      return { id: to, address: node.address }
    }
    return {
      send: (to, bytes) => {
        onSend?.(bytes)
        // What does not go is as good as lost: repair is made for that.
        this.endpoint.send(destination(to), RootCode.GOSSIP, bytes).catch(() => {})
      },
      exchange: (to, bytes, { signal }) => this.#streams.ask('exchange', destination(to), this.#tell(bytes), signal),
      fetch: (from, { hash }, { signal }) => this.#streams.ask('fetch', destination(from), hash, signal),
    }
  }

  #watch(watcher: Parameters<PeersView['watch']>[0]): () => void {
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Counts what an exchange of this node gives away. */
  #tell(bytes: Uint8Array): Uint8Array {
    const exchange = readExchange(bytes)
    if (exchange.type === 'tell' || exchange.type === 'push') this.given.inExchanges += exchange.rumors.length
    return bytes
  }

  #body(hash: Uint8Array): Uint8Array | undefined {
    const body = this.gossip.body(hash)
    if (body !== undefined) this.given.bodies += 1
    return body
  }

  #exchange(random: (length: number) => Uint8Array, known: (id: Uint8Array) => PeerId | undefined): KeyExchange {
    const { network, nullCipher } = this.#options
    const { identity } = this
    return nullCipher
      ? nullExchange({ identity, random, known })
      : createKeyExchange({ identity, network, random, known })
  }
}

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}
