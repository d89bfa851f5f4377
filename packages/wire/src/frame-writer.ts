import { lend, obtain, release } from './buffer-pool.js'
import { EnvelopeEncoder } from './envelope-encoder.js'
import { checkedFrameOptions, type FrameOptions } from './frame.js'
import { PREFIX_LENGTH } from './frame-cutter.js'
import type { MessageId } from './message-fields.js'
import { putWord } from './put.js'
import type { Value } from './value.js'

/** Bytes of frames that share a chunk, at most. */
const CHUNK_LENGTH = 65_536
const NOTHING: Buffer = Buffer.alloc(0)

/**
 * Messages as they go into a stream, frame behind frame in few large chunks. Between `take` and the next `write` it holds no buffer.
 */
export class FrameWriter {
  readonly #envelope: EnvelopeEncoder
  #chunks: Uint8Array[] = []
  #chunksBytes = 0
  /** The chunk that is being filled. */
  #chunk = NOTHING
  #filled = 0
  /** How much was in the fullest shared chunk: since the last `take`, and before it. */
  #fullest = 0
  #usual = 0

  /** @throws WireError BAD_LIMIT */
  constructor(options: FrameOptions = {}) {
    const { limits, maxLength } = checkedFrameOptions(options)
    this.#envelope = new EnvelopeEncoder(limits, maxLength)
  }

  /** Bytes written and not taken, prefixes included. */
  get bytes(): number {
    return this.#chunksBytes + this.#filled
  }

  /**
   * Writes a message of PROTOCOL_VERSION, with the bytes that `encodeFrame` gives. The body may be changed after the call. When it throws,
   * nothing is written.
   * @returns bytes of the frame, its prefix included
   * @throws WireError as `encodeFrame`
   */
  write(header: string, id: MessageId, body: Value, peerId: Uint8Array | null = null): number {
    const length = this.#envelope.measure(header, id, body, peerId)
    const frameLength = PREFIX_LENGTH + length
    if (this.#filled + frameLength > this.#chunk.length) this.#makeRoom(frameLength)
    this.#envelope.put(this.#chunk, putWord(this.#chunk, this.#filled, length))
    this.#filled += frameLength
    return frameLength
  }

  /**
   * All that was written since the last call, as chunks of whole frames: of 64 KiB at most, or of one longer frame. They are the caller's
   * own; see `recycle`.
   */
  take(): Uint8Array[] {
    this.#endChunk()
    const chunks = this.#chunks
    this.#chunks = []
    this.#chunksBytes = 0
    this.#usual = this.#fullest
    this.#fullest = 0
    return chunks
  }

  #makeRoom(frameLength: number): void {
    if (this.#filled + frameLength > CHUNK_LENGTH) this.#endChunk()
    const needed = this.#filled + frameLength
    // What a writer has to write in one go it often has again: so a busy one allocates seldom, and an idle one little.
    const likely = Math.max(this.#usual, this.#fullest, this.#filled * 2)
    const chunk = obtain(Math.max(needed, powerOfTwo(likely)))
    chunk.set(this.#chunk.subarray(0, this.#filled))
    release(this.#chunk)
    // One long frame stays alone, however much room there is.
    this.#chunk = needed > CHUNK_LENGTH ? chunk.subarray(0, needed) : chunk
  }

  #endChunk(): void {
    if (this.#filled === 0) return
    const used = this.#chunk.subarray(0, this.#filled)
    // Whoever reads slowly must not keep much more alive than there is to read.
    if (used.length * 2 < this.#chunk.length) {
      this.#chunks.push(Buffer.from(used))
      release(this.#chunk)
    } else {
      lend(used)
      this.#chunks.push(used)
    }
    this.#chunksBytes += used.length
    if (used.length <= CHUNK_LENGTH) this.#fullest = Math.max(this.#fullest, used.length)
    this.#chunk = NOTHING
    this.#filled = 0
  }
}

/** The next one, from 1 to CHUNK_LENGTH. */
function powerOfTwo(length: number): number {
  return Math.min(CHUNK_LENGTH, 1 << (32 - Math.clz32(Math.max(1, length) - 1)))
}
