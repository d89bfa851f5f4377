import { WireError } from './errors.js'
import { FrameCutter, PREFIX_LENGTH } from './frame-cutter.js'
import { checkFrameLimit, checkValueLimits, MAX_CONTROL_FRAME, STREAM_LIMITS, type ValueLimits } from './limits.js'
import { encodeEnvelope } from './message.js'
import type { Message } from './message-fields.js'

export interface FrameOptions {
  /** The longest envelope, in bytes without the prefix, at most MAX_FRAME. @default MAX_CONTROL_FRAME */
  maxLength?: number
  /** Those of the body. A FrameDecoder does not look into envelopes: give them to `decodeMessage` there. @default STREAM_LIMITS */
  limits?: ValueLimits
}

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
  readonly #cutter: FrameCutter
  #ended = false

  /** @throws WireError BAD_LIMIT */
  constructor(options: Pick<FrameOptions, 'maxLength'> = {}) {
    const { maxLength = MAX_CONTROL_FRAME } = options
    checkFrameLimit(maxLength)
    this.#cutter = new FrameCutter(maxLength)
  }

  /** Bytes held of a frame that is not whole yet, its prefix included. */
  get buffered(): number {
    return this.#cutter.begun
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
    const cutter = this.#cutter
    if (cutter.fault !== undefined) throw cutter.fault
    if (this.#ended) throw new WireError('DECODER_CLOSED', 'push() came after end(); make a new decoder')
    cutter.feed(chunk)
    const frames: Uint8Array[] = []
    while (cutter.next()) frames.push(cutter.frame())
    return frames
  }

  /**
   * Says that the stream has ended; harmless when repeated.
   * @throws InvalidPacketError FRAME_TRUNCATED if it ended inside a frame, or the error that `push` threw before
   */
  end(): void {
    this.#cutter.finish()
    this.#ended = true
  }
}
