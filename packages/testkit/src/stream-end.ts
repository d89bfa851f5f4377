import { Duplex } from 'node:stream'
import { TestkitError } from './errors.js'
import { type PathConditions, type StreamItem, StreamPath } from './stream-path.js'

/** As for the sockets of a machine: what Node buffers on each side before it asks to wait. */
const HIGH_WATER_MARK = 65_536
/** What may be on the way or unread at the other end before a write has to wait: the smallest window of a TCP stack. */
const WINDOW = 65_536

/**
 * One end of a simulated stream. Behaves as a TCP socket of Node does: `end()` is seen as `'end'` there, after the data;
 * what is sent to an end that was destroyed comes back as ECONNRESET; unread data turns a `destroy()` into a reset.
 */
export class StreamEnd extends Duplex {
  #outgoing: StreamPath | undefined
  #other: StreamEnd | undefined
  #unacknowledged = 0
  #waitingWrite: ((error?: Error | null) => void) | undefined
  readonly #inbox: Buffer[] = []
  #endReceived = false
  #endSent = false
  #hungry = false
  #silent = false

  readonly #onOpen: () => void

  /** `onOpen` is called on the accepting end, once, when the dialler's handshake has arrived. */
  constructor(onOpen: () => void) {
    super({ allowHalfOpen: false, highWaterMark: HIGH_WATER_MARK })
    // An error before the owner has attached a listener destroys the stream; it is not thrown at the process.
    this.on('error', () => {})
    this.#onOpen = onOpen
  }

  /** Connects this end to the other; `conditions` are those of the direction from here to there. */
  join(other: StreamEnd, conditions: PathConditions): void {
    this.#other = other
    this.#outgoing = new StreamPath(conditions, (item) => other.#receive(item))
  }

  /** Tells the accepting end that the stream stands; called by the dialling side before anything else. */
  open(): void {
    this.#outgoing?.send({ type: 'open' })
  }

  /** The process behind this end is gone: the other end is told by a reset, or by nothing at all. */
  abandon(tellOther: boolean): void {
    if (this.destroyed) return
    if (tellOther) this.#outgoing?.send({ type: 'reset' })
    this.#silent = true
    this.destroy()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#unacknowledged += chunk.length
    this.#outgoing?.send({ type: 'data', bytes: Buffer.from(chunk) })
    if (this.#unacknowledged < WINDOW) done()
    else this.#waitingWrite = done
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#sendEnd()
    done()
  }

  override _read(): void {
    this.#hungry = true
    this.#feedReader()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#silent) {
      if (this.#inbox.length > 0) this.#outgoing?.send({ type: 'reset' })
      else this.#sendEnd()
    }
    this.#inbox.length = 0
    const waiting = this.#waitingWrite
    this.#waitingWrite = undefined
    waiting?.(error ?? new TestkitError('ECANCELED', 'the stream was destroyed during a write'))
    done(error)
  }

  #sendEnd(): void {
    if (this.#endSent) return
    this.#endSent = true
    this.#outgoing?.send({ type: 'end' })
  }

  #receive(item: StreamItem): void {
    if (item.type === 'reset') {
      this.#silent = true
      this.destroy(new TestkitError('ECONNRESET', 'the other end reset the stream'))
    } else if (this.destroyed) {
      if (item.type !== 'end') this.#outgoing?.send({ type: 'reset' })
    } else if (item.type === 'open') {
      this.#onOpen()
    } else if (item.type === 'data') {
      this.#inbox.push(item.bytes)
      this.#feedReader()
    } else {
      this.#endReceived = true
      this.#feedReader()
    }
  }

  #feedReader(): void {
    while (this.#hungry) {
      const bytes = this.#inbox.shift()
      if (bytes === undefined) break
      this.#hungry = this.push(bytes)
      this.#other?.acknowledge(bytes.length)
    }
    if (this.#inbox.length === 0 && this.#endReceived) {
      this.#endReceived = false
      this.push(null)
    }
  }

  /** Between the two ends only: the other one has handed that much to its reader. */
  acknowledge(length: number): void {
    this.#unacknowledged -= length
    if (this.#unacknowledged >= WINDOW) return
    const waiting = this.#waitingWrite
    this.#waitingWrite = undefined
    // Not at once: this runs on the reader's stack, which the writer's code must not be able to break.
    if (waiting !== undefined) process.nextTick(waiting)
  }
}
