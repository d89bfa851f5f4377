import { Discovery, type DiscoveryOptions, type Hint } from '@pc/discovery'
import { RequestsEndpoint } from '@pc/dispatch'
import { createIdentity, type Network, openNetwork, type PeerId } from '@pc/identity'
import { SeededRandom, SimulatedNetwork, type SimulatedNetworkOptions, VirtualClock } from '@pc/testkit'
import type { Address, DatagramSocket, NetworkInterface, NetworkProtocol } from '@pc/transport'

export const PORT = 3_485

export interface Member {
  readonly id: PeerId
  readonly bootId: Uint8Array
  readonly address: string
  readonly endpoint: RequestsEndpoint
  readonly discovery: Discovery
  readonly hints: { at: number; hint: Hint }[]
  /** The hosts hinted at, each once, sorted. */
  found(): string[]
}

/** Peers with discovery on one simulated segment, 10.0.0.0/24. */
export class Segment {
  readonly clock: VirtualClock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimulatedNetwork<PeerId>
  readonly members: Member[] = []

  constructor(seed: number, conditions: Partial<SimulatedNetworkOptions> = {}) {
    this.random = new SeededRandom(seed)
    this.network = new SimulatedNetwork<PeerId>({
      clock: this.clock,
      random: this.random.stream('network'),
      ...conditions,
    })
  }

  /** Adds a peer; `connect` tells every member at once of a hint followed, as if dialling took no time. */
  async add(options: Partial<DiscoveryOptions> & { connect?: boolean; network?: Network } = {}): Promise<Member> {
    const { connect = false, network = openNetwork('test'), ...overrides } = options
    const number = this.members.length + 1
    const random = this.random.stream(`peer ${number}`)
    const identity = createIdentity(random.bytes(32))
    const { id } = identity
    const bootId = random.bytes(8)
    const address = `10.0.0.${number}`
    const protocol: NetworkProtocol = this.network.host({ id, address })
    const endpoint = RequestsEndpoint.create({ identity, network, bootId, clock: this.clock, random })
    await attach(protocol, endpoint, { host: address, port: PORT })
    const hints: Member['hints'] = []
    const discovery = await Discovery.create({
      protocol,
      endpoint,
      network,
      id,
      bootId,
      port: PORT,
      interfaces: () => [interfaceAt(address)],
      clock: this.clock,
      random,
      onHint: (hint) => {
        hints.push({ at: this.clock.now(), hint })
        if (connect) this.#connect(bootId, hint.bootId)
      },
      ...overrides,
    })
    const found = (): string[] => [...new Set(hints.map(({ hint }) => hint.address.host))].sort()
    const member = { id, bootId, address, endpoint, discovery, hints, found }
    this.members.push(member)
    return member
  }

  async close(): Promise<void> {
    await Promise.all(this.members.map(({ discovery }) => discovery.close()))
  }

  #connect(one: Uint8Array, other: Uint8Array): void {
    for (const { bootId, discovery } of this.members) {
      if (same(bootId, one)) discovery.connected(other)
      if (same(bootId, other)) discovery.connected(one)
    }
  }
}

export function interfaceAt(address: string, netmask = '255.255.255.0', name = 'eth0'): NetworkInterface {
  return { name, address, family: 4, netmask, internal: false }
}

/** A peer's own port: what arrives there goes to the endpoint. */
export async function attach(
  protocol: NetworkProtocol,
  endpoint: RequestsEndpoint,
  at: Address,
): Promise<DatagramSocket> {
  const socket: DatagramSocket = await protocol.bind(at, (bytes, from) => endpoint.receive(bytes, from, socket))
  endpoint.attach(socket)
  return socket
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}
