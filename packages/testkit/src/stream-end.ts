import { Duplex } from 'node:stream'
import { NOTHING_TO_SETTLE } from './agenda.js'
import { TestkitError } from './errors.js'
import type { Machine } from './machine.js'
import type { Processor } from './processor.js'
import type { SimulatedAddress } from './simulated-address.js'
import { type PathEnd, type StreamItem, type StreamNetwork, StreamPath } from './stream-path.js'
import type { Job } from './timer-queue.js'

/** As for the sockets of a machine: what Node buffers on each side before it asks to wait. */
const HIGH_WATER_MARK = 65_536

/** Where one end of a stream is. */
export interface StreamPlace {
  readonly machine: Machine
  readonly processor: Processor
  readonly address: SimulatedAddress
}

/**
 * One end of a simulated stream. Behaves as a TCP socket of Node does: `end()` is seen as `'end'` there, after the data;
 * what is sent to an end that was destroyed comes back as ECONNRESET; unread data turns a `destroy()` into a reset.
 */
export class StreamEnd extends Duplex implements PathEnd, Job {
  readonly machine: Machine
  readonly processor: Processor
  readonly address: SimulatedAddress
  readonly #onOpen: () => void
  #other: StreamEnd | undefined
  #outgoing: StreamPath | undefined
  /** The other end's: what we read is acknowledged on it. */
  #incoming: StreamPath | undefined
  #inbox: Buffer[] = []
  #waitingWrite: ((error?: Error | null) => void) | undefined
  readonly #writeDone: () => void
  #endReceived = false
  #endSent = false
  #hungry = false
  #feeding = false
  #silent = false

  /** `onOpen` is called on the accepting end, once, when the dialler's handshake has arrived. */
  constructor(place: StreamPlace, onOpen: () => void) {
    super({ allowHalfOpen: false, highWaterMark: HIGH_WATER_MARK })
    this.machine = place.machine
    this.processor = place.processor
    this.address = place.address
    this.#onOpen = onOpen
    this.#writeDone = () => {
      const waiting = this.#waitingWrite
      this.#waitingWrite = undefined
      waiting?.()
    }
    // An error before the owner has attached a listener destroys the stream; it is not thrown at the process.
    this.on('error', ignore)
  }

  get other(): StreamEnd | undefined {
    return this.#other
  }

  /** Connects two ends; the first one dialled. */
  static join(network: StreamNetwork, dialled: StreamEnd, accepted: StreamEnd): void {
    const there = new StreamPath(network, dialled, accepted)
    const back = new StreamPath(network, accepted, dialled)
    dialled.#other = accepted
    accepted.#other = dialled
    dialled.#outgoing = there
    accepted.#incoming = there
    accepted.#outgoing = back
    dialled.#incoming = back
    there.send({ type: 'open' })
  }

  /** Whoever owned this end is gone: nobody is called back. The other end is told by a reset, or by nothing at all. */
  abandon(tellOther: boolean): void {
    if (tellOther && !this.destroyed) this.#outgoing?.send({ type: 'reset' })
    this.#outgoing?.forgetWaiter()
    this.#silent = true
    this.#inbox = []
    this.#waitingWrite = undefined
    this.removeAllListeners()
    this.on('error', ignore)
  }

  /** Somebody between the two ends cuts the stream. */
  cut(): unknown {
    this.#outgoing?.drop()
    return this.receive({ type: 'reset' })
  }

  override destroy(error?: Error): this {
    return this.processor.dead ? this : super.destroy(error)
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.processor.dead) return
    this.#waitingWrite = done
    // Bytes of its own: the writer may use the chunk again as soon as the write is done.
    this.#outgoing?.send({ type: 'data', bytes: Buffer.from(chunk) }, this.#writeDone)
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.processor.dead) return
    this.#sendEnd()
    done()
  }

  override _read(): void {
    this.#hungry = true
    if (!this.processor.dead) this.#feedReader()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#outgoing?.forgetWaiter()
    if (!this.#silent) {
      if (this.#inbox.length > 0) this.#outgoing?.send({ type: 'reset' })
      else this.#sendEnd()
    }
    this.#inbox = []
    const waiting = this.#waitingWrite
    this.#waitingWrite = undefined
    waiting?.(error ?? new TestkitError('ECANCELED', 'the stream was destroyed during a write'))
    done(error)
  }

  receive(item: StreamItem): unknown {
    switch (item.type) {
      case 'data':
        if (this.destroyed) return this.#answerWithReset()
        // Most often the only one, and an array that grows makes room for many.
        if (this.#inbox.length === 0) this.#inbox = [item.bytes]
        else this.#inbox.push(item.bytes)
        return this.#feedSoon()
      case 'end':
        this.#endReceived = !this.destroyed
        return this.#feedSoon()
      case 'open':
        if (this.destroyed) return this.#answerWithReset()
        return this.processor.run({ fire: this.#onOpen })
      case 'reset':
        return this.#failSoon('ECONNRESET', 'the other end reset the stream')
      default:
        return item satisfies never
    }
  }

  timedOut(): unknown {
    return this.#failSoon('ETIMEDOUT', 'the other end has acknowledged nothing for a quarter of an hour')
  }

  #failSoon(code: 'ECONNRESET' | 'ETIMEDOUT', text: string): unknown {
    const fire = (): void => {
      this.#silent = true
      this.destroy(new TestkitError(code, text))
    }
    return this.processor.run({ fire })
  }

  #answerWithReset(): unknown {
    this.#outgoing?.send({ type: 'reset' })
    return NOTHING_TO_SETTLE
  }

  #sendEnd(): void {
    if (this.#endSent) return
    this.#endSent = true
    this.#outgoing?.send({ type: 'end' })
  }

  /** The reader gets it when its host is ready; until then it waits here, as in a kernel, within the window of the writer. */
  #feedSoon(): unknown {
    if (this.#feeding) return NOTHING_TO_SETTLE
    this.#feeding = true
    return this.processor.run(this)
  }

  /** The host is ready for what came in; for its processor only. */
  fire(): unknown {
    this.#feeding = false
    return this.#feedReader()
  }

  #feedReader(): unknown {
    let outcome: unknown = NOTHING_TO_SETTLE
    while (this.#hungry && this.#inbox.length > 0) {
      const bytes = this.#inbox.shift() as Buffer
      // Before the push: the reader may destroy the stream on it.
      this.#incoming?.acknowledge(bytes.length)
      this.#hungry = this.push(bytes)
      outcome = undefined
    }
    if (this.#inbox.length === 0 && this.#endReceived) {
      this.#endReceived = false
      this.push(null)
      outcome = undefined
    }
    return outcome
  }
}

function ignore(): void {}
