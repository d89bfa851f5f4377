import { FrameDecoder } from '@pc/wire'
import { FirstFrame } from './first-frame.js'

/**
 * Bytes that came in, as frames that wait to be taken. Its owner bounds it: it reads on only when the queue is empty, so at most
 * one chunk waits.
 */
export class ReceiveQueue {
  #decoder: FrameDecoder
  #firstFrame: FirstFrame | undefined
  /** Bytes behind the first frame, until it is known how to read them. */
  #afterFirst: Uint8Array[] | undefined
  #frames: Uint8Array[] = []
  #next = 0

  /** @param firstFrameOnly nothing behind the first frame is decoded before {@link ReceiveQueue.proceed} */
  constructor(maxFrame: number, firstFrameOnly = false) {
    this.#decoder = new FrameDecoder({ maxLength: maxFrame })
    if (firstFrameOnly) this.#firstFrame = new FirstFrame()
  }

  get firstFrameOnly(): boolean {
    return this.#firstFrame !== undefined
  }

  /** Nothing waits, neither whole frames nor bytes behind the first one. */
  get empty(): boolean {
    return this.#next >= this.#frames.length && this.#afterFirst === undefined
  }

  /** A frame has begun and is not whole yet. */
  get partial(): boolean {
    return this.#decoder.buffered > 0
  }

  /** @throws WireError for what no correct peer sends */
  push(chunk: Uint8Array): void {
    if (this.#afterFirst !== undefined) {
      this.#afterFirst.push(chunk)
    } else if (this.#firstFrame === undefined) {
      this.#take(chunk)
    } else {
      const rest = this.#firstFrame.take(chunk, (piece) => this.#take(piece))
      if (rest !== undefined) this.#afterFirst = [rest]
    }
  }

  next(): Uint8Array | undefined {
    const frame = this.#frames[this.#next]
    if (frame === undefined) return undefined
    this.#next += 1
    if (this.#next === this.#frames.length) {
      this.#frames = []
      this.#next = 0
    }
    return frame
  }

  /**
   * Reads what is behind the first frame, and all that follows, with that limit.
   * @throws WireError as {@link ReceiveQueue.push}
   */
  proceed(maxFrame: number): void {
    const waiting = this.#afterFirst ?? []
    this.#firstFrame = undefined
    this.#afterFirst = undefined
    this.#decoder = new FrameDecoder({ maxLength: maxFrame })
    for (const chunk of waiting) this.#take(chunk)
  }

  /** @throws WireError FRAME_TRUNCATED when the stream ended inside a frame */
  end(): void {
    this.#decoder.end()
  }

  /** Forgets what waits; what is pushed later is read as before. */
  drop(): void {
    this.#frames = []
    this.#next = 0
    if (this.#afterFirst !== undefined) this.#afterFirst = []
  }

  #take(bytes: Uint8Array): void {
    const frames = this.#decoder.push(bytes)
    if (this.#frames.length === 0) this.#frames = frames
    else for (const frame of frames) this.#frames.push(frame)
  }
}
