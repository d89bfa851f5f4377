import { type Agenda, NOTHING_TO_SETTLE } from './agenda.js'
import { TestkitError } from './errors.js'
import type { Interface } from './interface.js'
import type { Links } from './links.js'
import type { Machine } from './machine.js'
import { drawHoldBack, happens, type NetworkConditions } from './network-conditions.js'
import type { PortOwner } from './ports.js'
import type { Processor } from './processor.js'
import { type ParsedHost, parseHost, requireAddress, type SimulatedAddress } from './simulated-address.js'
import type { SimulatedBindOptions, SimulatedSocket } from './simulated-host.js'
import { Slab } from './slab.js'
import type { Job } from './timer-queue.js'
import type { Topology } from './topology.js'
import type { Trace } from './trace.js'

/** About what Linux adds to the bytes of a datagram when it charges the receive buffer of a socket. */
const BOOK_KEEPING_BYTES = 768

const SENT: Promise<void> = Promise.resolve()

/**
 * What happened to datagrams so far; one to a group counts once per receiver. What is handed in, and its copies, ends up
 * delivered, lost, overflowed or unclaimed, or is still on the way: `sent + duplicated` is the sum of those.
 */
export interface DatagramCounters {
  /** Handed to the network. */
  readonly sent: number
  /** Copies that the network made. */
  readonly duplicated: number
  /** Given to a socket. */
  readonly delivered: number
  /** Lost by chance, by a partition, or because the machine was off or asleep. */
  readonly lost: number
  /** Dropped by a full queue: before an interface, or of a host that is busy or paused. */
  readonly overflowed: number
  /** Came to an address or a port that nobody has, or whose owner's life has ended. */
  readonly unclaimed: number
}

/** Who binds: one life of a host. */
export interface DatagramOwner {
  readonly machine: Machine
  readonly processor: Processor
}

export interface BoundSocket extends PortOwner, DatagramOwner {
  /** The interfaces on which each group was joined. */
  readonly groups: Map<string, Set<Interface>>
  readonly onDatagram: (bytes: Uint8Array, from: SimulatedAddress) => void
  /** What waits for the host, with book-keeping. */
  waitingBytes: number
  open: boolean
}

interface Datagram {
  readonly bytes: Uint8Array
  readonly from: SimulatedAddress
  readonly to: SimulatedAddress
  readonly sender: Machine
  readonly receiver: Machine
  /** Undefined for unicast: whoever has the port at its arrival gets it. */
  readonly socket: BoundSocket | undefined
  /** The receiver's. */
  readonly via: Interface
}

/** Carries datagrams between the sockets of all hosts. */
export class DatagramExchange {
  readonly #agenda: Agenda
  readonly #links: Links
  readonly #topology: Topology
  readonly #trace: Trace | undefined
  readonly #slab = new Slab()
  readonly #members = new Map<string, Set<BoundSocket>>()
  readonly #counters = { sent: 0, duplicated: 0, delivered: 0, lost: 0, overflowed: 0, unclaimed: 0 }

  constructor(agenda: Agenda, links: Links, topology: Topology, trace: Trace | undefined) {
    this.#agenda = agenda
    this.#links = links
    this.#topology = topology
    this.#trace = trace
  }

  get counters(): DatagramCounters {
    return { ...this.#counters }
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
      this.#toGroup(machine, via, source, { host: target.host, port: to.port }, bytes, moment, loopback)
    } else if (via.internal || via.address === target.host) {
      this.#toAddress(machine, via, source, target, to.port, bytes, moment)
    } else if (via.hearsBroadcast(target.host)) {
      this.#broadcast(machine, via, source, { host: target.host, port: to.port }, bytes, moment)
    } else {
      this.#toAddress(machine, via, source, target, to.port, bytes, moment)
    }
  }

