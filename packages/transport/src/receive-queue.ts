import { type Message, MessageReader } from '@pc/wire'

/**
 * Bytes that came in, as messages to be taken one by one. Its owner bounds it: it reads on only when the queue is empty, so at most
 * one chunk waits.
 */
export class ReceiveQueue {
  readonly #reader: MessageReader
  #firstFrameOnly: boolean
  #firstTaken = false
  #dropped = false

  /**
   * @param firstFrameOnly nothing behind the first frame is read before {@link ReceiveQueue.proceed}: until HELLO has said what a connection
   * is for, the size limit of the frames that follow is not known
   */
  constructor(maxFrame: number, firstFrameOnly = false) {
    this.#reader = new MessageReader({ maxLength: maxFrame })
    this.#firstFrameOnly = firstFrameOnly
  }

  get firstFrameOnly(): boolean {
    return this.#firstFrameOnly
  }

  /** Nothing waits to be read. While the first frame was taken and nothing may be read behind it, something does. */
  get empty(): boolean {
    return this.#dropped || (!this.#reader.unread && !this.#holds())
  }

  /** A frame has begun and is not whole yet. */
  get partial(): boolean {
    return !this.#dropped && this.#reader.partial
  }

  push(chunk: Uint8Array): void {
    if (!this.#dropped) this.#reader.push(chunk)
  }

  /** @throws WireError for what no correct peer sends */
  next(): Message | undefined {
    if (this.#dropped || this.#holds()) return undefined
    const message = this.#reader.next()
    if (message !== undefined) this.#firstTaken = true
    return message
  }

  /** From here on reads what is behind the first frame too, with that limit. */
  proceed(maxFrame: number): void {
    this.#firstFrameOnly = false
    this.#reader.setMaxLength(maxFrame)
  }

  /** To be called when it is empty and nothing more comes. @throws WireError FRAME_TRUNCATED when that is inside a frame */
  end(): void {
    this.#reader.end()
  }

  /** Nobody wants any more what waits, nor what is still coming. */
  drop(): void {
    this.#dropped = true
    this.#reader.clear()
  }

  #holds(): boolean {
    return this.#firstFrameOnly && this.#firstTaken
  }
}
