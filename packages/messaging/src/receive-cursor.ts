/**
 * How far one peer's streams of messages have come, on the side of the receiver. Pure. It decides what is new, so
 * that each message is stored once and in the sender's order.
 *
 * **A gap is let through.** A control connection keeps order and a sender never holds back a number that it still
 * wants delivered, so a jump means that the numbers between were given up by the sender (deadline, lost with an
 * earlier connection, too large for a frame), or that this receiver forgot the stream. Waiting for them would stop
 * the stream for good. A number that was jumped over and arrives after all (left in the buffers of an earlier
 * connection) is refused: storing it would break the order, acknowledging it would be a lie.
 */
import type { WireErrorName } from './errors.js'
import { WINDOW } from './send-window.js'

/** What is to be done with a number: store it, acknowledge it again, refuse it (again), or say nothing. */
export type Verdict = 'new' | 'repeated' | 'unknown' | { readonly refused: WireErrorName }

/** Streams of one peer: a restart begins another, and the last bytes of the old one may come after the first of the new. */
export const EPOCHS = 4

interface Stream {
  /** The highest number settled here: stored, refused or jumped over. */
  highest: number
  /** Numbers at most `WINDOW` below the highest that were not stored, and why. */
  readonly missing: Map<number, WireErrorName>
}

export class ReceiveCursor {
  readonly #streams = new Map<string, Stream>() // least recently used first

  /** `epoch` as text. Changes nothing. */
  check(epoch: string, sequence: number): Verdict {
    const stream = this.#streams.get(epoch)
    if (stream === undefined || sequence > stream.highest) return 'new'
    const reason = stream.missing.get(sequence)
    if (reason !== undefined) return { refused: reason }
    // No honest sender asks about a number this old (see WINDOW), and what became of it is forgotten.
    return sequence > stream.highest - WINDOW ? 'repeated' : 'unknown'
  }

  /** A new number is stored. @returns the numbers that this jumps over, to be refused before anything covers them */
  stored(epoch: string, sequence: number): readonly number[] {
    return this.#advance(this.#touch(epoch), sequence)
  }

  /**
   * A new number is refused, for good: a sender that tries again does so under another number.
   * @returns as `stored`
   */
  refused(epoch: string, sequence: number, reason: WireErrorName): readonly number[] {
    const stream = this.#touch(epoch)
    const jumped = this.#advance(stream, sequence)
    stream.missing.set(sequence, reason)
    return jumped
  }

  /** The number to acknowledge: everything up to it is stored, but for what was refused or jumped over. */
  highest(epoch: string): number {
    return this.#streams.get(epoch)?.highest ?? 0
  }

  #advance(stream: Stream, sequence: number): readonly number[] {
    const jumped: number[] = []
    const forgotten = sequence - WINDOW
    for (let number = Math.max(stream.highest, forgotten) + 1; number < sequence; number++) {
      stream.missing.set(number, 'OUT_OF_ORDER')
      jumped.push(number)
    }
    stream.highest = sequence
    for (const number of stream.missing.keys()) {
      if (number > forgotten) break
      stream.missing.delete(number)
    }
    return jumped
  }

  #touch(epoch: string): Stream {
    const stream = this.#streams.get(epoch) ?? { highest: 0, missing: new Map() }
    this.#streams.delete(epoch)
    this.#streams.set(epoch, stream)
    if (this.#streams.size > EPOCHS) {
      for (const oldest of this.#streams.keys()) {
        this.#streams.delete(oldest)
        break
      }
    }
    return stream
  }
}