  #toAddress(
    sender: Machine,
    via: Interface,
    from: SimulatedAddress,
    target: ParsedHost,
    port: number,
    bytes: Uint8Array,
    moment: number,
  ): void {
    const receiver = via.internal || via.address === target.host ? sender : this.#topology.find(target, via)
    // A scope names an interface of the sender, and says nothing at the receiver.
    const there = receiver?.interfaceAt({ ...target, scope: '' })
    if (receiver === undefined || there === undefined) {
      this.#counters.sent++
      this.#counters.unclaimed++
      return
    }
    const left = receiver === sender ? moment : this.#links.sent(via, bytes.length, moment, 1)
    const to = { host: target.host, port }
    this.#carry({ bytes, from, to, sender, receiver, socket: undefined, via: there }, left, false)
  }

  #toGroup(
    sender: Machine,
    via: Interface,
    from: SimulatedAddress,
    to: SimulatedAddress,
    bytes: Uint8Array,
    moment: number,
    loopback: boolean,
  ): void {
    const left = this.#links.sent(via, bytes.length, moment, 1)
    const members = this.#members.get(`${to.port} ${to.host}`)
    if (members === undefined) return
    for (const socket of members) {
      const { machine: receiver } = socket
      if (receiver === sender && !loopback && !via.internal) continue
      for (const there of socket.groups.get(to.host) ?? []) {
        if (there.segment !== via.segment || there.address === undefined) continue
        this.#carry(
          { bytes, from, to, sender, receiver, socket, via: there },
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
    to: SimulatedAddress,
    bytes: Uint8Array,
    moment: number,
  ): void {
    const left = this.#links.sent(via, bytes.length, moment, 1)
    for (const receiver of this.#topology.machines) {
      const there = receiver.interfaces.find((one) => one.segment === via.segment && one.hearsBroadcast(to.host))
      if (there === undefined) continue
      for (const socket of receiver.sockets.at(to.port)) {
        if (socket.bound.host !== '0.0.0.0') continue
        this.#carry(
          { bytes, from, to, sender, receiver, socket, via: there },
          receiver === sender ? moment : left,
          true,
        )
      }
    }
  }

  /** Sends one datagram, or its copies, on its way. `moment` is when it has left its machine; undefined when it did not fit. */
  #carry(datagram: Datagram, moment: number | undefined, toMany: boolean): void {
    this.#counters.sent++
    if (moment === undefined) {
      this.#counters.overflowed++
      return
    }
    const { sender, receiver } = datagram
    if (sender === receiver) {
      this.#launch(datagram, moment, 0)
      return
    }
    const { random } = this.#links
    const conditions: Readonly<NetworkConditions> = this.#links.between(sender, receiver)
    const loss = toMany ? (conditions.multicastLoss ?? conditions.loss) : conditions.loss
    if (happens(loss, random) || !this.#links.passable(sender, receiver)) {
      this.#counters.lost++
      return
    }
    this.#launch(datagram, moment, drawHoldBack(conditions, random))
    if (happens(conditions.duplication, random)) {
      this.#counters.duplicated++
      this.#launch(datagram, moment, drawHoldBack(conditions, random))
    }
  }

  #launch(datagram: Datagram, moment: number, heldBack: number): void {
    const delay = this.#links.delay(datagram.sender, datagram.receiver) + heldBack
    // A copy of its own for each receiver: the sender may use its buffer again at once.
    const bytes = this.#slab.copy(datagram.bytes)
    this.#agenda.at(moment + delay, new Flight(this, { ...datagram, bytes }))
  }

  /** For flights only: one has come to the receiving machine. */
  arrive(flight: Flight): unknown {
    const { sender, receiver, bytes, via } = flight.datagram
    if (sender === receiver) return receiver.awake ? this.enter(flight) : this.#lose()
    if (!this.#links.passable(sender, receiver)) return this.#lose()
    const moment = this.#links.received(via, bytes.length)
    if (moment === undefined) {
      this.#counters.overflowed++
      return NOTHING_TO_SETTLE
    }
    if (moment <= this.#agenda.now) return this.enter(flight)
    flight.stage = 'enter'
    this.#agenda.at(moment, flight)
    return NOTHING_TO_SETTLE
  }

  /** For flights only: into the socket's receive buffer, and to the host as soon as it is ready. */
  enter(flight: Flight): unknown {
    const { datagram } = flight
    const socket = datagram.socket ?? this.#claimant(datagram)
    if (socket === undefined || !socket.open || socket.processor.dead) {
      this.#counters.unclaimed++
      return NOTHING_TO_SETTLE
    }
    const charge = datagram.bytes.length + BOOK_KEEPING_BYTES
    // As on Linux, one datagram always fits.
    if (socket.waitingBytes > 0 && socket.waitingBytes + charge > this.#links.conditions.receiveBufferBytes) {
      this.#counters.overflowed++
      return NOTHING_TO_SETTLE
    }
    socket.waitingBytes += charge
    flight.socket = socket
    flight.stage = 'deliver'
    return socket.processor.run(flight)
  }

  /** For flights only: the host takes it. */
  deliver({ datagram, socket }: Flight): unknown {
    if (socket === undefined) return NOTHING_TO_SETTLE
    const { bytes, to, via } = datagram
    socket.waitingBytes -= bytes.length + BOOK_KEEPING_BYTES
    if (!socket.open) {
      this.#counters.unclaimed++
      return NOTHING_TO_SETTLE
    }
    this.#counters.delivered++
    const { host, port } = datagram.from
    // An address that is good on one segment only comes with the name of the interface, as the system gives it.
    const from = { host: via.family === 6 && parseHost(host)?.linkLocal ? `${host}%${via.name}` : host, port }
    this.#trace?.add('datagram', this.#agenda.now, host, port, to.host, to.port, bytes)
    socket.processor.spend(this.#links.conditions.hostTimeMs)
    return socket.onDatagram(bytes, from)
  }

  #lose(): unknown {
    this.#counters.lost++
    return NOTHING_TO_SETTLE
  }

  /** Who has the port of the address now; the address itself may have gone. */
  #claimant({ receiver, to, via }: Datagram): BoundSocket | undefined {
    const target = parseHost(to.host)
    if (target === undefined || (via.address !== target.host && !via.internal)) return undefined
    return receiver.sockets.find(target.host, target.family, to.port)
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

/** A datagram on its way: first through the network, then maybe through the interface, then to its host. */
class Flight implements Job {
  readonly #exchange: DatagramExchange
  readonly datagram: Datagram
  stage: 'arrive' | 'enter' | 'deliver' = 'arrive'
  socket: BoundSocket | undefined

  constructor(exchange: DatagramExchange, datagram: Datagram) {
    this.#exchange = exchange
    this.datagram = datagram
  }

  fire(): unknown {
    return this.#exchange[this.stage](this)
  }
}
