import type { PeerId, SignedPeerRecord } from '@pc/identity'
import type { Value } from '@pc/wire'
import type { Address } from './address.js'
import type { CloseReason } from './close-code.js'
import type { SendPriority } from './send-lanes.js'

/**
 * The one way to talk to a peer: usable both ways, whoever dialled, and all the time, also while one of two simultaneous
 * connections underneath is given up. It lasts as long as the pair is connected and the peer is not restarted.
 *
 * What is sent over it comes out of one control connection of the other side, each priority in order and without a hole; when a frame may be lost,
 * both end.
 */
export interface ControlConnection {
  readonly peer: PeerId
  /** 8 bytes, other ones after each start of the peer. */
  readonly bootId: Uint8Array
  /** As the peer stated it in its latest HELLO. */
  readonly record: SignedPeerRecord
  readonly features: readonly string[]
  /** Of the stream that is used at present. */
  readonly remoteAddress: Address
  /** Whether this side dialled the stream that is used at present. */
  readonly dialled: boolean
  /** When the last byte came from the peer, monotonic ms. */
  readonly lastHeardAt: number
  /** Resolves when nothing can be sent any more. Never rejects. */
  readonly closed: Promise<CloseReason>
  /** An integer that this side has not used with this peer. Both sides count for themselves. */
  nextId(): number
  /** As {@link Connection.send}. Frames of one priority arrive in the order of the calls. @param priority 'message' if left out */
  send(header: string, id: number, body: Value, priority?: SendPriority): Promise<void>
  /**
   * Measures a round trip, in ms. `timeoutMs` is 2,000 by default.
   * @throws TransportError PING_TIMEOUT, CONNECTION_CLOSED, SEND_QUEUE_FULL, RESOURCE_BUSY (16 under way); the signal's reason
   */
  ping(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<number>
}
