import { type Agenda, NOTHING_TO_SETTLE } from './agenda.js'
import type { Links } from './links.js'
import type { Machine } from './machine.js'
import type { Processor } from './processor.js'
import { drawLosses, MAX_RETRANSMISSIONS, retransmissionMs } from './retransmission.js'
import { type ParsedHost, parseHost, type SimulatedAddress } from './simulated-address.js'
import { StreamWindow } from './stream-window.js'
import type { Job, QueuedTimer } from './timer-queue.js'
import type { Topology } from './topology.js'
import type { Trace } from './trace.js'

/** What the paths of all streams of a network share. */
export interface StreamNetwork {
  readonly agenda: Agenda
  readonly links: Links
  readonly topology: Topology
  readonly trace: Trace | undefined
}

/** What travels over one direction of a stream. `open` is the dialler's last step of the handshake. */
export type StreamItem = { type: 'open' } | { type: 'data'; bytes: Buffer } | { type: 'end' } | { type: 'reset' }

/** One end of a stream as the paths see it. */
export interface PathEnd {
  readonly machine: Machine
  readonly processor: Processor
  readonly address: SimulatedAddress
  /** An item came in, in order. */
  receive(item: StreamItem): unknown
  /** What this end sends is not acknowledged any more: the other end is given up. */
  timedOut(): unknown
}

interface Transmission {
  readonly item: StreamItem
  arrival: number
  sentAt: number
  attempt: number
}

/** Streams leave this part of the queue before an interface to datagrams; TCP, too, backs off before a queue is full. */
const SHARE_OF_QUEUE = 0.5

/**
 * One direction of a stream: keeps order, delays, and sends again what gets lost, as TCP does. How much can be on the way is
 * bounded by the window of the sending end.
 */
export class StreamPath implements Job {
  readonly #network: StreamNetwork
  readonly #from: PathEnd
  readonly #to: PathEnd
  readonly #target: ParsedHost | undefined
  readonly #source: ParsedHost | undefined
  readonly #boot: number
  readonly #window: StreamWindow
  #items: Transmission[] = []
  #lastArrival = 0
  #timer: QueuedTimer | undefined

  constructor(network: StreamNetwork, from: PathEnd, to: PathEnd) {
    this.#network = network
    this.#from = from
    this.#to = to
    this.#source = parseHost(from.address.host)
    this.#target = parseHost(to.address.host)
    this.#boot = from.machine.boots
    this.#window = new StreamWindow(network, from, to)
  }

