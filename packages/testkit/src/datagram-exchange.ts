import type { Agenda } from './agenda.js'
import type { BoundSocket, DatagramOwner } from './bound-socket.js'
import { type DatagramCounters, DatagramFlights } from './datagram-flight.js'
import { TestkitError } from './errors.js'
import type { Interface } from './interface.js'
import type { Links } from './links.js'
import type { Machine } from './machine.js'
import { type ParsedHost, parseHost, requireAddress, type SimulatedAddress } from './simulated-address.js'
import type { SimulatedBindOptions, SimulatedSocket } from './simulated-host.js'
import type { Topology } from './topology.js'
import type { Trace } from './trace.js'

const SENT: Promise<void> = Promise.resolve()

/** The datagram sockets of all hosts: who is bound where and in which group, and whom a datagram goes to. */
export class DatagramExchange {
  readonly #links: Links
  readonly #topology: Topology
  readonly #flights: DatagramFlights
  readonly #members = new Map<string, Set<BoundSocket>>()

  constructor(agenda: Agenda, links: Links, topology: Topology, trace: Trace | undefined) {
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
  ): { bound: BoundSocket; socket: SimulatedSocket } {
    const { machine, processor } = owner
    const { shareAddress: shared = false, multicast } = options
    const address = machine.sockets.resolve(options, shared, (bound) => machine.owns(bound))
    const outward = multicast === undefined ? undefined : machine.interfaceNamed(multicast.interfaceAddress)
    const loopback = multicast?.loopback ?? true
    const socket: BoundSocket = {
      machine,
      processor,
      shared,
      address,
      bound: requireAddress(address, 1),
      groups: new Map(),
      onDatagram,
      waitingBytes: 0,
      open: true,
    }
    machine.sockets.claim(socket)
    const requireOpen = (): void => {
      if (!socket.open) throw closedError(address)
    }
    const handle: SimulatedSocket = {
      address: { ...address },
      send: (bytes, to) => {
        if (processor.dead) return new Promise(() => {})
        if (!socket.open) return Promise.reject(closedError(address))
        try {
          this.#send(socket, bytes, to, outward, loopback)
        } catch (error) {
          return Promise.reject(error)
        }
        return SENT
      },
      joinGroup: (group, interfaceAddress) => {
        if (processor.dead) return
        requireOpen()
        this.#join(socket, requireGroup(group), machine.interfaceNamed(interfaceAddress))
      },
      leaveGroup: (group, interfaceAddress) => {
        if (processor.dead) return
        requireOpen()
        this.#leave(socket, requireGroup(group), machine.interfaceNamed(interfaceAddress))
      },
      close: async () => {
        if (processor.dead) return new Promise(() => {})
        this.release(socket)
      },
    }
    return { bound: socket, socket: handle }
  }

  /** Nothing is delivered to a socket any more. */
  release(socket: BoundSocket): void {
    if (!socket.open) return
    socket.open = false
    socket.machine.sockets.release(socket)
    for (const [group, interfaces] of [...socket.groups]) for (const one of interfaces) this.#leave(socket, group, one)
  }

  #send(
    socket: BoundSocket,
    bytes: Uint8Array,
    to: SimulatedAddress,
    outward: Interface | undefined,
    loopback: boolean,
  ): void {
    const target = requireAddress(to, 1)
    const { maxDatagramBytes } = this.#links.conditions
    if (bytes.length > maxDatagramBytes) {
      throw new TestkitError(
        'DATAGRAM_TOO_LARGE',
        `a datagram carries up to ${maxDatagramBytes} bytes, got ${bytes.length}`,
      )
    }
    const { machine } = socket
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
      this.#toGroup(machine, via, source, target, to.port, bytes, moment, loopback)
    } else if (via.internal || via.address === target.host) {
      this.#toAddress(machine, via, source, target, to.port, bytes, moment)
    } else if (via.hearsBroadcast(target.host)) {
      this.#broadcast(machine, via, source, target, to.port, bytes, moment)
    } else {
      this.#toAddress(machine, via, source, target, to.port, bytes, moment)
    }
  }

  #toAddress(
    sender: Machine,
    via: Interface,
    from: SimulatedAddress,
    to: ParsedHost,
    port: number,
    bytes: Uint8Array,
    moment: number,
  ): void {
    const receiver = via.internal || via.address === to.host ? sender : this.#topology.find(to, via)
    // A scope names an interface of the sender, and says nothing at the receiver.
    const there = receiver?.interfaceAt(to.scope === '' ? to : { ...to, scope: '' })
    if (receiver === undefined || there === undefined) {
      this.#flights.nowhere()
      return
    }
    const left = receiver === sender ? moment : this.#links.sent(via, bytes.length, moment, 1)
    this.#flights.carry({ bytes, from, to, port, sender, receiver, socket: undefined, via: there }, left, false)
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
  ): void {
    const left = this.#links.sent(via, bytes.length, moment, 1)
    const members = this.#members.get(`${port} ${to.host}`)
    if (members === undefined) return
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
  }

  #broadcast(
    sender: Machine,
    via: Interface,
    from: SimulatedAddress,
    to: ParsedHost,
    port: number,
    bytes: Uint8Array,
    moment: number,
  ): void {
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
  }

  #interfaceOf({ machine, bound }: BoundSocket): Interface | undefined {
    return bound.kind === 'wildcard' ? undefined : machine.interfaceAt(bound)
  }

  #join(socket: BoundSocket, group: string, on: Interface): void {
    const interfaces = socket.groups.get(group) ?? new Set()
    socket.groups.set(group, interfaces.add(on))
    // Where multicast arrives: not at a socket that is bound to a unicast address.
    if (socket.bound.kind !== 'wildcard') return
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

function requireGroup(group: string): string {
  const parsed = parseHost(group)
  if (parsed?.kind === 'multicast') return parsed.host
  throw new TestkitError('ADDRESS_INVALID', `expected the address of a multicast group, got ${JSON.stringify(group)}`)
}

function closedError(address: SimulatedAddress): TestkitError {
  return new TestkitError('SOCKET_CLOSED', `the socket at ${address.host} port ${address.port} is closed`)
}
