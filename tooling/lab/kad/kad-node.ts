/** A machine of the directory: key, socket, requests endpoint and `Kademlia`, which live and die together. */
import { RequestsEndpoint } from '@pc/dispatch'
import {
  createIdentity,
  createKeyExchange,
  type Identity,
  type KeyExchange,
  type Network,
  type PeerId,
  readPeerRecord,
  type SignedPeerRecord,
  signPeerRecord,
} from '@pc/identity'
import { type Contact, contactOf, Kademlia, type KademliaOptions, keyOf } from '@pc/kademlia'
import type { SeededRandom, SimulatedHost, SimulatedSocket } from '@pc/testkit'
import type { Address } from '@pc/transport'
import { RootCode, type Value } from '@pc/wire'
import { addressOf } from '../addresses.js'
import { costed } from '../costed-exchange.js'
import type { Lab } from '../lab.js'
import { nullExchange } from './null-exchange.js'

const PORT = 3_485
/** To check a signature. */
const SIGNATURE_MS = 0.07
/** Numbers of the requests whose answerer, and whose asker, checks a signature. */
const [GET, STORE, ADD_TO_LIST, LEAVE_LIST, FIND_PEER] = [2, 3, 5, 6, 7]

export interface KadNodeOptions {
  readonly network: Network
  /** Whether sessions have no keys. */
  readonly nullCipher: boolean
  /** The `PeerId` of each id of this network, which spares checking it again. */
  readonly ids: ReadonlyMap<string, PeerId>
  /** What was read of peers, by the text of its bytes: a signature is checked once, and holds for all. */
  readonly records: Map<string, SignedPeerRecord>
  readonly kademlia?: Partial<KademliaOptions>
  /** What answers in the place of the node's own directory. */
  readonly answer?: (kademlia: Kademlia, request: Value, from: { id: PeerId; address: Address }) => Value
}

export class KadNode {
  readonly name: string
  readonly identity: Identity
  readonly contact: Contact
  readonly #lab: Lab
  readonly #options: KadNodeOptions
  readonly #random: SeededRandom
  readonly #host: SimulatedHost<PeerId>
  #socket: SimulatedSocket | undefined
  #endpoint: RequestsEndpoint | undefined
  #kademlia: Kademlia | undefined
  #alive = false

  /** Adds the machine; `start` lets it live. `index` is its place in the network. */
  constructor(lab: Lab, index: number, options: KadNodeOptions) {
    this.#lab = lab
    this.#options = options
    this.name = `p${index + 1}`
    this.#random = lab.random.stream(`node ${index}`)
    this.identity = createIdentity(this.#random.stream('key').bytes(32))
    const interfaces = [{ name: 'eth0', address: addressOf(index, 0), netmask: '255.0.0.0' }]
    this.#host = lab.network.host({ id: this.identity.id, interfaces })
    this.contact = contactOf(this.identity.id.bytes, { host: this.#host.address, port: PORT })
  }

  get alive(): boolean {
    return this.#alive
  }

  get host(): SimulatedHost<PeerId> {
    return this.#host
  }

  get kademlia(): Kademlia {
    if (this.#kademlia === undefined) throw new Error(`${this.name} was not started`)
    return this.#kademlia
  }

  get endpoint(): RequestsEndpoint {
    if (this.#endpoint === undefined) throw new Error(`${this.name} was not started`)
    return this.#endpoint
  }

  /** How sessions are made in its name. */
  exchange(random: (length: number) => Uint8Array): KeyExchange {
    const { network, nullCipher, ids } = this.#options
    const { identity } = this
    const known = (id: Uint8Array): PeerId | undefined => ids.get(keyOf(id))
    return nullCipher
      ? nullExchange({ identity, random, known })
      : createKeyExchange({ identity, network, random, known })
  }

  async start(): Promise<void> {
    const { network, ids, answer } = this.#options
    const { identity } = this
    const host = this.#host
    const random = this.#random.stream('life')
    const bytes = (length: number): Uint8Array => random.bytes(length)
    const known = (id: Uint8Array): PeerId | undefined => ids.get(keyOf(id))
    const exchange = this.exchange(bytes)
    const addresses = [this.contact.address]
    const record = signPeerRecord(identity, { sequence: 1, name: this.name, addresses, capabilities: [] })
    const endpoint = RequestsEndpoint.create({
      identity,
      network,
      bootId: random.bytes(8),
      clock: host.clock,
      random,
      record: () => record,
      exchange: costed(exchange, host),
      known,
      onSession: ({ id, address }) => kademlia.prove(contactOf(id.bytes, address)),
    })
    const kademlia = Kademlia.create({
      identity,
      clock: host.clock,
      random,
      record: () => record,
      readRecord: (bytes, of) => this.#read(bytes, of),
      rpc: (to, request, { timeoutMs }) => this.ask(to, request, timeoutMs),
      ...this.#options.kademlia,
    })
    this.#socket = await host.bind({ host: '0.0.0.0', port: PORT }, (datagram, from) => {
      endpoint.receive(datagram, from, socket)
    })
    const socket = this.#socket
    endpoint.attach(socket)
    endpoint.register(RootCode.KADEMLIA, { access: 'anyone', idempotent: true }, ({ body, peer, address, early }) => {
      const type = typeOf(body)
      if (type === STORE || type === ADD_TO_LIST || type === LEAVE_LIST) host.spend(SIGNATURE_MS)
      const from = { id: peer, address, early }
      return answer === undefined ? kademlia.handle(body, from) : answer(kademlia, body, from)
    })
    this.#endpoint = endpoint
    this.#kademlia = kademlia
    this.#alive = true
  }

  /** One request, as the directory makes it. */
  async ask(to: Contact, request: Value, timeoutMs: number): Promise<Value> {
    const id = this.#options.ids.get(to.key)
    if (id === undefined) {
      // No handshake with it ends, as nobody has its key.
      await this.#lab.sleep(timeoutMs)
      throw new Error('nobody has that id')
    }
    const options = { timeoutMs, idempotent: true }
    const answer = await this.endpoint.submit({ id, address: to.address }, RootCode.KADEMLIA, request, options)
    const type = typeOf(request)
    if ((type === GET || type === FIND_PEER) && Array.isArray(answer) && answer[0] !== null) {
      this.#host.spend(SIGNATURE_MS)
    }
    return answer
  }

  #read(bytes: Uint8Array, of: PeerId | undefined): SignedPeerRecord | undefined {
    const text = keyOf(bytes)
    const known = this.#options.records.get(text) ?? readPeerRecord(bytes)
    this.#options.records.set(text, known)
    return of === undefined || known.id.equals(of) ? known : undefined
  }

  /** From now on it is silent, without a word. */
  crash(): void {
    this.#alive = false
    this.#lab.network.crash(this.#host)
    this.#kademlia = undefined
    this.#endpoint = undefined
    this.#socket = undefined
  }

  /** Ends it. Tells nobody. */
  async close(): Promise<void> {
    if (!this.#alive) return
    this.#alive = false
    await this.kademlia.close()
    await this.endpoint.close()
    await this.#socket?.close()
  }
}

function typeOf(request: Value): Value | undefined {
  return Array.isArray(request) ? request[0] : undefined
}
