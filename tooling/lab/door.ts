/** A machine with nothing but the datagram door: key, socket and endpoint, which live and die on it one after the other. */
import { RequestsEndpoint, type RequestsEndpointLimits } from '@pc/dispatch'
import type { PeerId } from '@pc/identity'
import { createIdentity, createKeyExchange, type Identity, type Network, signPeerRecord } from '@pc/identity'
import type { SeededRandom, SimulatedHost, SimulatedSocket } from '@pc/testkit'
import type { Address, Clock } from '@pc/transport'
import { addressOf } from './addresses.js'
import { costed } from './costed-exchange.js'
import type { Lab } from './lab.js'

/** The root code of the laboratory's requests, and of those that may be run twice. */
export const ECHO = 0x80
export const READ = 0x81
const PORT = 3_485

export interface DoorOptions {
  readonly name: string
  readonly network: Network
  readonly limits?: RequestsEndpointLimits
  /** Called for every datagram that leaves, before it does. */
  readonly onSent?: (bytes: Uint8Array, to: Address) => void
  readonly onReceived?: (bytes: Uint8Array, from: Address) => void
}

export class Door {
  readonly name: string
  readonly identity: Identity
  readonly #lab: Lab
  readonly #options: DoorOptions
  readonly #random: SeededRandom
  #host: SimulatedHost<PeerId>
  #endpoint: RequestsEndpoint | undefined
  #lives = 0
  /** Requests that its handlers ran. */
  served = 0

  /** Adds the machine; `start` opens the door. `index` is its place in the network. */
  constructor(lab: Lab, index: number, options: DoorOptions) {
    this.#lab = lab
    this.#options = options
    this.name = options.name
    this.#random = lab.random.stream(`door ${options.name}`)
    this.identity = createIdentity(this.#random.stream('key').bytes(32))
    const interfaces = [{ name: 'eth0', address: addressOf(index, 0), netmask: '255.0.0.0' }]
    this.#host = lab.network.host({ id: this.identity.id, interfaces })
    lab.recorder.identity(this.identity.id.toString(), options.name)
  }

  get host(): SimulatedHost<PeerId> {
    return this.#host
  }

  get address(): Address {
    return { host: this.#host.address, port: PORT }
  }

  /** Of the present life. */
  get endpoint(): RequestsEndpoint {
    if (this.#endpoint === undefined) throw new Error(`${this.name} is closed`)
    return this.#endpoint
  }

  /** For `submit`: who and where. */
  get place(): { id: PeerId; address: Address } {
    return { id: this.identity.id, address: this.address }
  }

  async start(): Promise<void> {
    this.#lives += 1
    const { network, limits, onSent, onReceived } = this.#options
    const random = this.#random.stream(`life ${this.#lives}`)
    const clock: Clock = this.#host.clock
    const bytes = (length: number): Uint8Array => random.bytes(length)
    const record = signPeerRecord(this.identity, {
      sequence: this.#lives,
      name: this.name,
      addresses: [this.address],
      capabilities: [],
    })
    const endpoint = RequestsEndpoint.create({
      identity: this.identity,
      network,
      bootId: random.bytes(8),
      clock,
      random,
      record: () => record,
      exchange: costed(createKeyExchange({ identity: this.identity, network, random: bytes }), this.#host),
      ...(limits === undefined ? {} : { limits }),
    })
    const host = this.#host
    const bound: SimulatedSocket = await host.bind({ host: '0.0.0.0', port: PORT }, (datagram, from) => {
      onReceived?.(datagram, from)
      endpoint.receive(datagram, from, socket)
    })
    const socket = onSent === undefined ? bound : tapped(bound, onSent)
    endpoint.attach(socket)
    endpoint.register(ECHO, { access: 'anyone' }, ({ body }) => {
      this.served += 1
      return body
    })
    endpoint.register(READ, { access: 'anyone', idempotent: true }, ({ body }) => {
      this.served += 1
      return body
    })
    this.#endpoint = endpoint
  }

  /** The process dies and another one with the same key takes its place at once. */
  async restart(): Promise<void> {
    this.#lab.note(`${this.name} restarts`)
    this.#lab.network.crash(this.#host)
    this.#host = this.#lab.network.restart(this.#host)
    await this.start()
  }

  async close(): Promise<void> {
    await this.#endpoint?.close()
    this.#endpoint = undefined
  }
}

/** The same socket, watched. */
function tapped(socket: SimulatedSocket, onSent: NonNullable<DoorOptions['onSent']>): SimulatedSocket {
  const watched: SimulatedSocket = Object.create(socket, {
    post: {
      value: (bytes: Uint8Array, to: Address): boolean => {
        onSent(bytes, to)
        return socket.post(bytes, to)
      },
    },
    send: {
      value: (bytes: Uint8Array, to: Address): Promise<void> => {
        onSent(bytes, to)
        return socket.send(bytes, to)
      },
    },
    address: { value: socket.address },
    sendQueueBytes: { get: () => socket.sendQueueBytes },
  })
  return watched
}
