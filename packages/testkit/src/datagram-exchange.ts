import type { Agenda } from './agenda.js'
import type { BoundSocket, DatagramOwner } from './bound-socket.js'
import { type DatagramCounters, DatagramFlights } from './datagram-flight.js'
import { DatagramHandle } from './datagram-handle.js'
import { TestkitError } from './errors.js'
import type { Interface } from './interface.js'
import type { Links } from './links.js'
import type { Machine } from './machine.js'
import { type ParsedHost, parseHost, requireAddress, type SimulatedAddress } from './simulated-address.js'
import type { SimulatedBindOptions, SimulatedSocket } from './simulated-host.js'
import type { Topology } from './topology.js'
import type { Trace } from './trace.js'

/** The datagram sockets of all hosts: who is bound where and in which group, and whom a datagram goes to. */
export class DatagramExchange {
  readonly #agenda: Agenda
  readonly #links: Links
  readonly #topology: Topology
  readonly #flights: DatagramFlights
  readonly #members = new Map<string, Set<BoundSocket>>()

  constructor(agenda: Agenda, links: Links, topology: Topology, trace: Trace | undefined) {
    this.#agenda = agenda
    this.#links = links
    this.#topology = topology
    this.#flights = new DatagramFlights(agenda, links, trace)
  }

  get counters(): DatagramCounters {
    return this.#flights.counters
  }

  /** The socket as its host has it, to be released with it, and as the program has it. */
  bind(
    owner: DatagramOwner,
    options: SimulatedBindOptions,
    onDatagram: BoundSocket['onDatagram'],
    onClose: (socket: BoundSocket) => void,
  ): { bound: BoundSocket; socket: SimulatedSocket } {
    const { machine, processor } = owner
    const { shareAddress: shared = false, broadcast = false, multicast } = options
    const address = machine.sockets.resolve(options, shared, (bound) => machine.owns(bound))
    const bound: BoundSocket = {
      machine,
      processor,
      shared,
      address,
      bound: requireAddress(address, 1),
      groups: new Map(),
      onDatagram,
      outward: multicast === undefined ? undefined : machine.interfaceNamed(multicast.interfaceAddress),
      loopback: multicast?.loopback ?? true,
      broadcast,
      receiveBufferBytes: options.receiveBufferBytes ?? Number.POSITIVE_INFINITY,
      waitingBytes: 0,
      open: true,
    }
    machine.sockets.claim(bound)
    const socket = new DatagramHandle({
      socket: bound,
      onSendError: options.onSendError?.bind(options),
      now: () => this.#agenda.now,
      send: (bytes, to) => this.#send(bound, bytes, to),
      join: (group, on) => this.#join(bound, requireGroup(group, bound.bound), machine.interfaceNamed(on)),
      leave: (group, on) => {
        const found = machine.findNamed(on)
        if (found !== undefined) this.#leave(bound, parseHost(group)?.host ?? '', found)
      },
      receiveBufferBytes: () => this.#links.receiveBufferOf(bound),
      release: () => {
        this.release(bound)
        onClose(bound)
      },
    })
    return { bound, socket }
  }

  /** Nothing is delivered to a socket any more. */
  release(socket: BoundSocket): void {
    if (!socket.open) return
    socket.open = false
    socket.machine.sockets.release(socket)
    for (const [group, interfaces] of [...socket.groups]) for (const one of interfaces) this.#leave(socket, group, one)
  }

  /** Sends as `from`, whoever that is: unicast only. */
  forge({ machine, processor }: DatagramOwner, bytes: Uint8Array, from: SimulatedAddress, to: SimulatedAddress): void {
    const target = requireAddress(to, 1)
    requireAddress(from, 1)
    const via = machine.routeTo(target)
    if (via?.address === undefined || target.kind !== 'unicast') {
      throw new TestkitError(
        'UNREACHABLE',
        `no interface of this machine leads to ${to.host}, or it is no unicast address`,
      )
    }
    this.#toAddress(machine, via, { host: from.host, port: from.port }, target, to.port, bytes, processor.readyAt)
  }

