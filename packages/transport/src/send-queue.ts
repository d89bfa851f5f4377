import type { Duplex } from 'node:stream'
import { type MessageId, recycle, type Value } from '@pc/wire'
import type { BandwidthShare } from './bandwidth.js'
import { LoopShare, type LoopUse } from './loop-share.js'
import type { Meter } from './meter.js'
import type { SendBudget } from './send-budget.js'
import { SendLanes, type SendPriority } from './send-lanes.js'

/** What may wait to be sent over one connection, here and in its stream. */
export const SEND_QUEUE_LIMIT = 1_048_576
/** What urgent frames may wait beyond that: a full queue must not silence a ping. */
const URGENT_RESERVE = 65_536

const DONE: Promise<void> = Promise.resolve()

export interface SendQueueOptions {
  readonly duplex: Duplex
  /** See `SecureStream.copiesWrites`. */
  readonly copiesWrites: boolean
  readonly loop: LoopUse
  readonly meter: Meter
  /** Longest frame, in bytes without the length prefix. */
  readonly maxFrame: number
  /** Shared with other queues. */
  readonly budget: SendBudget | undefined
  /** Whether the stream is about to end: then neither a paused meter nor a limit holds anything back. */
  readonly ending: () => boolean
  /** More waits than the stream takes at once. */
  readonly onCongested: () => void
}

/**
 * Frames on their way into a stream. Those of one tick go out in one write, and none while the meter is paused. The stream itself is
 * given no more than it asks for: what waits here can still be overtaken by what is more urgent.
 */
export class SendQueue {
  readonly #options: SendQueueOptions
  readonly #duplex: Duplex
  readonly #lanes: SendLanes
  readonly #highWaterMark: number
  #flushAsked = false
  /** Whoever holds it flushes, once, at the end of what it does. */
  #held = false
  readonly #loop: LoopShare
  #drained: { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } | undefined
  #share: BandwidthShare | undefined
  /** A limit of the bandwidth holds back what waits here. */
  #heldBack = false
  readonly #flushLater: () => void

  constructor(options: SendQueueOptions) {
    this.#options = options
    this.#duplex = options.duplex
    this.#lanes = new SendLanes(options.maxFrame)
    this.#highWaterMark = options.duplex.writableHighWaterMark
    this.#loop = new LoopShare(options.loop, options.duplex, () => this.flush())
    this.#flushLater = () => this.flush()
  }

  /** Bytes that wait, here and in the stream. */
  get bytes(): number {
    return this.#lanes.bytes + this.#duplex.writableLength
  }

  /** Bytes that the stream has taken and passed on. Grows only. */
  get passedOn(): number {
    return this.#options.meter.bytes - this.#duplex.writableLength
  }

  /** Something waits, and nobody here wants it to. */
  get congested(): boolean {
    return this.bytes > 0 && !this.#options.meter.paused && !this.#heldBack
  }

  /**
   * Why a frame of at least so many bytes cannot be taken; undefined when it can. An empty queue takes any frame that is not too large by
   * itself.
   */
  lackOfRoom(bytes: number, priority: SendPriority): string | undefined {
    const queued = this.bytes
    if (queued === 0) return undefined
    const urgent = priority === 'urgent'
    const limit = urgent ? SEND_QUEUE_LIMIT + URGENT_RESERVE : SEND_QUEUE_LIMIT
    if (queued + bytes > limit) return `${queued} bytes wait to be sent, and the limit is ${limit},`
    const { budget } = this.#options
    if (urgent || budget === undefined || budget.used + bytes <= budget.limit) return undefined
    return `${budget.used} bytes wait to be sent over all connections, and the limit is ${budget.limit}: no more`
  }

  /** Frames may be that long from now on. */
  setMaxFrame(maxFrame: number): void {
    this.#lanes.setMaxFrame(maxFrame)
  }

  /** From now on what goes has to be allowed there, and is counted. */
  setShare(share: BandwidthShare): void {
    this.#share = share
  }

  /**
   * Resolves at once while there is room, and otherwise when the stream has caught up.
   * @throws WireError, as `encodeFrame`
   */
  push(header: string, id: MessageId, body: Value, priority: SendPriority | 'last'): Promise<void> {
    const written = this.#lanes.write(header, id, body, priority)
    this.#options.budget?.add(written)
    this.flushSoon()
    return this.bytes < this.#highWaterMark ? DONE : this.#whenDrained()
  }

  flushSoon(): void {
    if (this.#flushAsked) return
    this.#flushAsked = true
    if (this.#held) return
    // A tick, not a microtask: it runs after all promise callbacks of this turn, so that a loop of awaited sends is one write.
    process.nextTick(this.#flushLater)
  }

  /** What is pushed from now on waits for {@link SendQueue.release}: the answers to what came in one chunk go out in one write. */
  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    if (this.#flushAsked) this.flush()
  }

  /** Gives the stream what it takes, and everything if it is about to end. */
  flush(): void {
    this.#flushAsked = false
    const { duplex, meter, ending } = this.#options
    if (duplex.writableEnded || duplex.destroyed) return
    const all = ending()
    this.#heldBack = false
    if (!meter.paused || all) this.#write(all)
    this.#resolveDrained()
    // Somebody may have looked while nothing had to move.
    if (this.#drained !== undefined && this.congested) this.#options.onCongested()
  }

  /** Forgets what waits here; whoever waits for room gets the error. */
  drop(error: () => Error): void {
    this.#options.budget?.add(-this.#lanes.bytes)
    this.#lanes.clear()
    this.#share?.leave()
    this.#drained?.reject(error())
    this.#drained = undefined
  }

  #write(all: boolean): void {
    const chunks: Uint8Array[] = []
    const wanted = Math.min(this.#highWaterMark - this.#duplex.writableLength, this.#loop.left)
    let room = all ? Number.POSITIVE_INFINITY : wanted
    let bytes = 0
    while (room > 0 && this.#lanes.bytes > 0) {
      if (this.#share !== undefined && !all && !this.#share.ready()) {
        this.#heldBack = true
        break
      }
      const chunk = this.#lanes.next() as Uint8Array
      this.#share?.spend(chunk.length)
      chunks.push(chunk)
      room -= chunk.length
      bytes += chunk.length
    }
    const [first] = chunks
    if (first === undefined) return
    this.#options.budget?.add(-bytes)
    this.#options.meter.record(bytes)
    this.#loop.spend(bytes)
    if (chunks.length === 1) {
      this.#pass(first)
      return
    }
    this.#duplex.cork()
    for (const chunk of chunks) this.#pass(chunk)
    this.#duplex.uncork()
  }

  #pass(chunk: Uint8Array): void {
    if (!this.#options.copiesWrites) {
      this.#duplex.write(chunk)
      return
    }
    this.#duplex.write(chunk, (error) => {
      // What failed may be under way still.
      if (!error) recycle(chunk)
    })
  }

  #resolveDrained(): void {
    if (this.#drained === undefined || this.#duplex.writableNeedDrain || this.bytes >= this.#highWaterMark) return
    this.#drained.resolve()
    this.#drained = undefined
  }

  #whenDrained(): Promise<void> {
    if (this.#drained === undefined) {
      let resolve = (): void => {}
      let reject = (_error: Error): void => {}
      const promise = new Promise<void>((res, rej) => {
        resolve = res
        reject = rej
      })
      // Shared by all who wait; each of them sees the rejection, and with nobody waiting it is not an unhandled one.
      promise.catch(() => {})
      this.#drained = { promise, resolve, reject }
      this.#options.onCongested()
    }
    return this.#drained.promise
  }
}
