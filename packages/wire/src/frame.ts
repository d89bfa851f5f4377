import { InvalidPacketError, WireError } from './errors.js'
import { checkFrameLimit, checkValueLimits, MAX_CONTROL_FRAME, STREAM_LIMITS, type ValueLimits } from './limits.js'
import { encodeEnvelope } from './message.js'
import type { Message } from './message-fields.js'
import { Pieces } from './pieces.js'

export interface FrameOptions {
  /** The longest envelope, in bytes without the prefix, at most MAX_FRAME. @default MAX_CONTROL_FRAME */
  maxLength?: number
  /** Those of the body. A FrameDecoder does not look into envelopes: give them to `decodeMessage` there. @default STREAM_LIMITS */
  limits?: ValueLimits
}

export const PREFIX_LENGTH = 4
const EMPTY = new Uint8Array(0)
// A frame that arrives in pieces starts with room for this much, and grows with what has come.
const FIRST_CAPACITY = 512

/**
 * A message as it goes into a stream: a 4-byte big-endian length, then the envelope, in one buffer of the caller's own.
 * @throws WireError TOO_LARGE, BAD_LIMIT, and whatever `encodeMessage` throws
 */
export function encodeFrame(message: Message, options: FrameOptions = {}): Uint8Array {
  const { limits, maxLength } = checkedFrameOptions(options)
  const frame = encodeEnvelope(message, { limits, maxLength, reserve: PREFIX_LENGTH })
  const length = frame.length - PREFIX_LENGTH
  frame[0] = length >>> 24
  frame[1] = length >>> 16
  frame[2] = length >>> 8
  frame[3] = length
  return frame
}

/** @throws WireError BAD_LIMIT */
export function checkedFrameOptions(options: FrameOptions): Required<FrameOptions> {
  const { maxLength = MAX_CONTROL_FRAME, limits = STREAM_LIMITS } = options
  checkFrameLimit(maxLength)
  checkValueLimits(limits)
  return { maxLength, limits }
}

/**
 * A stream of bytes to the envelopes in it, however the stream was cut.
 *
 * It never allocates by a length it was only told: what it holds of an incomplete frame is at most twice what has arrived
 * of it (and 512 bytes). The work is linear in the bytes pushed.
 */
export class FrameDecoder {
  readonly #maxLength: number
  #state: 'open' | 'ended' | InvalidPacketError = 'open'
  #prefixFilled = 0
  #length = 0
  /** What came of the frame, until half of it is there. */
  #pieces: Pieces | undefined
  #body: Uint8Array = EMPTY
  #bodyFilled = 0

  /** @throws WireError BAD_LIMIT */
  constructor(options: Pick<FrameOptions, 'maxLength'> = {}) {
    const { maxLength = MAX_CONTROL_FRAME } = options
    checkFrameLimit(maxLength)
    this.#maxLength = maxLength
  }

  /** Bytes held of a frame that is not whole yet, its prefix included. */
  get buffered(): number {
    return this.#prefixFilled + this.#bodyFilled
  }

  /**
   * Takes the next bytes of the stream and returns the envelopes that became whole, without their prefix. Each is
   * either a view of `chunk` or a buffer of its own; the decoder keeps no reference to either. Of a frame that is not
   * whole it may keep views of the chunks so far: leave them unchanged, as long as frames that are views of them.
   *
   * After an error the stream has no more frame borders: every later call throws the same error. Frames that the
   * failing chunk completed before the fault are lost with it.
   * @throws InvalidPacketError EMPTY_FRAME, FRAME_TOO_LARGE; WireError DECODER_CLOSED after `end`
   */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#state instanceof InvalidPacketError) throw this.#state
    if (this.#state === 'ended') throw new WireError('DECODER_CLOSED', 'push() came after end(); make a new decoder')
    let frames: Uint8Array[] | undefined
    let position = 0
    while (position < chunk.length) {
      if (this.#prefixFilled < PREFIX_LENGTH) {
        this.#length = this.#length * 256 + (chunk[position++] as number)
        if (++this.#prefixFilled === PREFIX_LENGTH) this.#checkLength()
        continue
      }
      const end = Math.min(chunk.length, position + this.#length - this.#bodyFilled)
      const part = new Uint8Array(chunk.buffer, chunk.byteOffset + position, end - position)
      position = end
      const frame = part.length === this.#length ? part : this.#collect(part)
      if (frame === undefined) continue
      // Most often the only one, and an array that grows makes room for many.
      if (frames === undefined) frames = [frame]
      else frames.push(frame)
      this.#reset()
    }
    return frames ?? []
  }

  /**
   * Says that the stream has ended; harmless when repeated.
   * @throws InvalidPacketError FRAME_TRUNCATED if it ended inside a frame, or the error that `push` threw before
   */
  end(): void {
    if (this.#state instanceof InvalidPacketError) throw this.#state
    if (this.buffered > 0) {
      throw this.#fail('FRAME_TRUNCATED', `the stream ended inside a frame, after ${this.buffered} of its bytes`)
    }
    this.#state = 'ended'
  }

  #checkLength(): void {
    if (this.#length === 0) throw this.#fail('EMPTY_FRAME', 'a frame must have at least one byte')
    if (this.#length > this.#maxLength) {
      throw this.#fail('FRAME_TOO_LARGE', `a frame may have ${this.#maxLength} bytes, and ${this.#length} are declared`)
    }
  }

  /** Keeps the part; the whole frame once it is there. Each byte of a long one is copied once, if it comes in long parts. */
  #collect(part: Uint8Array): Uint8Array | undefined {
    const filled = this.#bodyFilled + part.length
    if (this.#body === EMPTY && this.#length <= Math.max(FIRST_CAPACITY, filled * 2)) {
      this.#body = new Uint8Array(this.#length)
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
    return filled < this.#length ? undefined : this.#body
  }

  #fail(code: 'EMPTY_FRAME' | 'FRAME_TOO_LARGE' | 'FRAME_TRUNCATED', message: string): InvalidPacketError {
    const error = new InvalidPacketError(code, message)
    this.#reset()
    this.#state = error
    return error
  }

  #reset(): void {
    this.#prefixFilled = 0
    this.#length = 0
    this.#pieces = undefined
    this.#body = EMPTY
    this.#bodyFilled = 0
  }
}
