import type { PeerId } from '@pc/identity'
import type { BodyReference } from './rumor.js'

/**
 * How this peer reaches others. What comes from others goes to `Gossip.receive`, `Gossip.answer` and `Gossip.body`, with the id of the peer that the
 * transport has **proved** to send it.
 */
export interface GossipTransport {
  /** Best effort: a datagram of at most 1,100 bytes, which may be lost, come twice, or late. Returns at once. */
  send(to: PeerId, bytes: Uint8Array): void
  /** Reliable: at most 64,000 bytes there, and what `Gossip.answer` gives on the other side back. Rejects when there is no answer. */
  exchange(to: PeerId, bytes: Uint8Array, options: { readonly signal: AbortSignal }): Promise<Uint8Array>
  /** Reliable: what `Gossip.body` gives on the other side. Rejects when it has none, or does not answer. The bytes are checked here. */
  fetch(from: PeerId, reference: BodyReference, options: { readonly signal: AbortSignal }): Promise<Uint8Array>
}

/** A peer of the view, live and proved. */
export interface PeerInView {
  readonly peer: PeerId
  /** Smoothed, ms; absent until measured. */
  readonly roundTripMs?: number
}

/** Who is live, as somebody else finds out. */
export interface PeersView {
  /** Everybody who is live and proved now. */
  live(): Iterable<PeerInView>
  /** Calls back at each change from now on, until what it returns is called. */
  watch(onChange: (change: { readonly type: 'up' | 'down' } & PeerInView) => void): () => void
}
