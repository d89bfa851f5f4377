/** Requests endpoints on a simulated network, and the packets of strangers. */
import { type DatagramEvent, RequestsEndpoint, type RequestsEndpointOptions } from '@pc/dispatch'
import {
  COOKIE_BYTES,
  createIdentity,
  createKeyExchange,
  type Identity,
  type Network,
  openNetwork,
  type PeerId,
  packSessionPacket,
  type SignedPeerRecord,
  signPeerRecord,
} from '@pc/identity'
import {
  SeededRandom,
  type SimulatedHost,
  SimulatedNetwork,
  type SimulatedNetworkOptions,
  VirtualClock,
} from '@pc/testkit'
import type { Address, DatagramSocket } from '@pc/transport'

export const PORT = 3_485
export const OPEN: Network = openNetwork('test')

let opened: Network | undefined
/** Opened once it is needed, because that is slow on purpose. */
export function secretNetwork(): Network {
  opened ??= openNetwork('test', { secret: 'known to members' })
  return opened
}

const identities = new Map<number, Identity>()
export function identityOf(number: number): Identity {
  const identity = identities.get(number) ?? createIdentity(new Uint8Array(32).fill(number))
  identities.set(number, identity)
  return identity
}

export interface Door {
  readonly identity: Identity
  readonly id: PeerId
  readonly address: Address
  readonly host: SimulatedHost<PeerId>
  readonly socket: DatagramSocket
  readonly endpoint: RequestsEndpoint
  /** What its handler of 0x80 (not idempotent) and 0x81 (idempotent) were given. */
  readonly ran: DatagramEvent[]
  /** Bytes from and to each `host port`. */
  readonly traffic: Map<string, { in: number; out: number }>
}

/** Machines 10.0.0.1, 10.0.0.2 … with one endpoint each. */
export class Lan {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimulatedNetwork<PeerId>
  readonly doors: Door[] = []
  readonly #member: Network

  constructor(seed: number | string, conditions: Partial<SimulatedNetworkOptions> = {}, member: Network = OPEN) {
    this.random = new SeededRandom(seed)
    this.#member = member
    const random = this.random.stream('network')
    this.network = new SimulatedNetwork<PeerId>({ clock: this.clock, random, ...conditions })
  }

  /** Its handlers of 0x80 and 0x81 answer with what they are given. */
  async door(options: Partial<RequestsEndpointOptions> = {}): Promise<Door> {
    const number = this.doors.length + 1
    const identity = identityOf(number)
    return this.#open(this.network.host({ id: identity.id, address: `10.0.0.${number}` }), identity, options)
  }

  /** The next life of a door at the same address: nothing of what it knew is left. */
  async restart(door: Door, options: Partial<RequestsEndpointOptions> = {}): Promise<Door> {
    return this.#open(this.network.restart(door.host), door.identity, options)
  }

  async close(): Promise<void> {
    await Promise.all(this.doors.map(({ endpoint }) => endpoint.close({ signal: AbortSignal.abort() })))
  }

  async #open(
    host: SimulatedHost<PeerId>,
    identity: Identity,
    options: Partial<RequestsEndpointOptions>,
  ): Promise<Door> {
    const random = this.random.stream(`door ${this.doors.length}`)
    const { id } = identity
    const address = { host: host.address, port: PORT }
    const endpoint = RequestsEndpoint.create({
      identity,
      network: this.#member,
      bootId: random.bytes(8),
      clock: host.clock,
      random,
      record: () => recordOf(identity, address),
      ...options,
    })
    const traffic: Door['traffic'] = new Map()
    const at = ({ host, port }: Address): { in: number; out: number } => {
      const key = `${host} ${port}`
      const found = traffic.get(key) ?? { in: 0, out: 0 }
      traffic.set(key, found)
      return found
    }
    const bound = await host.bind(address, (bytes, from) => {
      at(from).in += bytes.length
      endpoint.receive(bytes, from, socket)
    })
    const socket: DatagramSocket = {
      address: bound.address,
      sendQueueBytes: 0,
      sendErrors: 0,
      receiveBufferBytes: 0,
      post: (bytes, to) => {
        at(to).out += bytes.length
        return bound.post(bytes, to)
      },
      send: (bytes, to) => bound.send(bytes, to),
      joinGroup: (...args) => bound.joinGroup(...args),
      leaveGroup: (...args) => bound.leaveGroup(...args),
      close: () => bound.close(),
    }
    endpoint.attach(socket)
    const ran: DatagramEvent[] = []
    const echo = (event: DatagramEvent): DatagramEvent['body'] => {
      ran.push(event)
      return event.body
    }
    endpoint.register(0x80, { access: 'anyone' }, echo)
    endpoint.register(0x81, { access: 'anyone', idempotent: true }, echo)
    const door = { identity, id, address, host, socket, endpoint, ran, traffic }
    this.doors.push(door)
    return door
  }
}

export function recordOf(identity: Identity, address: Address): SignedPeerRecord {
  return signPeerRecord(identity, { sequence: 1, name: 'ben', addresses: [address], capabilities: [] })
}

export interface Forged {
  readonly from: Identity
  readonly to: PeerId
  readonly network?: Network
  readonly index?: number
  readonly cookie?: Uint8Array
  readonly early?: Uint8Array
}

/** A first message that is right in everything. */
export function initiation(random: SeededRandom, forged: Forged): Uint8Array {
  const { from, to, network = OPEN, index = 1, cookie = new Uint8Array(COOKIE_BYTES) } = forged
  const exchange = createKeyExchange({ identity: from, network, random: (length) => random.bytes(length) })
  const begun = exchange.initiate(to, forged.early ?? new Uint8Array(0), index)
  if (begun === undefined) throw new Error('no key to agree with')
  return packSessionPacket(network, { type: 1, senderIndex: index, cookie, message: begun.message })
}

/** The counters that are not 0. */
export function counted({ counters }: RequestsEndpoint, ...without: string[]): Record<string, number> {
  const found = Object.entries(counters).filter(([name, count]) => count > 0 && !without.includes(name))
  return Object.fromEntries(found)
}

/** A port that takes datagrams, or does not. */
export interface FakeSocket extends DatagramSocket {
  readonly outgoing: { bytes: Uint8Array; to: Address }[]
  full: boolean
}

export function fakeSocket(host = '10.0.0.1', fail?: Error): FakeSocket {
  const socket: FakeSocket = {
    address: { host, port: PORT },
    outgoing: [],
    full: false,
    sendQueueBytes: 0,
    sendErrors: 0,
    receiveBufferBytes: 0,
    post(bytes, to) {
      if (socket.full) return false
      socket.outgoing.push({ bytes: Uint8Array.from(bytes), to })
      return true
    },
    send: async (bytes, to) => {
      if (fail !== undefined) throw fail
      socket.outgoing.push({ bytes, to })
    },
    joinGroup: () => {},
    leaveGroup: () => {},
    close: async () => {},
  }
  return socket
}
