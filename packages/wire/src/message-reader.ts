import { lend } from './buffer-pool.js'
import { EnvelopeReader } from './envelope-reader.js'
import { checkedFrameOptions, type FrameOptions } from './frame.js'
import { FrameCutter } from './frame-cutter.js'
import { checkFrameLimit, type ValueLimits } from './limits.js'
import { decodeAny } from './message.js'
import type { Message } from './message-fields.js'

/**
 * A stream of bytes to the messages in it, one at a time: what is behind a message is not looked at before it is asked for. So the limit of the
 * frames that follow may depend on the message before.
 *
 * What it holds of an incomplete frame is at most twice what has arrived of it (and 512 bytes).
 */
export class MessageReader {
  readonly #cutter: FrameCutter
  readonly #envelope: EnvelopeReader = new EnvelopeReader()
  readonly #limits: ValueLimits

  /** @throws WireError BAD_LIMIT */
  constructor(options: FrameOptions = {}) {
    const { limits, maxLength } = checkedFrameOptions(options)
    this.#limits = limits
    this.#cutter = new FrameCutter(maxLength)
  }

  /** Bytes that came and were not looked at wait. */
  get unread(): boolean {
    return this.#cutter.unread
  }

  /** As far as it was looked at: a frame has begun and is not whole yet. */
  get partial(): boolean {
    return this.#cutter.begun > 0
  }

  /** The longest envelope from the next frame on. @throws WireError BAD_LIMIT */
  setMaxLength(maxLength: number): void {
    checkFrameLimit(maxLength)
    this.#cutter.maxLength = maxLength
  }

  /** The next bytes of the stream; they must not be changed any more. */
  push(chunk: Uint8Array): void {
    this.#cutter.feed(chunk)
  }

  /**
   * The next message; undefined when none is whole. Byte strings in it are views, as those of `decodeMessage`, of a buffer in which anything may
   * stand behind them. A long body may be given back: see `recycle`. After an error of framing every
   * call throws the same one.
   * @throws InvalidPacketError EMPTY_FRAME, FRAME_TOO_LARGE, and whatever `decodeMessage` throws
   */
  next(): Message | undefined {
    const cutter = this.#cutter
    if (!cutter.next()) {
      // What was read is its owner's.
      this.#envelope.clear()
      return undefined
    }
    const { bytes, start, end } = cutter
    const message = this.#envelope.read(bytes, start, end) ?? decodeAny(cutter.frame(), this.#limits)
    // Nobody can look at such a frame but through its body.
    if (
      cutter.alone &&
      typeof message.id === 'number' &&
      message.peerId === null &&
      message.body instanceof Uint8Array
    ) {
      lend(message.body)
    }
    return message
  }

  /**
   * Says that the stream has ended, once everything was read.
   * @throws InvalidPacketError FRAME_TRUNCATED if that is inside a frame, or the error of framing before
   */
  end(): void {
    this.#cutter.finish()
  }

  /** Forgets what waits. */
  clear(): void {
    this.#cutter.clear()
    this.#envelope.clear()
  }
}
