/** An inbox in memory. Bounded: the oldest messages make room, and one peer cannot push out everybody else's. */
import { MessagingError } from './errors.js'
import type { Inbox, ReceivedMessage } from './inbox.js'

export interface InboxOptions {
  /** Messages kept; beyond it the oldest is dropped and counted. @default 10000 */
  readonly maxMessages?: number
  /** The same in bytes of memory, roughly. @default 16 MiB */
  readonly maxBytes?: number
  /** Share of both limits that one peer may fill; beyond it its own oldest message is dropped. @default 0.25 */
  readonly peerShare?: number
}

const MESSAGE_BYTES = 512 // a message without its payload: id, type, numbers, list entries; rounded up
const LIST_LIMIT = 100

interface Entry {
  readonly message: ReceivedMessage
  readonly peer: string
  readonly bytes: number
  dropped: boolean
}

interface Share {
  readonly entries: Set<Entry> // oldest first
  bytes: number
}

export class MemoryInbox implements Inbox {
  readonly #maxMessages: number
  readonly #maxBytes: number
  readonly #peerShare: number
  /** In rising order of `sequence`, with dropped entries among them until the next compaction. */
  #entries: Entry[] = []
  /** Entries below this index are dropped. */
  #head = 0
  readonly #shares = new Map<string, Share>()
  readonly #followers = new Set<Follower>()
  #size = 0
  #bytes = 0
  #last = 0
  #dropped = 0
  #closed = false

  constructor(options: InboxOptions = {}) {
    this.#maxMessages = options.maxMessages ?? 10_000
    this.#maxBytes = options.maxBytes ?? 16 * 1_048_576
    this.#peerShare = options.peerShare ?? 0.25
  }

  get size(): number {
    return this.#size
  }

  get last(): number {
    return this.#last
  }

  get dropped(): number {
    return this.#dropped
  }

  /** `message.sequence` is `last + 1`; `memory` is what its payload costs. */
  add(message: ReceivedMessage, memory: number): void {
    const entry: Entry = { message, peer: message.from.toString(), bytes: memory + MESSAGE_BYTES, dropped: false }
    this.#last = message.sequence
    this.#entries.push(entry)
    this.#size++
    this.#bytes += entry.bytes
    const share = this.#shares.get(entry.peer) ?? { entries: new Set(), bytes: 0 }
    this.#shares.set(entry.peer, share)
    share.entries.add(entry)
    share.bytes += entry.bytes
    this.#makeRoom(share, entry)
    for (const follower of this.#followers) follower.wake()
  }

  list(options: { after?: number; limit?: number } = {}): Promise<ReceivedMessage[]> {
    const limit = options.limit ?? LIST_LIMIT
    const found: ReceivedMessage[] = []
    for (let index = this.#indexAfter(options.after ?? 0); found.length < limit; index++) {
      const entry = this.#entries[index]
      if (entry === undefined) break
      if (!entry.dropped) found.push(entry.message)
    }
    return Promise.resolve(found)
  }

  follow(options: { after?: number; signal?: AbortSignal } = {}): AsyncIterableIterator<ReceivedMessage> {
    const follower: Follower = new Follower(options.after ?? this.#last, options.signal, {
      after: (sequence) => this.#firstAfter(sequence),
      leave: () => this.#followers.delete(follower),
    })
    this.#followers.add(follower)
    if (options.signal?.aborted) follower.abort()
    if (this.#closed) follower.end()
    return follower
  }

  /** Ends every `follow` once it has delivered what is stored. */
  close(): void {
    this.#closed = true
    for (const follower of [...this.#followers]) follower.end()
  }

  #makeRoom(share: Share, newest: Entry): void {
    const crowded = (): boolean =>
      share.entries.size > this.#maxMessages * this.#peerShare || share.bytes > this.#maxBytes * this.#peerShare
    // The newest stays in any case: its sender is about to be told that it is here.
    while (crowded() && share.entries.size > 1) this.#drop(oldestOf(share))
    while (this.#size > this.#maxMessages || this.#bytes > this.#maxBytes) {
      const oldest = this.#oldest()
      if (oldest === undefined || oldest === newest) break
      this.#drop(oldest)
    }
    this.#compact()
  }

  #drop(entry: Entry | undefined): void {
    if (entry === undefined) return
    entry.dropped = true
    this.#size--
    this.#dropped++
    this.#bytes -= entry.bytes
    const share = this.#shares.get(entry.peer)
    if (share !== undefined) {
      share.entries.delete(entry)
      share.bytes -= entry.bytes
      if (share.entries.size === 0) this.#shares.delete(entry.peer)
    }
    for (const follower of this.#followers) follower.noteDropped(entry.message.sequence)
  }

  #oldest(): Entry | undefined {
    while (this.#entries[this.#head]?.dropped) this.#head++
    return this.#entries[this.#head]
  }

  /** Only when most entries are dropped ones, so that it costs a constant per message. */
  #compact(): void {
    if (this.#entries.length <= 2 * this.#size + 64) return
    this.#entries = this.#entries.filter((entry) => !entry.dropped)
    this.#head = 0
  }

  #firstAfter(sequence: number): ReceivedMessage | undefined {
    for (let index = this.#indexAfter(sequence); ; index++) {
      const entry = this.#entries[index]
      if (entry === undefined || !entry.dropped) return entry?.message
    }
  }

  /** Index of the first entry above `sequence`, by bisection. */
  #indexAfter(sequence: number): number {
    let low = this.#head
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle]?.message.sequence ?? 0) > sequence) high = middle
      else low = middle + 1
    }
    return low
  }
}

