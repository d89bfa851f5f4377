/**
 * A network in one process, driven by a virtual clock and a seed: the same seed gives the same run. Streams are
 * ordered and never lose bytes, as TCP; datagrams are lost, duplicated and reordered, as UDP. Hosts have clocks of their own,
 * take time for what they do, and can be paused, put to sleep, killed and started again.
 */
import type { Agenda } from './agenda.js'
import { DatagramExchange } from './datagram-exchange.js'
import type { DatagramCounters } from './datagram-flight.js'
import { TestkitError } from './errors.js'
import { HostProcess, type Surroundings } from './host-process.js'
import type { SimulatedInterface } from './interface.js'
import { Links } from './links.js'
import type { Machine } from './machine.js'
import { MachineTime } from './machine-time.js'
import type { NetworkConditions } from './network-conditions.js'
import type { SeededRandom } from './seeded-random.js'
import type { SimulatedAddress } from './simulated-address.js'
import type { SimulatedHost } from './simulated-host.js'
import { Topology } from './topology.js'
import type { Trace } from './trace.js'
import { VirtualClock } from './virtual-clock.js'

export interface SimulatedNetworkOptions extends Partial<NetworkConditions> {
  clock: VirtualClock
  random: SeededRandom
  /** Gets everything that is delivered, and every fault. */
  trace?: Trace
}

/** How the clocks of a machine differ from the virtual clock. */
export interface ClockFault {
  /** How far its wall clock is ahead, in ms; negative is behind. @default 0 */
  offsetMs?: number
  /** How much faster both of its clocks run, in parts per million; negative is slower. @default 0 */
  driftPpm?: number
}

export interface SimulatedHostOptions<Id> {
  id: Id
  /** Short for one interface with this address. */
  address?: string
  interfaces?: readonly SimulatedInterface[]
  clock?: ClockFault
}

/** One host or several. */
export type HostGroup<Id> = SimulatedHost<Id> | readonly SimulatedHost<Id>[]

/** Quartz is within 100 ppm; a hundredth is far beyond any machine that works. */
const MAX_DRIFT_PPM = 10_000

export class SimulatedNetwork<Id> {
  readonly #agenda: Agenda
  readonly #clock: VirtualClock
  readonly #links: Links
  readonly #topology = new Topology()
  readonly #datagrams: DatagramExchange
  readonly #around: Surroundings
  readonly #trace: Trace | undefined
  readonly #hosts: HostProcess<Id>[] = []

