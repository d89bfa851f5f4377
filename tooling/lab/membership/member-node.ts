/** A machine that takes part in membership: key, socket, requests endpoint, connector and `Membership`, which live and die together. */
import { RequestsEndpoint } from '@pc/dispatch'
import {
  createIdentity,
  createKeyExchange,
  type Identity,
  type Network,
  type PeerId,
  type SignedPeerRecord,
  signPeerRecord,
} from '@pc/identity'
import { Membership, type MembershipEvent, type MembershipLimits, type Statement } from '@pc/membership'
import type { SeededRandom, SimulatedHost, SimulatedSocket } from '@pc/testkit'
import {
  Acceptor,
  type Address,
  Connector,
  type DatagramSocket,
  type NetworkProtocol,
  type PeerBook,
} from '@pc/transport'
import { RootCode } from '@pc/wire'
import { addressOf } from '../addresses.js'
import { costed } from '../costed-exchange.js'
import { nullExchange } from '../kad/null-exchange.js'
import type { Lab } from '../lab.js'

const PORT = 3_485
/** To check a signature. */
const SIGNATURE_MS = 0.07

export interface SharedParts {
  readonly network: Network
  readonly nullCipher: boolean
  readonly limits: MembershipLimits
  /** Of everybody, by the text of their ids. */
  readonly nodes: Map<string, MemberNode>
  readonly known: (id: Uint8Array) => PeerId | undefined
  /** Where everybody is: facts that hold for all. */
  readonly book: PeerBook
  /** Whether a signature is good, found out once for all. */
  readonly verify: (statement: Statement, signer: PeerId) => boolean
  readonly onEvent: (node: MemberNode, event: MembershipEvent) => void
}

interface Running {
  readonly endpoint: RequestsEndpoint
  readonly connector: Connector
  readonly membership: Membership
  readonly socket: SimulatedSocket
}

export class MemberNode {
  readonly name: string
  readonly identity: Identity
  readonly record: SignedPeerRecord
  readonly address: Address
  /** Its event loop runs timers that are due before it reads what the network brought, as Node's does after it stood still. */
  timersFirst = false
  /** Its machine neither sends nor takes datagrams. */
  udpBlocked = false
  readonly #lab: Lab
  readonly #shared: SharedParts
  readonly #random: SeededRandom
  readonly #host: SimulatedHost<PeerId>
  #running: Running | undefined

  constructor(lab: Lab, index: number, shared: SharedParts) {
    this.#lab = lab
    this.#shared = shared
    this.name = `p${index + 1}`
    this.#random = lab.random.stream(`member ${index}`)
    this.identity = createIdentity(this.#random.stream('key').bytes(32))
    const interfaces = [{ name: 'eth0', address: addressOf(index, 0), netmask: '255.0.0.0' }]
    this.#host = lab.network.host({ id: this.identity.id, interfaces })
    this.address = { host: this.#host.address, port: PORT }
    const addresses = [this.address]
    this.record = signPeerRecord(this.identity, { sequence: 1, name: this.name, addresses, capabilities: [] })
  }

  get id(): PeerId {
    return this.identity.id
  }

  get host(): SimulatedHost<PeerId> {
    return this.#host
  }

  get alive(): boolean {
    return this.#running !== undefined
  }

  get membership(): Membership {
    return this.#parts.membership
  }

  get connector(): Connector {
    return this.#parts.connector
  }

  async start(): Promise<void> {
    const { network, nullCipher, known, nodes, limits, book, verify } = this.#shared
    const { identity, record } = this
    const host = this.#host
    const { clock } = host
    const random = this.#random.stream('life')
    const bytes = (length: number): Uint8Array => random.bytes(length)
    const bootId = bytes(8)
    const exchange = nullCipher
      ? nullExchange({ identity, random: bytes, known })
      : createKeyExchange({ identity, network, random: bytes, known })
    const endpoint = RequestsEndpoint.create({
      identity,
      network,
      bootId,
      clock,
      random,
      record: () => record,
      exchange: costed(exchange, host),
      known,
      onHeard: (id) => membership.heard(id),
    })
    const protocol: NetworkProtocol = host
    const own = { identity, network, bootId, clock, random }
    const connector = Connector.create({ ...own, protocol, record: () => record, peerBook: book })
    const membership = Membership.create({
      ...limits,
      connector,
      identity,
      clock,
      random,
      verify: (statement, signer) => {
        host.spend(SIGNATURE_MS)
        return verify(statement, signer)
      },
      transport: {
        send: (to, packet) => {
          const there = nodes.get(to.toString())
          return there && endpoint.send({ id: there.id, address: there.address }, RootCode.MEMBERSHIP, packet)
        },
      },
    })
    const acceptor = new Acceptor({ connector, clock })
    await protocol.listen(this.address, acceptor.accept, { admit: acceptor.admit })
    const socket = await host.bind({ host: '0.0.0.0', port: PORT }, (datagram, from) => {
      if (this.udpBlocked) return
      if (this.timersFirst) clock.setTimeout(() => endpoint.receive(datagram, from, door), 0)
      else endpoint.receive(datagram, from, door)
    })
    const door = this.#door(socket)
    endpoint.attach(door)
    endpoint.register(RootCode.MEMBERSHIP, { access: 'anyone' }, ({ peer, body }) => {
      if (body instanceof Uint8Array) membership.receive(peer, body)
      return undefined
    })
    this.#running = { endpoint, connector, membership, socket }
  }

  /** Tells the network of its events from now on. */
  watch(): void {
    const events = this.membership.events()
    void (async () => {
      for await (const event of events) this.#shared.onEvent(this, event)
    })()
  }

  meet(others: Iterable<MemberNode>): void {
    for (const { id, record } of others) if (!id.equals(this.id)) this.membership.met(id, record)
  }

  /** The machine loses power: silence, and no reset. */
  powerOff(): void {
    this.#lab.network.powerOff(this.#host)
    this.#running = undefined
  }

  /** Says goodbye, then ends. */
  async leave(): Promise<void> {
    await this.membership.leave()
    await this.close()
  }

  async close(): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    this.#running = undefined
    await running.membership.close()
    await running.connector.close()
    await running.endpoint.close()
    await running.socket.close()
  }

  get #parts(): Running {
    if (this.#running === undefined) throw new Error(`${this.name} does not run`)
    return this.#running
  }

  /** What a firewall lets through. */
  #door(socket: SimulatedSocket): DatagramSocket {
    return new Proxy<DatagramSocket>(socket, {
      get: (target, member) => {
        if (member === 'post' && this.udpBlocked) return () => true
        const value: unknown = Reflect.get(target, member)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}
