import type { PeerId } from '@pc/identity'
import type { Value } from '@pc/wire'

export interface ReceivedMessage<P = Value> {
  /** The same text as the sender's `receipt.id`; no two messages share one. */
  readonly id: string
  /** Number in this inbox, rising; numbers can be missing. */
  readonly sequence: number
  /** Proved by the connection it came on. */
  readonly from: PeerId
  readonly type: string
  readonly payload: P
  /** Unix ms by the sender's clock: for display only. */
  readonly sentAt: number
  /** Unix ms by our clock. */
  readonly receivedAt: number
  /** Whether the sender is trusted, not only known by its key. */
  readonly verified: boolean
  /** The handler was called with it before and did not finish. */
  readonly redelivered: boolean
}

/** What other peers sent, in the order it was stored. */
export interface Inbox {
  /** Messages with `sequence` above `after` (default 0: from the oldest kept), oldest first, at most `limit` (default 100). */
  list(options?: { after?: number; limit?: number }): Promise<ReceivedMessage[]>
  /**
   * Messages after `after` (default: those stored from this call on), then each further one as it is stored, until
   * `break`, `signal` (its reason is thrown) or the end of messaging. A reader that is so slow that a message it has
   * not read is dropped gets FELL_BEHIND.
   */
  follow(options?: { after?: number; signal?: AbortSignal }): AsyncIterableIterator<ReceivedMessage>
  /** Messages kept. */
  readonly size: number
  /** The highest number given out. */
  readonly last: number
  /** Messages dropped to make room. */
  readonly dropped: number
}
