import { FrameWriter, type MessageId, type Value } from '@pc/wire'

/**
 * How urgent a frame is, against others of the same connection. What is `urgent` goes first, always: keep it small and rare. The other
 * three share what is left as 8 : 4 : 1 while all of them wait, so that none of them starves. Within a class frames keep their order.
 */
export type SendPriority = 'urgent' | 'request' | 'message' | 'bulk'

/** Bytes that a class may send per round for each of its shares (deficit round robin, Shreedhar and Varghese 1996). */
const QUANTUM = 16_384

interface Lane {
  readonly shares: number
  /** Undefined while nothing is written: a quiet connection keeps none. */
  writer: FrameWriter | undefined
  /** Whole frames each, taken from the writer. */
  chunks: Uint8Array[]
  /** Bytes that it may still send in this round; below 0 it has to wait for the next ones. */
  deficit: number
}

/** Frames that wait to be sent, by priority, and which of them go next. Pure. */
export class SendLanes {
  readonly #urgent = lane(0)
  readonly #request = lane(8)
  readonly #message = lane(4)
  readonly #bulk = lane(1)
  readonly #round: readonly Lane[] = [this.#request, this.#message, this.#bulk]
  /** Behind everything else. */
  readonly #last = lane(0)
  #turn = 0
  #bytes = 0
  #maxFrame: number

  constructor(maxFrame: number) {
    this.#maxFrame = maxFrame
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * @returns bytes of the frame
   * @throws WireError, as `encodeFrame`; nothing has been added then
   */
  write(header: string, id: MessageId, body: Value, priority: SendPriority | 'last'): number {
    const to = this.#laneOf(priority)
    to.writer ??= new FrameWriter({ maxLength: this.#maxFrame })
    // A getter in the body may write here too, so the count is read afterwards.
    const written = to.writer.write(header, id, body)
    this.#bytes += written
    return written
  }

  /** From now on frames may be that long. What waits already keeps its place. */
  setMaxFrame(maxFrame: number): void {
    this.#maxFrame = maxFrame
    for (const each of [this.#urgent, ...this.#round, this.#last]) {
      take(each)
      each.writer = undefined
    }
  }

  /** The frames that go next, one or many; undefined when nothing waits. */
  next(): Uint8Array | undefined {
    const chunk = this.#pop(this.#urgent) ?? this.#shareOut() ?? this.#pop(this.#last)
    if (chunk !== undefined) this.#bytes -= chunk.length
    return chunk
  }

  /** Forgets everything. */
  clear(): void {
    for (const each of [this.#urgent, ...this.#round, this.#last]) {
      each.chunks = []
      each.writer = undefined
      each.deficit = 0
    }
    this.#bytes = 0
  }

  #laneOf(priority: SendPriority | 'last'): Lane {
    switch (priority) {
      case 'message':
        return this.#message
      case 'request':
        return this.#request
      case 'bulk':
        return this.#bulk
      case 'urgent':
        return this.#urgent
      default:
        return this.#last
    }
  }

  #shareOut(): Uint8Array | undefined {
    let only: Lane | undefined
    let waiting = 0
    for (const each of this.#round) {
      if (!isWaiting(each)) {
        // What it took too much of is not forgotten while it is away for a moment.
        each.deficit = Math.min(0, each.deficit)
        continue
      }
      only = each
      waiting += 1
    }
    if (only === undefined) return undefined
    // Alone it owes nobody anything.
    if (waiting === 1) {
      only.deficit = 0
      return this.#pop(only)
    }
    for (;;) {
      const each = this.#round[this.#turn] as Lane
      if (each.deficit > 0) {
        const chunk = this.#pop(each) as Uint8Array
        each.deficit -= chunk.length
        return chunk
      }
      this.#turn = (this.#turn + 1) % this.#round.length
      const next = this.#round[this.#turn] as Lane
      if (isWaiting(next)) next.deficit += next.shares * QUANTUM
    }
  }

  #pop(from: Lane): Uint8Array | undefined {
    if (from.chunks.length === 0) take(from)
    return from.chunks.shift()
  }
}

function lane(shares: number): Lane {
  return { shares, writer: undefined, chunks: [], deficit: 0 }
}

function isWaiting({ chunks, writer }: Lane): boolean {
  return chunks.length > 0 || (writer !== undefined && writer.bytes > 0)
}

function take(from: Lane): void {
  if (from.writer !== undefined && from.writer.bytes > 0) from.chunks.push(...from.writer.take())
}
