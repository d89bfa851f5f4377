import type { Duplex } from 'node:stream'
import type { Meter } from './meter.js'

/** Frames of one tick are joined up to this size: copying more costs more than one more write. */
const JOIN_UP_TO = 65_536
/** A frame up to this size is copied into Node's pool: to give the stream a small array itself, V8 has to move it out of its heap. */
const POOL_UP_TO = 1_024

const DONE: Promise<void> = Promise.resolve()

/** Frames on their way into a stream: those of one tick go out in one write, and none while the meter is paused. */
export class SendQueue {
  readonly #duplex: Duplex
  readonly #meter: Meter
  readonly #ending: () => boolean
  #frames: Uint8Array[] = []
  #bytes = 0
  #flushAsked = false
  #drained: { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } | undefined
  readonly #flushLater: () => void

  /** @param ending whether the stream is about to end: then a paused meter holds nothing back */
  constructor(duplex: Duplex, meter: Meter, ending: () => boolean) {
    this.#duplex = duplex
    this.#meter = meter
    this.#ending = ending
    this.#flushLater = () => this.flush()
  }

  /** Bytes that wait, here and in the stream. */
  get bytes(): number {
    return this.#bytes + this.#duplex.writableLength
  }

  /** Resolves at once while there is room, and otherwise when the stream has caught up. */
  push(frame: Uint8Array): Promise<void> {
    // Most often the only one, and an array that grows makes room for many.
    if (this.#frames.length === 0) this.#frames = [frame]
    else this.#frames.push(frame)
    this.#bytes += frame.length
    this.flushSoon()
    return this.bytes < this.#duplex.writableHighWaterMark ? DONE : this.#whenDrained()
  }

  flushSoon(): void {
    if (this.#flushAsked) return
    this.#flushAsked = true
    // A tick, not a microtask: it runs after all promise callbacks of this turn, so that a loop of awaited sends is one write.
    process.nextTick(this.#flushLater)
  }

  flush(): void {
    this.#flushAsked = false
    if (this.#duplex.writableEnded || this.#duplex.destroyed) return
    if (this.#meter.paused && !this.#ending()) return
    const frames = this.#frames
    if (frames.length > 0) {
      const bytes = this.#bytes
      this.#frames = []
      this.#bytes = 0
      this.#meter.record(bytes)
      this.#write(frames, bytes)
    }
    this.onDrain()
  }

  /** To be called when the stream says so. */
  onDrain(): void {
    if (this.#drained === undefined || this.#bytes > 0 || this.#duplex.writableNeedDrain) return
    this.#drained.resolve()
    this.#drained = undefined
  }

  /** Forgets what waits here; whoever waits for room gets `error`. */
  drop(error: Error): void {
    this.#frames = []
    this.#bytes = 0
    this.#drained?.reject(error)
    this.#drained = undefined
  }

  #write(frames: Uint8Array[], bytes: number): void {
    const [first] = frames
    if (first !== undefined && frames.length === 1) {
      this.#duplex.write(bytes <= POOL_UP_TO ? Buffer.from(first) : first)
    } else if (bytes <= JOIN_UP_TO) {
      this.#duplex.write(Buffer.concat(frames, bytes))
    } else {
      this.#duplex.cork()
      let from = 0
      let size = 0
      for (let index = 0; index < frames.length; index += 1) {
        size += frames[index]?.length ?? 0
        if (size < JOIN_UP_TO && index < frames.length - 1) continue
        const group = frames.slice(from, index + 1)
        const [only] = group
        this.#duplex.write(only !== undefined && group.length === 1 ? only : Buffer.concat(group, size))
        from = index + 1
        size = 0
      }
      this.#duplex.uncork()
    }
  }

  #whenDrained(): Promise<void> {
    if (this.#drained === undefined) {
      let resolve = (): void => {}
      let reject = (_error: Error): void => {}
      const promise = new Promise<void>((res, rej) => {
        resolve = res
        reject = rej
      })
      // Shared by all who wait; each of them sees the rejection, and with nobody waiting it is not an unhandled one.
      promise.catch(() => {})
      this.#drained = { promise, resolve, reject }
    }
    return this.#drained.promise
  }
}
