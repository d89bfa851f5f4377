/** The way of datagrams once it is known whom they go to: through the network, the interface and the receive buffer, to the host. */
import { type Agenda, NOTHING_TO_SETTLE } from './agenda.js'
import type { BoundSocket } from './bound-socket.js'
import type { Interface } from './interface.js'
import type { Links } from './links.js'
import type { Machine } from './machine.js'
import { drawHoldBack, happens } from './network-conditions.js'
import { type ParsedHost, parseHost, type SimulatedAddress } from './simulated-address.js'
import { Slab } from './slab.js'
import type { Job } from './timer-queue.js'
import type { Trace } from './trace.js'

/** About what Linux adds to the bytes of a datagram when it charges the receive buffer of a socket. */
const BOOK_KEEPING_BYTES = 768

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

/** One datagram to one receiver. */
export interface Datagram {
  readonly bytes: Uint8Array
  readonly from: SimulatedAddress
  readonly to: ParsedHost
  readonly port: number
  readonly sender: Machine
  readonly receiver: Machine
  /** Undefined for unicast: whoever has the port at its arrival gets it. */
  readonly socket: BoundSocket | undefined
  /** The receiver's. */
  readonly via: Interface
}

/** Carries datagrams to their receivers, and counts what becomes of them. */
export class DatagramFlights {
  readonly #agenda: Agenda
  readonly #links: Links
  readonly #trace: Trace | undefined
  readonly #slab = new Slab()
  readonly #counters = { sent: 0, duplicated: 0, delivered: 0, lost: 0, overflowed: 0, unclaimed: 0 }

  constructor(agenda: Agenda, links: Links, trace: Trace | undefined) {
    this.#agenda = agenda
    this.#links = links
    this.#trace = trace
  }

  get counters(): DatagramCounters {
    return { ...this.#counters }
  }

  /** One was sent to an address that nobody has. */
  nowhere(): void {
    this.#counters.sent++
    this.#counters.unclaimed++
  }

  /** Sends one datagram, or its copies, on its way. `moment` is when it has left its machine; undefined when it did not fit. */
  carry(datagram: Datagram, moment: number | undefined, toMany: boolean): void {
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
    const conditions = this.#links.between(sender, receiver)
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
    this.#agenda.at(moment + delay, new Flight(this, datagram, this.#slab.copy(datagram.bytes)))
  }

  /** For flights only: one has come to the receiving machine. */
  arrive(flight: Flight): unknown {
    const { bytes } = flight
    const { sender, receiver, via } = flight.datagram
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
    const { datagram, bytes } = flight
    const socket = datagram.socket ?? claimant(datagram)
    if (socket === undefined || !socket.open || socket.processor.dead) {
      this.#counters.unclaimed++
      return NOTHING_TO_SETTLE
    }
    const charge = bytes.length + BOOK_KEEPING_BYTES
    // As on Linux, one datagram always fits.
    if (socket.waitingBytes > 0 && socket.waitingBytes + charge > this.#links.receiveBufferOf(socket)) {
      this.#counters.overflowed++
      return NOTHING_TO_SETTLE
    }
    socket.waitingBytes += charge
    flight.socket = socket
    flight.stage = 'deliver'
    return socket.processor.run(flight)
  }

  /** For flights only: the host takes it. */
  deliver({ datagram, bytes, socket }: Flight): unknown {
    if (socket === undefined) return NOTHING_TO_SETTLE
    const { to, port, via } = datagram
    socket.waitingBytes -= bytes.length + BOOK_KEEPING_BYTES
    if (!socket.open) {
      this.#counters.unclaimed++
      return NOTHING_TO_SETTLE
    }
    this.#counters.delivered++
    const { from } = datagram
    this.#trace?.add('datagram', this.#agenda.now, from.host, from.port, to.host, port, bytes)
    socket.processor.spend(this.#links.conditions.hostTimeMs)
    // An address that is good on one segment only comes with the name of the interface, as the system gives it.
    const scoped = via.family === 6 && parseHost(from.host)?.linkLocal === true
    return socket.onDatagram(bytes, { host: scoped ? `${from.host}%${via.name}` : from.host, port: from.port })
  }

  #lose(): unknown {
    this.#counters.lost++
    return NOTHING_TO_SETTLE
  }
}

/** Who has the port of the address now; the address itself may have gone. */
function claimant({ receiver, to, port, via }: Datagram): BoundSocket | undefined {
  return via.address === to.host || via.internal ? receiver.sockets.find(to.host, to.family, port) : undefined
}

/** A datagram on its way: first through the network, then maybe through the interface, then to its host. */
class Flight implements Job {
  readonly #flights: DatagramFlights
  readonly datagram: Datagram
  /** The receiver's own. */
  readonly bytes: Uint8Array
  stage: 'arrive' | 'enter' | 'deliver' = 'arrive'
  socket: BoundSocket | undefined

  constructor(flights: DatagramFlights, datagram: Datagram, bytes: Uint8Array) {
    this.#flights = flights
    this.datagram = datagram
    this.bytes = bytes
  }

  fire(): unknown {
    switch (this.stage) {
      case 'arrive':
        return this.#flights.arrive(this)
      case 'enter':
        return this.#flights.enter(this)
      case 'deliver':
        return this.#flights.deliver(this)
      default:
        return this.stage satisfies never
    }
  }
}