  /** Hands one item to the network. Calls back `onRoom` once the window has room for more, at once or later. */
  send(item: StreamItem, onRoom?: () => void): void {
    if (item.type === 'data') this.#window.sent(item.bytes.length)
    const transmission: Transmission = { item, arrival: 0, sentAt: 0, attempt: 0 }
    // Most often the only one, and an array that grows makes room for many.
    if (this.#items.length === 0) this.#items = [transmission]
    else this.#items.push(transmission)
    this.#transmit(transmission)
    if (onRoom !== undefined) this.#window.whenRoom(onRoom)
  }

  /** The other end has read that much: this end will know after one more delay. */
  acknowledge(bytes: number): void {
    this.#window.acknowledge(bytes)
  }

  /** Forgets everything that is on the way, and whoever waits for room. */
  drop(): void {
    if (this.#timer !== undefined) this.#network.agenda.cancel(this.#timer)
    this.#timer = undefined
    this.#items = []
    this.#window.drop()
  }

  /** Calls nobody back any more; what is on the way stays there. */
  forgetWaiter(): void {
    this.#window.forgetWaiter()
  }

  /** When the item leaves and how often it is lost on the way is drawn here; whether anybody is there, when it arrives. */
  #transmit(transmission: Transmission): void {
    const { links } = this.#network
    const { machine, processor } = this.#from
    const { item } = transmission
    const bytes = item.type === 'data' ? item.bytes.length : 0
    const via = this.#target && machine.routeTo(this.#target)
    let moment = processor.readyAt
    if (via !== undefined && bytes > 0 && machine !== this.#to.machine) {
      const left = links.sent(via, bytes, moment, SHARE_OF_QUEUE)
      // The queue is full: it would leave as soon as there is room, behind whoever got there first.
      moment = left ?? Math.max(moment, links.roomAt(via, SHARE_OF_QUEUE))
      if (left === undefined) {
        transmission.sentAt = -1
        this.#arriveAt(transmission, moment)
        return
      }
    }
    transmission.sentAt = moment
    const { loss } = links.between(machine, this.#to.machine)
    const losses = machine === this.#to.machine ? 0 : drawLosses(loss, bytes, links.random)
    for (; transmission.attempt < losses; transmission.attempt++) {
      transmission.sentAt += retransmissionMs(transmission.attempt)
    }
    this.#arriveAt(transmission, transmission.sentAt + links.delay(machine, this.#to.machine))
  }

  #arriveAt(transmission: Transmission, moment: number): void {
    transmission.arrival = Math.max(moment, this.#lastArrival)
    this.#lastArrival = transmission.arrival
    // Whatever is behind the first waits for it, even if its own delay was shorter.
    if (this.#items[0] === transmission) this.#wait()
  }

  #wait(): void {
    const first = this.#items[0]
    if (first === undefined) return
    this.#timer = this.#network.agenda.at(first.arrival, this)
  }

  /** The first item arrives; for the agenda only. */
  fire(): unknown {
    const { agenda } = this.#network
    this.#timer = undefined
    let outcome: unknown = NOTHING_TO_SETTLE
    for (let first = this.#items[0]; first !== undefined && first.arrival <= agenda.now; first = this.#items[0]) {
      if (this.#from.machine.boots !== this.#boot) {
        this.drop()
        return outcome
      }
      if (first.sentAt < 0) {
        this.#transmit(first)
        return outcome
      }
      const owner = this.#reachedMachine()
      if (owner === undefined) return this.#sendAgain(first)
      this.#items.shift()
      if (this.#deliver(first.item, owner) !== NOTHING_TO_SETTLE) outcome = undefined
    }
    if (this.#timer === undefined) this.#wait()
    return outcome
  }

  /** Who has the address that this path leads to, if packets get there. */
  #reachedMachine(): Machine | undefined {
    const { links, topology } = this.#network
    const { machine } = this.#from
    if (this.#target === undefined || this.#source === undefined) return undefined
    if (machine === this.#to.machine) return machine.owns(this.#target) && machine.awake ? machine : undefined
    // Whoever has lost its own address sends from one that nobody answers to.
    if (!machine.owns(this.#source)) return undefined
    const via = machine.routeTo(this.#target)
    const owner = via && topology.find(this.#target, via)
    return owner !== undefined && links.passable(machine, owner) ? owner : undefined
  }

  #deliver(item: StreamItem, owner: Machine): unknown {
    const { agenda, trace } = this.#network
    const { processor, machine, address } = this.#to
    // The life that had this stream has ended, or the address has moved on: whoever is there knows nothing of it.
    if (owner !== machine || processor.dead) return item.type === 'reset' ? NOTHING_TO_SETTLE : this.#refuse(owner)
    const { address: source } = this.#from
    if (item.type !== 'data') trace?.add(item.type, agenda.now, source.host, source.port, address.host, address.port)
    else trace?.add('stream', agenda.now, source.host, source.port, address.host, address.port, item.bytes)
    return this.#to.receive(item)
  }

  /** The machine that was reached answers with a reset, which nobody sends again. */
  #refuse(owner: Machine): unknown {
    const { agenda, links } = this.#network
    const { machine } = this.#from
    const fire = (): unknown =>
      links.passable(owner, machine) ? this.#from.receive({ type: 'reset' }) : NOTHING_TO_SETTLE
    agenda.after(links.delay(owner, machine), { fire })
    return NOTHING_TO_SETTLE
  }

  #sendAgain(transmission: Transmission): unknown {
    const { agenda, links } = this.#network
    const { machine } = this.#from
    if (transmission.item.type === 'reset') {
      this.drop()
      return NOTHING_TO_SETTLE
    }
    // A machine that sleeps counts no time, and goes on with its waits when it wakes.
    if (machine.awake) transmission.attempt++
    if (transmission.attempt > MAX_RETRANSMISSIONS) {
      this.drop()
      return this.#from.timedOut()
    }
    const again = transmission.sentAt + retransmissionMs(Math.max(0, transmission.attempt - 1))
    transmission.sentAt = Math.max(agenda.now, again)
    transmission.arrival = transmission.sentAt + links.delay(machine, this.#to.machine)
    this.#wait()
    return NOTHING_TO_SETTLE
  }
}
