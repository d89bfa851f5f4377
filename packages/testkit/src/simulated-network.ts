/**
 * A network in one process, driven by a virtual clock and a seed: the same seed gives the same run. Streams are
 * ordered and never lose bytes, as TCP; datagrams are lost, duplicated and reordered, as UDP. Bandwidth is unlimited.
 * Code of a host that went down keeps running, because only the test can stop it; it just finds its network gone.
 */
import { type DatagramCounters, DatagramExchange } from './datagram-exchange.js'
import { TestkitError } from './errors.js'
import { HostProcess, type ListeningSocket, type Surroundings } from './host-process.js'
import { Links } from './links.js'
import type { NetworkConditions } from './network-conditions.js'
import { Ports } from './ports.js'
import type { SeededRandom } from './seeded-random.js'
import { requireAddress } from './simulated-address.js'
import type { SimulatedHost } from './simulated-host.js'
import type { VirtualClock } from './virtual-clock.js'

export interface SimulatedNetworkOptions extends Partial<NetworkConditions> {
  clock: VirtualClock
  random: SeededRandom
}

/** One host or several. */
export type HostGroup<Id> = SimulatedHost<Id> | readonly SimulatedHost<Id>[]

export class SimulatedNetwork<Id> {
  readonly #links: Links
  readonly #datagrams: DatagramExchange
  readonly #around: Surroundings<Id>
  readonly #hosts: HostProcess<Id>[] = []
  readonly #addresses = new Set<string>()

  constructor(options: SimulatedNetworkOptions) {
    const { clock, random, ...conditions } = options
    this.#links = new Links(clock, random.stream('network'), conditions)
    this.#datagrams = new DatagramExchange(this.#links, clock)
    this.#around = {
      clock,
      links: this.#links,
      listeners: new Ports<ListeningSocket<Id>>(),
      datagrams: this.#datagrams,
      knows: (address) => this.#addresses.has(address),
    }
  }

  /** All hosts in the order they were added. */
  get hosts(): readonly SimulatedHost<Id>[] {
    return [...this.#hosts]
  }

  get conditions(): Readonly<NetworkConditions> {
    return this.#links.conditions
  }

  get datagrams(): DatagramCounters {
    return this.#datagrams.counters
  }

  /** Adds a host that runs. `address` is an IP literal without scope; hosts with the same one share a machine. */
  host(options: { id: Id; address: string }): SimulatedHost<Id> {
    requireAddress({ host: options.address, port: 0 }, 0)
    const host = new HostProcess(options.id, options.address, this.#around)
    this.#hosts.push(host)
    this.#addresses.add(options.address)
    return host
  }

  /** Changes what is given from now on; what is on the way keeps its delay. */
  change(conditions: Partial<NetworkConditions>): void {
    this.#links.change(conditions)
  }

  /**
   * Lets nothing through between the machines of `a` and those of `b`; with `oneWay` only nothing from `a` to `b`.
   * Datagrams are lost, streams wait. Partitions add up until `heal`.
   */
  partition(a: HostGroup<Id>, b: HostGroup<Id>, options: { oneWay?: boolean } = {}): void {
    for (const from of [a].flat() as SimulatedHost<Id>[]) {
      for (const to of [b].flat() as SimulatedHost<Id>[]) {
        this.#links.cut(from.address, to.address)
        if (!options.oneWay) this.#links.cut(to.address, from.address)
      }
    }
  }

  /** Ends all partitions. What streams held back arrives. */
  heal(): void {
    this.#links.mend()
  }

  /** The process of a host dies: its streams are reset at the other end, its sockets are gone. */
  crash(host: SimulatedHost<Id>): void {
    this.#processOf(host).stop(true)
  }

  /** The machine of a host loses power, with all hosts on it: nobody is told, and nothing answers there any more. */
  powerOff(host: SimulatedHost<Id>): void {
    this.#processOf(host)
    this.#links.switchOff(host.address)
    for (const other of this.#hosts) if (other.address === host.address) other.stop(false)
  }

  /** A host that went down can use the network again, without its former sockets and streams. */
  restart(host: SimulatedHost<Id>): void {
    this.#processOf(host).start()
    this.#links.switchOn(host.address)
  }

  #processOf(host: SimulatedHost<Id>): HostProcess<Id> {
    const found = this.#hosts.find((other) => other === host)
    if (found === undefined)
      throw new TestkitError('BAD_ARGUMENT', `the host at ${host.address} belongs to another network`)
    return found
  }
}
