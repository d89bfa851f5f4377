import { openNetwork, type PeerId, signPeerRecord } from '@pc/identity'
import { SeededRandom, type SimulatedHost, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { Acceptor, Connector, type NetworkProtocol, PeerBook } from '@pc/transport'
import { Membership } from '../../src/index.js'
import { person } from './people.js'

const PORT = 3485
const DATAGRAM_PORT = 3486

/** A peer with transport and membership, and nothing else, on a simulated host. */
export interface Colleague {
  readonly name: string
  readonly id: PeerId
  readonly host: SimulatedHost<PeerId>
  readonly connector: Connector
  readonly membership: Membership
  /** Every event as `<name> <type>`, with its time. */
  readonly events: { text: string; at: number }[]
  /** A firewall before it drops datagrams, both ways. */
  datagramsBlocked: boolean
}

export class Office {
  readonly clock = new VirtualClock()
  readonly random: SeededRandom
  readonly network: SimulatedNetwork<PeerId>
  readonly #colleagues: Colleague[] = []

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.network = new SimulatedNetwork<PeerId>({ clock: this.clock, random: this.random })
  }

  async open(name: string): Promise<Colleague> {
    const { identity, id } = person(name)
    const address = `10.0.0.${this.#colleagues.length + 1}`
    const host = this.network.host({ id, address })
    const protocol: NetworkProtocol = host
    const { clock } = host
    const random = this.random.stream(name)
    const addresses = [{ host: address, port: PORT }]
    const own = signPeerRecord(identity, { sequence: 1, name, addresses, capabilities: [] })
    const connector = Connector.create({
      identity,
      protocol,
      network: openNetwork('office'),
      bootId: random.bytes(8),
      record: () => own,
      peerBook: new PeerBook(),
      clock,
      random,
    })
    const acceptor = new Acceptor({ connector, clock })
    await protocol.listen({ host: address, port: PORT }, acceptor.accept, { admit: acceptor.admit })
    // Who sends from an address of this network is who has it: nobody lies here.
    const socket = await host.bind({ host: address, port: DATAGRAM_PORT }, (bytes, from) => {
      const sender = this.#colleagues.find((one) => one.host.address === from.host)
      const blocked = colleague.datagramsBlocked || sender?.datagramsBlocked === true
      if (sender !== undefined && !blocked) membership.receive(sender.id, bytes)
    })
    const transport = {
      send: (to: PeerId, bytes: Uint8Array): void => {
        const there = this.#colleagues.find((one) => one.id.equals(to))
        if (there !== undefined) socket.post(bytes, { host: there.host.address, port: DATAGRAM_PORT })
      },
    }
    const membership = Membership.create({ connector, transport, identity, clock, random })
    const colleague: Colleague = { name, id, host, connector, membership, events: [], datagramsBlocked: false }
    void this.#listen(colleague)
    this.#colleagues.push(colleague)
    return colleague
  }

  /** `a` dials `b`; resolves when both know it. */
  async introduce(a: Colleague, b: Colleague): Promise<void> {
    const dial = a.connector.meet([{ host: b.host.address, port: PORT }])
    await this.clock.runUntil(() => a.membership.isOnline(b.id) && b.membership.isOnline(a.id))
    await dial
  }

  /** Closes whoever still runs: nothing that belongs to a host that went down ever settles. */
  async close(): Promise<void> {
    const closing = Promise.all(
      this.#colleagues.map(async ({ host, membership, connector }) => {
        if (!host.running) return
        await membership.close()
        await connector.close()
      }),
    )
    await this.clock.advance(10_000)
    await closing
  }

  async #listen(colleague: Colleague): Promise<void> {
    for await (const event of colleague.membership.events()) {
      colleague.events.push({ text: `${event.record.name} ${event.type}`, at: this.clock.now() })
    }
  }
}