  /** When it has left its machine; undefined when it did not fit. */
  #send(socket: BoundSocket, bytes: Uint8Array, to: SimulatedAddress): number | undefined {
    const target = requireAddress(to, 1)
    const { maxDatagramBytes } = this.#links.conditions
    if (bytes.length > maxDatagramBytes) {
      throw new TestkitError(
        'DATAGRAM_TOO_LARGE',
        `a datagram carries up to ${maxDatagramBytes} bytes, got ${bytes.length}`,
      )
    }
    const { machine, outward, loopback, broadcast } = socket
    const toMany = target.kind === 'multicast' || target.host === '255.255.255.255'
    const via = toMany ? (outward ?? this.#interfaceOf(socket) ?? machine.routeTo(target)) : machine.routeTo(target)
    if (via?.address === undefined || target.family !== socket.bound.family) {
      throw new TestkitError('UNREACHABLE', `no interface of this machine leads to ${to.host}`)
    }
    const source = {
      host: socket.bound.kind === 'wildcard' ? via.address : socket.bound.host,
      port: socket.address.port,
    }
    const moment = socket.processor.readyAt
    if (target.kind === 'multicast') {
      return this.#toGroup(machine, via, source, target, to.port, bytes, moment, loopback)
    }
    if (via.address === target.host || !via.hearsBroadcast(target.host)) {
      return this.#toAddress(machine, via, source, target, to.port, bytes, moment)
    }
    if (!broadcast) {
      throw new TestkitError(
        'BROADCAST_NOT_ALLOWED',
        `${to.host} is a broadcast address: bind with the option broadcast`,
      )
    }
    return this.#broadcast(machine, via, source, target, to.port, bytes, moment)
  }

  #toAddress(
    sender: Machine,
    via: Interface,
    from: SimulatedAddress,
    to: ParsedHost,
    port: number,
    bytes: Uint8Array,
    moment: number,
  ): number | undefined {
    const receiver = via.internal || via.address === to.host ? sender : this.#topology.find(to, via)
    // A scope names an interface of the sender, and says nothing at the receiver.
    const there = receiver?.interfaceAt(to.scope === '' ? to : { ...to, scope: '' })
    if (receiver === undefined || there === undefined) {
      this.#flights.nowhere()
      return moment
    }
    const left = receiver === sender ? moment : this.#links.sent(via, bytes.length, moment, 1)
    this.#flights.carry({ bytes, from, to, port, sender, receiver, socket: undefined, via: there }, left, false)
    return left
  }

  #toGroup(
    sender: Machine,
    via: Interface,
    from: SimulatedAddress,
    to: ParsedHost,
    port: number,
    bytes: Uint8Array,
    moment: number,
    loopback: boolean,
  ): number | undefined {
    const left = this.#links.sent(via, bytes.length, moment, 1)
    const members = this.#members.get(`${port} ${to.host}`)
    if (members === undefined) return left
    for (const socket of members) {
      const { machine: receiver } = socket
      if (receiver === sender && !loopback && !via.internal) continue
      for (const there of socket.groups.get(to.host) ?? []) {
        if (there.segment !== via.segment || there.address === undefined) continue
        this.#flights.carry(
          { bytes, from, to, port, sender, receiver, socket, via: there },
          receiver === sender ? moment : left,
          true,
        )
      }
    }
    return left
  }

  #broadcast(
    sender: Machine,
    via: Interface,
    from: SimulatedAddress,
    to: ParsedHost,
    port: number,
    bytes: Uint8Array,
    moment: number,
  ): number | undefined {
    const left = this.#links.sent(via, bytes.length, moment, 1)
    for (const receiver of this.#topology.machines) {
      const there = receiver.interfaces.find((one) => one.segment === via.segment && one.hearsBroadcast(to.host))
      if (there === undefined) continue
      for (const socket of receiver.sockets.at(port)) {
        if (socket.bound.host !== '0.0.0.0') continue
        this.#flights.carry(
          { bytes, from, to, port, sender, receiver, socket, via: there },
          receiver === sender ? moment : left,
          true,
        )
      }
    }
    return left
  }

  #interfaceOf({ machine, bound }: BoundSocket): Interface | undefined {
    return bound.kind === 'wildcard' ? undefined : machine.interfaceAt(bound)
  }

  #join(socket: BoundSocket, group: string, on: Interface): void {
    const interfaces = socket.groups.get(group) ?? new Set()
    socket.groups.set(group, interfaces.add(on))
    const key = `${socket.address.port} ${group}`
    this.#members.set(key, (this.#members.get(key) ?? new Set()).add(socket))
  }

  #leave(socket: BoundSocket, group: string, on: Interface): void {
    const interfaces = socket.groups.get(group)
    interfaces?.delete(on)
    if (interfaces === undefined || interfaces.size > 0) return
    socket.groups.delete(group)
    const key = `${socket.address.port} ${group}`
    const members = this.#members.get(key)
    members?.delete(socket)
    if (members?.size === 0) this.#members.delete(key)
  }
}

function requireGroup(group: string, bound: ParsedHost): string {
  const parsed = parseHost(group)
  if (parsed?.kind !== 'multicast' || parsed.family !== bound.family) {
    throw new TestkitError(
      'ADDRESS_INVALID',
      `expected a multicast group of IPv${bound.family}, got ${JSON.stringify(group)}`,
    )
  }
  if (bound.kind === 'wildcard') return parsed.host
  throw new TestkitError('GROUP_NOT_HEARD', `a socket bound to ${bound.host} hears no groups: bind it to all addresses`)
}