function oldestOf(share: Share): Entry | undefined {
  for (const entry of share.entries) return entry
  return undefined
}

interface Source {
  after(sequence: number): ReceivedMessage | undefined
  leave(): void
}

interface Waiter {
  resolve(result: IteratorResult<ReceivedMessage>): void
  reject(error: unknown): void
}

/** Reads with a cursor and keeps nothing itself, so that any number of slow readers costs no memory. */
class Follower implements AsyncIterableIterator<ReceivedMessage> {
  readonly #signal: AbortSignal | undefined
  readonly #source: Source
  #waiters: Waiter[] = []
  #cursor: number
  /** Where reading began: what was dropped before is nothing this reader missed. */
  #missed = 0
  #ended = false
  #failure: { readonly error: unknown } | undefined

  constructor(after: number, signal: AbortSignal | undefined, source: Source) {
    this.#cursor = after
    this.#signal = signal
    this.#source = source
    signal?.addEventListener('abort', this.abort, { once: true })
  }

  readonly abort = (): void => this.#fail(this.#signal?.reason)

  noteDropped(sequence: number): void {
    if (sequence > this.#cursor) this.#missed++
  }

  wake(): void {
    while (this.#waiters.length > 0) {
      const result = this.#take()
      if (result === undefined) return
      const waiter = this.#waiters.shift()
      result.then(waiter?.resolve, waiter?.reject)
    }
  }

  /** No further message will come. */
  end(): void {
    this.#ended = true
    this.wake()
    this.#leave()
  }

  next(): Promise<IteratorResult<ReceivedMessage>> {
    const result = this.#waiters.length === 0 ? this.#take() : undefined
    return result ?? new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  return(): Promise<IteratorResult<ReceivedMessage>> {
    this.#cursor = Number.POSITIVE_INFINITY
    this.#failure = undefined
    this.end()
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** What `next` gives now; `undefined`: wait. */
  #take(): Promise<IteratorResult<ReceivedMessage>> | undefined {
    if (this.#missed > 0 && this.#failure === undefined) this.#fail(this.#fellBehind())
    if (this.#failure !== undefined) {
      const { error } = this.#failure
      this.#failure = undefined
      this.#cursor = Number.POSITIVE_INFINITY
      return Promise.reject(error)
    }
    const message = this.#source.after(this.#cursor)
    if (message !== undefined) {
      this.#cursor = message.sequence
      return Promise.resolve({ done: false, value: message })
    }
    return this.#ended ? Promise.resolve({ done: true, value: undefined }) : undefined
  }

  #fail(error: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#missed = 0
    this.#failure = { error }
    this.wake()
    this.#leave()
  }

  #fellBehind(): MessagingError {
    const message = `the reader missed ${this.#missed} dropped messages after number ${this.#cursor}: follow again, and read faster`
    return new MessagingError('FELL_BEHIND', message)
  }

  #leave(): void {
    this.#signal?.removeEventListener('abort', this.abort)
    this.#source.leave()
  }
}
