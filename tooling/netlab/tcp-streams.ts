/** Puts the segments of TCP connections together again, each direction by itself: repeated, overlapping and out of order. Pure. */

export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** One direction of one TCP connection. */
export interface CapturedStream {
  /** Unix ms of its first segment. */
  readonly at: number
  readonly from: Endpoint
  readonly to: Endpoint
  /** In the sender's order; what was never captured is left out. */
  readonly bytes: Uint8Array
  /** Places where something is missing. */
  readonly holes: number
}

export interface Segment {
  readonly from: Endpoint
  readonly to: Endpoint
  readonly sequence: number
  /** SYN: the first segment of a connection; its data begin one number further. */
  readonly begins: boolean
  readonly bytes: Uint8Array
}

export class TcpStreams {
  /** By both ends; a new SYN with another number begins another stream between the same ends. */
  readonly #current = new Map<string, Stream>()
  readonly #all: Stream[] = []

  /** False: it contradicts what was captured before at the same place of the same stream. */
  take(at: number, segment: Segment): boolean {
    const key = `${keyOf(segment.from)} > ${keyOf(segment.to)}`
    const first = (segment.sequence + (segment.begins ? 1 : 0)) >>> 0
    let stream = this.#current.get(key)
    if (stream === undefined || (segment.begins && stream.first !== first)) {
      stream = new Stream(at, segment.from, segment.to, first)
      this.#current.set(key, stream)
      this.#all.push(stream)
    }
    return stream.take(first, segment.bytes)
  }

  /** In the order in which they began; those that carried nothing too. */
  all(): CapturedStream[] {
    return this.#all.map((stream) => stream.whole())
  }
}

interface Piece {
  readonly start: number
  readonly bytes: Uint8Array
}

class Stream {
  /** Sequence number of the first byte, as far as was captured. */
  readonly first: number
  readonly #at: number
  readonly #from: Endpoint
  readonly #to: Endpoint
  /** As captured; `start` counts from {@link first} and is negative for what came before it. */
  readonly #pieces: Piece[] = []
  /** Behind the last of them. */
  #end = 0

  constructor(at: number, from: Endpoint, to: Endpoint, first: number) {
    this.#at = at
    this.#from = from
    this.#to = to
    this.first = first
  }

  take(sequence: number, bytes: Uint8Array): boolean {
    if (bytes.length === 0) return true
    // Sequence numbers wrap; streams here are far shorter than half their range.
    const start = (sequence - this.first) | 0
    const inOrder = start >= this.#end
    this.#end = Math.max(this.#end, start + bytes.length)
    if (inOrder) {
      this.#pieces.push({ start, bytes })
      return true
    }
    const agrees = this.#pieces.every((piece) => agree(piece, { start, bytes }))
    // What is there already says nothing new.
    const known = agrees && this.#pieces.some((piece) => piece.start <= start && endOf(piece) >= start + bytes.length)
    if (!known) this.#pieces.push({ start, bytes })
    return agrees
  }

  whole(): CapturedStream {
    const parts: Uint8Array[] = []
    let [end, holes] = [0, 0]
    const pieces = [...this.#pieces].sort((a, b) => a.start - b.start)
    for (const [index, piece] of pieces.entries()) {
      if (index === 0) end = Math.min(piece.start, 0)
      if (piece.start > end) {
        holes += 1
        end = piece.start
      }
      const fresh = piece.bytes.subarray(Math.min(piece.bytes.length, end - piece.start))
      if (fresh.length === 0) continue
      parts.push(fresh)
      end += fresh.length
    }
    const bytes = new Uint8Array(Buffer.concat(parts))
    return { at: this.#at, from: this.#from, to: this.#to, bytes, holes }
  }
}

/** Whether two pieces say the same where they overlap. */
function agree(a: Piece, b: Piece): boolean {
  const [start, end] = [Math.max(a.start, b.start), Math.min(endOf(a), endOf(b))]
  if (start >= end) return true
  const [one, other] = [a, b].map(({ start: from, bytes }) => bytes.subarray(start - from, end - from))
  return Buffer.compare(one ?? new Uint8Array(), other ?? new Uint8Array()) === 0
}

function endOf({ start, bytes }: Piece): number {
  return start + bytes.length
}

function keyOf({ host, port }: Endpoint): string {
  return `${host} ${port}`
}
