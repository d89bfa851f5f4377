import { capacityFor, LEAST_BYTES, obtain } from './buffer-pool.js'
import { InvalidPacketError } from './errors.js'
import { FIRST_CAPACITY, Pieces } from './pieces.js'

export const PREFIX_LENGTH = 4
const EMPTY = new Uint8Array(0)

/**
 * Cuts a stream of bytes into frames, one at a time, however the stream was cut before. What is behind a frame is not looked at before it is
 * asked for.
 *
 * It never allocates by a length it was only told: what it holds of an incomplete frame is at most twice what has arrived
 * of it (and 512 bytes). The work is linear in the bytes fed.
 */
export class FrameCutter {
  /** Of the frame that `next` found last: bytes `start` to `end` of `bytes`, which is a chunk or a buffer of its own. */
  bytes: Uint8Array = EMPTY
  start = 0
  end = 0
  /** Whether `bytes` is a buffer of its own, with nothing else in it. */
  alone = false
  /** The longest frame, in bytes without the prefix. For frames whose prefix has not been read. */
  maxLength: number

  #chunk: Uint8Array = EMPTY
  #position = 0
  /** Chunks behind that one. */
  #behind: Uint8Array[] = []
  #fault: InvalidPacketError | undefined
  #prefixFilled = 0
  #length = 0
  /** What came of the frame, until half of it is there. */
  #pieces: Pieces | undefined
  #body: Uint8Array = EMPTY
  #bodyFilled = 0

  constructor(maxLength: number) {
    this.maxLength = maxLength
  }

  /** Bytes of a frame that has begun, its prefix included. */
  get begun(): number {
    return this.#prefixFilled + this.#bodyFilled
  }

  /** Bytes that were fed and not looked at are waiting. */
  get unread(): boolean {
    return this.#position < this.#chunk.length
  }

  /** The fault after which there are no frame borders any more. */
  get fault(): InvalidPacketError | undefined {
    return this.#fault
  }

  /** The next bytes of the stream. They must not be changed until the frames in them have been taken. */
  feed(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    if (this.unread) {
      this.#behind.push(chunk)
    } else {
      this.#chunk = chunk
      this.#position = 0
    }
  }

  /**
   * Whether there is another whole frame; it is where `bytes`, `start` and `end` say until the next call.
   * @throws InvalidPacketError EMPTY_FRAME, FRAME_TOO_LARGE: the same one from then on
   */
  next(): boolean {
    if (this.#fault !== undefined) throw this.#fault
    while (this.#position < this.#chunk.length) {
      if (this.#prefixFilled < PREFIX_LENGTH) {
        this.#readPrefix()
        continue
      }
      const from = this.#position
      const to = Math.min(this.#chunk.length, from + this.#length - this.#bodyFilled)
      this.#position = to
      if (to - from === this.#length) {
        this.#found(this.#chunk, from, to, false)
        return true
      }
      const part = new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + from, to - from)
      if (to === this.#chunk.length) this.#turn()
      if (this.#collect(part)) {
        this.#found(this.#body, 0, this.#length, true)
        return true
      }
    }
    this.#turn()
    // What was taken is its owner's.
    this.bytes = EMPTY
    return false
  }

  /** What `next` found, as a view or a buffer of its own. */
  frame(): Uint8Array {
    const { bytes, start, end } = this
    if (end - start === bytes.length && start === 0 && bytes.byteLength === bytes.buffer.byteLength) return bytes
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start)
  }

  /**
   * The stream has ended.
   * @throws InvalidPacketError FRAME_TRUNCATED inside a frame, or the fault before
   */
  finish(): void {
    if (this.#fault !== undefined) throw this.#fault
    if (this.begun === 0) return
    throw this.#fail('FRAME_TRUNCATED', `the stream ended inside a frame, after ${this.begun} of its bytes`)
  }

  /** Forgets what waits, and what has begun. */
  clear(): void {
    this.#chunk = EMPTY
    this.#position = 0
    this.#behind = []
    this.bytes = EMPTY
    this.#reset()
  }

  #readPrefix(): void {
    this.#length = this.#length * 256 + (this.#chunk[this.#position++] as number)
    if (++this.#prefixFilled < PREFIX_LENGTH) {
      if (this.#position === this.#chunk.length) this.#turn()
      return
    }
    if (this.#length === 0) throw this.#fail('EMPTY_FRAME', 'a frame must have at least one byte')
    if (this.#length > this.maxLength) {
      throw this.#fail('FRAME_TOO_LARGE', `a frame may have ${this.maxLength} bytes, and ${this.#length} are declared`)
    }
    if (this.#position === this.#chunk.length) this.#turn()
  }

  /** On to the chunk behind one that is used up. */
  #turn(): void {
    this.#chunk = this.#behind.shift() ?? EMPTY
    this.#position = 0
  }

  #found(bytes: Uint8Array, start: number, end: number, alone: boolean): void {
    this.alone = alone
    this.bytes = bytes
    this.start = start
    this.end = end
    this.#reset()
    if (this.#position === this.#chunk.length) this.#turn()
  }

  /** Keeps the part; true once the frame is whole. Each byte of a long one is copied once, if it comes in long parts. */
  #collect(part: Uint8Array): boolean {
    const filled = this.#bodyFilled + part.length
    if (this.#body === EMPTY && capacityFor(this.#length) <= Math.max(FIRST_CAPACITY, filled * 2)) {
      this.#body = this.#length < LEAST_BYTES ? new Uint8Array(this.#length) : obtain(this.#length)
      this.#pieces?.copyTo(this.#body)
      this.#pieces = undefined
    }
    if (this.#body === EMPTY) {
      this.#pieces ??= new Pieces()
      this.#pieces.add(part)
    } else {
      this.#body.set(part, this.#bodyFilled)
    }
    this.#bodyFilled = filled
    return filled === this.#length
  }

  #fail(code: 'EMPTY_FRAME' | 'FRAME_TOO_LARGE' | 'FRAME_TRUNCATED', message: string): InvalidPacketError {
    this.clear()
    this.#fault = new InvalidPacketError(code, message)
    return this.#fault
  }

  #reset(): void {
    this.#prefixFilled = 0
    this.#length = 0
    this.#pieces = undefined
    this.#body = EMPTY
    this.#bodyFilled = 0
  }
}