  constructor(options: SimulatedNetworkOptions) {
    const { clock, random, trace, ...conditions } = options
    this.#clock = clock
    this.#trace = trace
    this.#agenda = VirtualClock.agendaOf(clock)
    this.#links = new Links(this.#agenda, random.stream('network'), conditions)
    this.#datagrams = new DatagramExchange(this.#agenda, this.#links, this.#topology, trace)
    this.#around = {
      agenda: this.#agenda,
      links: this.#links,
      topology: this.#topology,
      trace,
      datagrams: this.#datagrams,
    }
  }

  /** The present life of every host, in the order they were added. */
  get hosts(): readonly SimulatedHost<Id>[] {
    return [...this.#hosts]
  }

  get conditions(): Readonly<NetworkConditions> {
    return this.#links.conditions
  }

  get datagrams(): DatagramCounters {
    return this.#datagrams.counters
  }

  /**
   * Adds a host that runs. Hosts with the same address share a machine: its interfaces, its clocks, its power.
   * Throws ADDRESS_INVALID, ADDRESS_IN_USE (some of several addresses belong to another machine), BAD_ARGUMENT.
   */
  host(options: SimulatedHostOptions<Id>): SimulatedHost<Id> {
    const { id, address, interfaces = address === undefined ? [] : [{ address }], clock } = options
    if (address !== undefined && options.interfaces !== undefined) {
      throw new TestkitError('BAD_ARGUMENT', 'a host has either an address or interfaces, not both')
    }
    requireClockFault(clock)
    const time = (): MachineTime => new MachineTime(this.#clock.unixStart)
    const { machine, fresh } = this.#topology.machine(interfaces, time)
    if (fresh || clock !== undefined) this.#setClock(machine, clock ?? {})
    const host = new HostProcess(id, machine, this.#around)
    this.#hosts.push(host)
    return host
  }

  /** Changes what is given from now on; what is on the way keeps its delay. */
  change(conditions: Partial<NetworkConditions>): void {
    this.#links.change(conditions)
    this.#note('change', JSON.stringify(conditions))
  }

  /**
   * The same for what the machines of `a` and `b` send each other, or with `oneWay` only for what goes from `a` to `b`. What is not
   * given follows the rest of the network. Only delay, loss, duplication, reordering and clogging belong to a direction.
   */
  changeBetween(
    a: HostGroup<Id>,
    b: HostGroup<Id>,
    conditions: Partial<NetworkConditions>,
    options: { oneWay?: boolean } = {},
  ): void {
    this.#forEachPair(a, b, options.oneWay ?? false, (from, to) => this.#links.changeBetween(from, to, conditions))
    this.#note('change-between', ...this.#names(a), '>', ...this.#names(b), JSON.stringify(conditions))
  }

  /**
   * Lets nothing through between the machines of `a` and those of `b`; with `oneWay` only nothing from `a` to `b`.
   * Datagrams are lost, streams send again. Partitions add up until `heal`.
   */
  partition(a: HostGroup<Id>, b: HostGroup<Id>, options: { oneWay?: boolean } = {}): void {
    this.#forEachPair(a, b, options.oneWay ?? false, (from, to) => this.#links.cut(from, to))
    this.#note('partition', ...this.#names(a), options.oneWay ? '>' : '=', ...this.#names(b))
  }

  /** Ends all partitions. What streams hold back arrives with their next retransmission, as on any network. */
  heal(): void {
    this.#links.mend()
    this.#note('heal')
  }

  /** What is sent between the machines of `a` and those of `b` within the next `ms` arrives after them. */
  clog(a: HostGroup<Id>, b: HostGroup<Id>, ms: number): void {
    requireDuration('clog()', ms)
    this.#forEachPair(a, b, false, (from, to) => this.#links.clog(from, to, ms))
    this.#note('clog', ...this.#names(a), ...this.#names(b), ms)
  }

  /** Both ends of every stream between the hosts of `a` and those of `b` are reset, as by a firewall that forgot them. */
  resetStreams(a: HostGroup<Id>, b: HostGroup<Id>): void {
    const [left, right] = [this.#lives(a), this.#lives(b)]
    for (const host of left) {
      for (const stream of [...host.streams]) {
        const other = stream.other
        if (other === undefined || !right.some(({ processor }) => processor === other.processor)) continue
        for (const end of [stream, other]) this.#agenda.after(0, { fire: () => end.cut() })
      }
    }
    this.#note('reset-streams', ...this.#names(a), ...this.#names(b))
  }

  /**
   * Sends a datagram from a host under a source address that is not its own, as whoever may write raw packets can. Unicast only.
   * Throws ADDRESS_INVALID, UNREACHABLE.
   */
  forge(host: SimulatedHost<Id>, bytes: Uint8Array, from: SimulatedAddress, to: SimulatedAddress): void {
    this.#datagrams.forge(this.#lifeOf(host), bytes, from, to)
  }

  /** The process of a host stops, as by SIGSTOP: time goes on, nothing of it runs, and what comes for it waits in bounded buffers. */
  pause(host: SimulatedHost<Id>): void {
    this.#lifeOf(host).pause()
    this.#note('pause', host.address)
  }

  /** It goes on, with everything that waited, in the order it came. */
  resume(host: SimulatedHost<Id>): void {
    this.#lifeOf(host).resume()
    this.#note('resume', host.address)
  }

  /** The machine of a host sleeps, with all hosts on it: what comes for it is lost, its `now()` stands still, its wall clock goes on. */
  sleep(host: SimulatedHost<Id>): void {
    const { machine } = this.#lifeOf(host)
    if (machine.time.asleep) return
    machine.time.sleep(this.#agenda.now)
    for (const other of this.#on(machine)) other.processor.stop()
    this.#note('sleep', host.address)
  }

  wake(host: SimulatedHost<Id>): void {
    const { machine } = this.#lifeOf(host)
    if (!machine.time.asleep) return
    machine.time.wake(this.#agenda.now)
    for (const other of this.#on(machine)) other.processor.start()
    this.#note('wake', host.address)
  }

  /** Sets the clocks of a host's machine: the wall clock jumps to its new offset, drift changes both clocks from now on. */
  changeClock(host: SimulatedHost<Id>, clock: ClockFault): void {
    requireClockFault(clock)
    this.#setClock(this.#lifeOf(host).machine, clock)
    this.#note('clock', host.address, clock.offsetMs ?? '', clock.driftPpm ?? '')
  }

  /** The process of a host dies: the other ends of its streams are reset, its ports refuse, and nothing of it is ever called again. */
  crash(host: SimulatedHost<Id>): void {
    const life = this.#lifeOf(host)
    life.end(true)
    // Most machines that crash in a simulation are never heard of again, and there are many of them.
    life.machine.forgetRoutes()
    this.#note('crash', host.address)
  }

  /** The machine of a host loses power, with all hosts on it: nobody is told, and nothing answers there any more. */
  powerOff(host: SimulatedHost<Id>): void {
    const { machine } = this.#lifeOf(host)
    for (const other of this.#on(machine)) other.end(false)
    if (machine.on) machine.boots++
    machine.on = false
    this.#note('power-off', host.address)
  }

  /**
   * Starts a host again, on a machine with power: returns its next life, without sockets, streams and memory of the one before, which
   * ends now if it has not yet. Other hosts of a machine that was off stay down until they are restarted too.
   */
  restart(host: SimulatedHost<Id>): SimulatedHost<Id> {
    const former = this.#lifeOf(host)
    former.end(true)
    const { machine } = former
    machine.on = true
    if (machine.time.asleep) machine.time.wake(this.#agenda.now)
    const next = new HostProcess(former.id, machine, this.#around)
    this.#hosts[this.#hosts.indexOf(former)] = next
    this.#note('restart', host.address)
    return next
  }

  /**
   * An interface of a host's machine gets another address, or with `undefined` loses it. Streams over the old one go silent on both
   * sides, sockets bound to it receive nothing; those bound to all addresses receive at the new one.
   */
  changeAddress(host: SimulatedHost<Id>, interfaceName: string, address: string | undefined): void {
    const { machine } = this.#lifeOf(host)
    const family = address?.includes(':') ? 6 : 4
    const named = machine.interfaces.filter(({ name, internal }) => name === interfaceName && !internal)
    const changed = address === undefined ? named : named.filter((one) => one.family === family).slice(0, 1)
    if (changed.length === 0) {
      const names = machine.interfaces.flatMap(({ name, internal }) => (internal ? [] : [name]))
      throw new TestkitError(
        'BAD_ARGUMENT',
        `this machine has no interface ${interfaceName}${address === undefined ? '' : ` with IPv${family}`}, but ${names.join(', ')}`,
      )
    }
    for (const one of changed) this.#topology.move(machine, one, address)
    this.#note('change-address', interfaceName, address ?? '')
  }

  #setClock(machine: Machine, { offsetMs, driftPpm }: ClockFault): void {
    const { now } = this.#agenda
    if (driftPpm !== undefined) machine.time.setDrift(now, driftPpm)
    if (offsetMs !== undefined) machine.time.setUnix(now, this.#clock.unixStart + now + offsetMs)
  }

  #forEachPair(a: HostGroup<Id>, b: HostGroup<Id>, oneWay: boolean, apply: (from: Machine, to: Machine) => void): void {
    for (const { machine: from } of this.#lives(a)) {
      for (const { machine: to } of this.#lives(b)) {
        if (from === to) continue
        apply(from, to)
        if (!oneWay) apply(to, from)
      }
    }
  }

  #on(machine: Machine): HostProcess<Id>[] {
    return this.#hosts.filter((host) => host.machine === machine)
  }

  /** The present lives of the hosts given; any life of a host stands for it here. */
  #lives(group: HostGroup<Id>): HostProcess<Id>[] {
    return ([group].flat() as SimulatedHost<Id>[]).map((host) => this.#lifeOf(host))
  }

  #lifeOf(host: SimulatedHost<Id>): HostProcess<Id> {
    const found = this.#hosts.find((other) => other === host)
    if (found !== undefined) return found
    throw new TestkitError(
      'BAD_ARGUMENT',
      `the host at ${host.address} is not of this network, or a former life of one: use what restart() returned`,
    )
  }

  #names(group: HostGroup<Id>): string[] {
    return ([group].flat() as SimulatedHost<Id>[]).map(({ address }) => address)
  }

  #note(kind: string, ...fields: (string | number)[]): void {
    this.#trace?.add(kind, this.#agenda.now, ...fields)
  }
}

function requireClockFault({ offsetMs = 0, driftPpm = 0 }: ClockFault = {}): void {
  if (!Number.isFinite(offsetMs) || !(Math.abs(driftPpm) <= MAX_DRIFT_PPM)) {
    throw new TestkitError(
      'BAD_ARGUMENT',
      `a clock takes offsetMs, a number, and driftPpm up to ${MAX_DRIFT_PPM} either way, got ${offsetMs} and ${driftPpm}`,
    )
  }
}

function requireDuration(what: string, ms: number): void {
  if (Number.isFinite(ms) && ms >= 0) return
  throw new TestkitError('BAD_ARGUMENT', `${what} needs a number of milliseconds of at least 0, got ${ms}`)
}
