/** What this package needs from below. `Connector` and `ControlConnection` of `@pc/transport` fit; tests bring their own. */
import type { PeerId } from '@pc/identity'
import type { Address, SendPriority } from '@pc/transport'
import type { Message, Value } from '@pc/wire'

/** One ordered connection with one proved peer, usable both ways. */
export interface MessagingConnection {
  readonly peer: PeerId
  readonly remoteAddress: Address
  /** An id that no other frame of ours on this connection has had. */
  nextId(): number
  /**
   * Hands a frame over; those of one priority arrive in the order of the calls. Encoded before it returns; resolves when the connection takes more;
   * rejects when the frame was not handed over, with code TOO_LARGE if it does not fit into one.
   */
  send(header: string, id: number, body: Value, priority?: SendPriority): Promise<void>
  ping(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<number>
  /** Never rejects. */
  readonly closed: Promise<unknown>
}

type FrameListener = (connection: MessagingConnection, message: Message) => void

/** One control connection per pair, found or made when it is needed. */
export interface MessagingConnector {
  /** Rejects with code SELF_DIALLED for our own id, with whatever else if the peer cannot be reached. */
  control(peer: PeerId, options?: { signal?: AbortSignal }): Promise<MessagingConnection>
  /** The connection in use; none while there is none, or while only one that is being given up is left. */
  current(peer: PeerId): MessagingConnection | undefined
  readonly events: {
    on(event: 'frame', listener: FrameListener): unknown
    off(event: 'frame', listener: FrameListener): unknown
  }
}
