/** What comes into the state and what goes out of it. Times and effects are in ms; ids are of peers that the transport has proved. */
import type { PeerId, SignedPeerRecord } from '@pc/identity'

/**
 * Why a peer is not online. `silent`: nothing was heard over its connection for too long; `lost`: that ended otherwise; `suspected`: others get no
 * answer from it; `left`: it said goodbye; `unreachable`: the check of our own failed.
 */
export type Reason = 'silent' | 'lost' | 'left' | 'unreachable' | 'suspected'

export type MembershipEvent =
  /** It was proved to live: for the first time, or again before it was offline. */
  | { type: 'up'; peer: PeerId; record: SignedPeerRecord }
  /** That is in doubt: its connection was lost, or it is suspected; `up` or `offline` follows. */
  | { type: 'checking'; peer: PeerId; record: SignedPeerRecord; reason: Reason; detail: string }
  | { type: 'offline'; peer: PeerId; record: SignedPeerRecord; reason: Reason; detail: string }
  /** It was proved to live after it was offline. */
  | { type: 'back'; peer: PeerId; record: SignedPeerRecord }
  /** An offline peer left the table: after its time, or to make room. */
  | { type: 'forgotten'; peer: PeerId; record: SignedPeerRecord }

export type Input =
  /** A control connection stands. `link` names it; numbers are not used again. */
  | { type: 'connected'; peer: PeerId; link: number; record: SignedPeerRecord }
  /** `detail` is for people: why it ended. `idle`: to make room, which says nothing against the peer. */
  | { type: 'disconnected'; peer: PeerId; link: number; lastHeardAt: number; reason: Reason | 'idle'; detail: string }
  /** A session by datagram stands with that peer, and its record is known. */
  | { type: 'met'; peer: PeerId; record: SignedPeerRecord }
  /** Anything came from it, at that time. */
  | { type: 'heard'; peer: PeerId; at: number; by: 'datagram' | 'stream' }
  /** A packet of this protocol came. */
  | { type: 'packet'; from: PeerId; bytes: Uint8Array; by: 'datagram' | 'stream' }
  /** The check with that number got no connection. One that succeeds is an input `connected`, or `heard` where a connection stands already. */
  | { type: 'check-failed'; peer: PeerId; check: number; detail: string }
  /** The check could not be made, for want of something on this side: it says nothing about the peer, and is made again. */
  | { type: 'check-undecided'; peer: PeerId; check: number }
  /** The connection answered, which took that long. */
  | { type: 'round-trip'; peer: PeerId; link: number; ms: number }
  /** Somebody wants to know how long a datagram takes there and back: an effect `pinged` says which `answered` to wait for. */
  | { type: 'ping'; peer: PeerId }
  /** This peer goes. From then on it says nothing, and hears nothing. */
  | { type: 'leave' }
  /** The wall clock went on by so many ms while `now` stood still: the machine slept. */
  | { type: 'slept'; ms: number }
  /** The time of the latest effect `wake` has come. */
  | { type: 'wake' }

export type Effect =
  | { type: 'emit'; event: MembershipEvent }
  /** Best effort; over the control connection with `stream`. */
  | { type: 'send'; to: PeerId; bytes: Uint8Array; stream: boolean }
  /** Dial, also where a control connection stands, which may be dead; report `check-failed` after `timeoutMs` at the latest. */
  | { type: 'check'; peer: PeerId; check: number; timeoutMs: number }
  /** Ping over that connection and report the `round-trip`; no answer is no input. */
  | { type: 'measure'; peer: PeerId; link: number }
  | { type: 'pinged'; sequence: number }
  | { type: 'answered'; sequence: number; ms: number }
  /** Send the input `wake` after that many ms, instead of any asked for before. */
  | { type: 'wake'; after: number }
  /** The table is full of peers that are not offline: this one is proved, but not kept. */
  | { type: 'refused'; peer: PeerId }
