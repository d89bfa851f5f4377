import { NOTHING_TO_SETTLE } from './agenda.js'
import { retransmissionMs } from './retransmission.js'
import type { PathEnd, StreamNetwork } from './stream-path.js'
import type { QueuedTimer } from './timer-queue.js'

/** How much one end of a stream may still send: what it sent counts until it knows that the other end has read it. */
export class StreamWindow {
  readonly #network: StreamNetwork
  readonly #from: PathEnd
  readonly #to: PathEnd
  #unacknowledged = 0
  #acknowledgements: { bytes: number; arrival: number }[] = []
  #onRoom: (() => void) | undefined
  #timer: QueuedTimer | undefined

  constructor(network: StreamNetwork, from: PathEnd, to: PathEnd) {
    this.#network = network
    this.#from = from
    this.#to = to
  }

  sent(bytes: number): void {
    this.#unacknowledged += bytes
  }

  /** Calls back once there is room for more: now, or when the sender's host has heard of it. */
  whenRoom(onRoom: () => void): void {
    if (this.#hasRoom()) {
      onRoom()
      return
    }
    this.#onRoom = onRoom
    this.#await()
  }

  /** The other end has read that much: this end will know after one more delay. */
  acknowledge(bytes: number): void {
    const { agenda, links } = this.#network
    const last = this.#acknowledgements.at(-1)
    const arrival = agenda.now + links.delay(this.#to.machine, this.#from.machine)
    // Acknowledgements are cumulative: a later one that is faster makes the earlier one known too.
    if (last !== undefined && last.arrival >= arrival) {
      last.bytes += bytes
      last.arrival = Math.max(arrival, agenda.now)
    } else if (last === undefined) this.#acknowledgements = [{ bytes, arrival }]
    else this.#acknowledgements.push({ bytes, arrival })
    if (this.#onRoom !== undefined) this.#await()
  }

  /** Calls nobody back any more. */
  forgetWaiter(): void {
    this.#onRoom = undefined
  }

  drop(): void {
    if (this.#timer !== undefined) this.#network.agenda.cancel(this.#timer)
    this.#timer = undefined
    this.#onRoom = undefined
    this.#acknowledgements = []
  }

  #hasRoom(): boolean {
    const { agenda, links } = this.#network
    for (let first = this.#acknowledgements[0]; first !== undefined; first = this.#acknowledgements[0]) {
      if (first.arrival > agenda.now || !links.passable(this.#to.machine, this.#from.machine)) break
      this.#unacknowledged -= first.bytes
      this.#acknowledgements.shift()
    }
    return this.#unacknowledged < links.conditions.windowBytes
  }

  #await(): void {
    const first = this.#acknowledgements[0]
    if (this.#timer !== undefined || first === undefined) return
    const { agenda } = this.#network
    // One that was held up comes with the next one that this end asks for.
    const moment = first.arrival > agenda.now ? first.arrival : agenda.now + retransmissionMs(0)
    this.#timer = agenda.at(moment, { fire: () => this.#onAcknowledgement() })
  }

  #onAcknowledgement(): unknown {
    this.#timer = undefined
    const waiting = this.#onRoom
    if (waiting === undefined) return NOTHING_TO_SETTLE
    if (!this.#hasRoom()) {
      this.#await()
      return NOTHING_TO_SETTLE
    }
    this.#onRoom = undefined
    return this.#from.processor.run({ fire: waiting })
  }
}
