import type { PeerId } from '@pc/identity'
import type { BodyReference } from './rumor.js'

/** News, as it is handed to the application: once. Byte strings are shared: do not write into them. */
export interface GossipMessage {
  /** 16 bytes. */
  readonly id: Uint8Array
  readonly topic: string
  readonly origin: PeerId
  readonly body: Uint8Array
  /** Unix ms by the origin's clock: for display. */
  readonly createdAt: number
  /** How long it took to come here, ms. */
  readonly ageMs: number
  /** Links that it crossed. */
  readonly hops: number
}

/** A question of another peer. */
export type GossipQuery = GossipMessage

/** What is told to `GossipState`. */
export type Input =
  /** A peer is live and proved; or its round trip is known anew. */
  | { readonly type: 'peer-up'; readonly peer: PeerId; readonly roundTripMs?: number }
  | { readonly type: 'peer-down'; readonly peer: PeerId }
  /** A datagram came, of a peer that the transport has proved. */
  | { readonly type: 'datagram'; readonly from: PeerId; readonly bytes: Uint8Array }
  | { readonly type: 'publish'; readonly topic: string; readonly body: Uint8Array; readonly options: PublishFields }
  | {
      readonly type: 'search'
      readonly topic: string
      readonly query: Uint8Array
      readonly limit: number
      readonly options: PublishFields
    }
  /** A search of this peer is not wanted any more. */
  | { readonly type: 'cancel'; readonly id: Uint8Array }
  /** This peer's answer to the query of another; nothing is said when it has none. */
  | { readonly type: 'answer'; readonly query: Uint8Array; readonly answer: Uint8Array }
  /** Somebody else began an exchange, or goes on with it: one effect `reply` follows. */
  | { readonly type: 'exchange-asked'; readonly from: PeerId; readonly bytes: Uint8Array }
  /** The answer to the latest effect `exchange` with that peer. */
  | { readonly type: 'exchange-answered'; readonly from: PeerId; readonly bytes: Uint8Array }
  | { readonly type: 'exchange-failed'; readonly from: PeerId }
  | { readonly type: 'fetched'; readonly key: string; readonly from: PeerId; readonly body: Uint8Array }
  | { readonly type: 'fetch-failed'; readonly key: string; readonly from: PeerId }
  /** The time of the latest effect `wake` has come. */
  | { readonly type: 'wake' }

export interface PublishFields {
  readonly ttlMs: number
  /** Unix ms, for display. */
  readonly createdAt: number
}

/** What `GossipState` wants done, in this order. */
export type Effect =
  /** Best effort, at most 1,100 bytes. */
  | { readonly type: 'send'; readonly to: PeerId; readonly bytes: Uint8Array }
  /** Reliable; the answer, or that there is none, comes back as an input. */
  | { readonly type: 'exchange'; readonly to: PeerId; readonly bytes: Uint8Array }
  /** The answer to the input `exchange-asked`. */
  | { readonly type: 'reply'; readonly bytes: Uint8Array }
  /** Get a large body from a peer; `fetched` or `fetch-failed` follows. */
  | { readonly type: 'fetch'; readonly key: string; readonly from: PeerId; readonly reference: BodyReference }
  | { readonly type: 'deliver'; readonly message: GossipMessage }
  /** Somebody asks; an input `answer` may follow. */
  | { readonly type: 'query'; readonly query: GossipQuery }
  /** Somebody asks no more, or its time is over: work on it can end. */
  | { readonly type: 'query-cancelled'; readonly id: Uint8Array }
  /** An answer to a search of this peer. */
  | { readonly type: 'hit'; readonly id: Uint8Array; readonly from: PeerId; readonly answer: Uint8Array }
  /** A search of this peer is over: its time, or as many answers as were wanted. */
  | { readonly type: 'search-over'; readonly id: Uint8Array }
  /** What was to be published, or searched, is on its way. */
  | { readonly type: 'published'; readonly id: Uint8Array }
  /** It was not published. */
  | { readonly type: 'refused'; readonly reason: 'RATE_LIMITED' | 'BUSY' }
  /** Send the input `wake` after that many ms, instead of any asked for before. */
  | { readonly type: 'wake'; readonly after: number }

/** Since the state was made; for people and for tests. */
export interface GossipCounters {
  delivered: number
  duplicates: number
  /** Rumors pushed on by this peer, its own included. */
  pushed: number
  /** Rumors given to who asked for them. */
  given: number
  expired: number
  replayed: number
  /** Dropped because their origin, or who sent them, sends too many. */
  limited: number
  invalid: number
  /** Of kinds that this version does not know: passed on, and handed to nobody. */
  unknown: number
  /** Of peers whose score is too low. */
  ignored: number
}
