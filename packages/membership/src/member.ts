/** One peer of the table: what users see, and what the rules need beside it. */
import type { Waiting } from '@pc/dispatch'
import type { PeerId, SignedPeerRecord } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import type { Check } from './check.js'
import type { Reason } from './events.js'
import type { PeerState } from './peer-state.js'
import type { Suspicion } from './suspicion.js'

/** What the table says about a peer. Times are those given to `handle`. */
export interface PeerStatus {
  readonly peer: PeerId
  readonly record: SignedPeerRecord
  readonly state: PeerState
  /** When the state began. */
  readonly since: number
  /** When anything last came from it. */
  readonly lastSeenAt: number
  /** Smoothed round trip in ms, once measured. */
  readonly roundTripMs: number | undefined
  /** The control connection, while one stands. */
  readonly link: number | undefined
  /** Its connection answers and its datagrams do not come. */
  readonly udpBlocked: boolean
  /** Set while not online. */
  readonly reason: Reason | undefined
  readonly detail: string | undefined
}

/** Times but `since` and `lastSeenAt` are those of the rules, which leave out what this machine slept through. */
export interface Entry extends Waiting {
  readonly peer: PeerId
  /** `keyOfBytes` of its id. */
  readonly key: string
  record: SignedPeerRecord
  state: PeerState
  since: number
  lastSeenAt: number
  roundTripMs: number | undefined
  link: number | undefined
  udpBlocked: boolean
  reason: Reason | undefined
  detail: string | undefined
  /** Its latest word. */
  incarnation: number
  /** It said goodbye in that incarnation. */
  left: boolean
  /** The latest incarnation in which it did; -1 for none. */
  leftIn: number
  /** The latest incarnation in which it said by a statement that it lives; -1 for none. */
  aliveIn: number
  /** It had a control connection once: then it is dialled when it is offline. */
  wasLinked: boolean
  provedAt: number
  /** The same of datagrams alone. */
  datagramAt: number
  /** When it was probed last. */
  probedAt: number
  /** In a row: datagrams that were not answered while the connection was. */
  udpFailures: number
  becameAt: number
  measureAt: number
  recheckAt: number
  rechecks: number
  checkedAt: number
  check: Check | undefined
  suspicion: Suspicion | undefined
  /** When its allowances are full again (see `allowance.ts`): signatures to check, accusations, requests to ping others. */
  statementsAt: number
  accusesAt: number
  asksAt: number
  /** The greatest incarnation in which it accused this peer, which refuted that; and when that last counted against this peer's own health. */
  answeredIn: number
  blamedAt: number
  /** It is in the table no more. */
  gone: boolean
}

export function newEntry(peer: PeerId, record: SignedPeerRecord, now: number, at: number): Entry {
  return {
    peer,
    key: keyOfBytes(peer.bytes),
    record,
    state: 'online',
    since: now,
    lastSeenAt: now,
    roundTripMs: undefined,
    link: undefined,
    udpBlocked: false,
    reason: undefined,
    detail: undefined,
    incarnation: 0,
    left: false,
    leftIn: -1,
    aliveIn: -1,
    wasLinked: false,
    provedAt: at,
    datagramAt: Number.NEGATIVE_INFINITY,
    probedAt: Number.NEGATIVE_INFINITY,
    udpFailures: 0,
    becameAt: at,
    measureAt: Number.POSITIVE_INFINITY,
    recheckAt: Number.POSITIVE_INFINITY,
    rechecks: 0,
    checkedAt: Number.NEGATIVE_INFINITY,
    check: undefined,
    suspicion: undefined,
    statementsAt: 0,
    accusesAt: 0,
    asksAt: 0,
    answeredIn: -1,
    blamedAt: Number.NEGATIVE_INFINITY,
    gone: false,
    dueAt: Number.POSITIVE_INFINITY,
  }
}

/** RFC 6298 §2: the weight of a new measurement. */
const ROUND_TRIP_GAIN = 1 / 8

export function noteRoundTrip(entry: Entry, ms: number): void {
  const before = entry.roundTripMs
  entry.roundTripMs = before === undefined ? ms : before + (ms - before) * ROUND_TRIP_GAIN
}
