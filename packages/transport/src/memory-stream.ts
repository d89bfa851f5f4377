import { Duplex } from 'node:stream'

/** How many bytes a memory stream takes before `write` asks to wait; as the sockets of the system protocol. */
const HIGH_WATER_MARK = 65_536

/**
 * One end of a pair of streams in this process. A write completes when the other end has room, so that back-pressure works
 * as it does over a network; bytes are copied, so that neither side sees the other's buffers change.
 */
class MemoryStream extends Duplex {
  #other: MemoryStream | undefined
  #resume: (() => void) | undefined

  constructor() {
    super({ allowHalfOpen: false, highWaterMark: HIGH_WATER_MARK })
    // As for a socket whose owner is not there yet: an error destroys the stream, and is not thrown at the process.
    this.on('error', () => {})
  }

  join(other: MemoryStream): void {
    this.#other = other
  }

  override _read(): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const other = this.#other
    if (other === undefined || other.destroyed) {
      done(Object.assign(new Error('the other end is gone'), { code: 'EPIPE' }))
    } else if (other.push(Buffer.from(chunk))) {
      done()
    } else {
      other.#resume = () => done()
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#other?.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const other = this.#other
    this.#other = undefined
    if (other !== undefined && !other.destroyed) {
      // What was written before is still read there; then the stream ends, and with it the other direction.
      if (!other.readableEnded && !other.readable) other.destroy()
      else other.push(null)
    }
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
    done(error)
  }
}

/** Two connected streams. */
export function memoryStreamPair(): [Duplex, Duplex] {
  const [one, two] = [new MemoryStream(), new MemoryStream()]
  one.join(two)
  two.join(one)
  return [one, two]
}
