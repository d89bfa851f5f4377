/**
 * Who is up: the rules, without sockets and timers. Inputs come in with the time, effects go out; `Membership` performs
 * them, and so may you. There is at most one timer per peer: a new `wake` replaces the one before.
 *
 * What counts as life is a control connection. Transport pings over it and closes it after too long a silence; that it
 * ended, for whatever reason but a goodbye, says something about the connection and nothing yet about the peer, so a
 * check of our own decides. A check that ends later than it can have run means that this machine slept: it proves
 * nothing and is repeated (Lifeguard, arXiv 1707.00788: suspect yourself first).
 */
import type { PeerId, SignedPeerRecord } from '@pc/identity'
import { type MembershipLimits, resolveLimits } from './options.js'
import { type PeerState, requireLegal } from './peer-state.js'

/**
 * Why a peer is not online. `silent`: nothing was heard for too long; `lost`: its connection ended otherwise;
 * `left`: it said goodbye; `unreachable`: the check that followed failed.
 */
export type Reason = 'silent' | 'lost' | 'left' | 'unreachable'

export type MembershipEvent =
  /** A control connection stands: for the first time, or again before a check had failed. */
  | { type: 'up'; peer: PeerId; record: SignedPeerRecord }
  /** The connection was lost; `up` or `offline` follows. */
  | { type: 'checking'; peer: PeerId; record: SignedPeerRecord; reason: Reason; detail: string }
  | { type: 'offline'; peer: PeerId; record: SignedPeerRecord; reason: Reason; detail: string }
  /** A control connection stands again after the peer was offline. */
  | { type: 'back'; peer: PeerId; record: SignedPeerRecord }
  /** An offline peer left the table: after its time, or to make room. */
  | { type: 'forgotten'; peer: PeerId; record: SignedPeerRecord }

export type Input =
  /** `link` names the connection; numbers are not used again. */
  | { type: 'connected'; peer: PeerId; link: number; record: SignedPeerRecord }
  /** `detail` is for people: why it ended. */
  | { type: 'disconnected'; peer: PeerId; link: number; lastHeardAt: number; reason: Reason; detail: string }
  /** The check with that number got no connection. One that succeeds is an input `connected`. */
  | { type: 'check-failed'; peer: PeerId; check: number; detail: string }
  /** The check could not be made, for want of something on this side: it says nothing about the peer, and is made again. */
  | { type: 'check-undecided'; peer: PeerId; check: number }
  | { type: 'round-trip'; peer: PeerId; link: number; ms: number }
  /** The time of the latest effect `wake` for this peer has come. */
  | { type: 'wake'; peer: PeerId }

export type Effect =
  | { type: 'emit'; event: MembershipEvent }
  /** Try to get a control connection; report `check-failed` after `timeoutMs` at the latest. */
  | { type: 'check'; peer: PeerId; check: number; timeoutMs: number }
  /** Ping over that connection and report the `round-trip`; no answer is no input. */
  | { type: 'measure'; peer: PeerId; link: number }
  /** Send the input `wake` after that many ms, instead of any asked for before. */
  | { type: 'wake'; peer: PeerId; after: number }
  /** No `wake` is wanted any more. */
  | { type: 'sleep'; peer: PeerId }
  /** The table is full of peers that are not offline: this one is connected, but not kept. */
  | { type: 'refused'; peer: PeerId }

/** What the table says about a peer. Times are those given to `handle`. */
export interface PeerStatus {
  readonly peer: PeerId
  readonly record: SignedPeerRecord
  readonly state: PeerState
  /** When the state began. */
  readonly since: number
  /** When it was last heard of, as known here: for an online peer its connection knows better. */
  readonly lastSeenAt: number
  /** Smoothed round trip in ms, once measured. */
  readonly roundTripMs: number | undefined
  /** The control connection, while one stands. */
  readonly link: number | undefined
  /** Set while not online. */
  readonly reason: Reason | undefined
  readonly detail: string | undefined
}

type Entry = { -readonly [Field in keyof PeerStatus]: PeerStatus[Field] } & {
  /** The check that is under way. */
  check: number | undefined
  tries: number
  /** When the current check must be over. */
  deadline: number
  rechecks: number
}

/** Tries per check: a second one for the peer whose program is just being started again. */
const MAX_TRIES = 2
/** A check that ends this much after its deadline was not running: the machine slept, or the process was stopped. */
const LATE_MS = 1_000
/** Until a check is made again that could not be made: what was busy here has had time to settle. */
const UNDECIDED_PAUSE_MS = 1_000
/** RFC 6298 §2: the weight of a new measurement. */
const ROUND_TRIP_GAIN = 1 / 8
/** Re-checks vary by this part in both directions, so that a restarted network is not dialled by all at once. */
const RECHECK_JITTER = 0.2

export class MembershipState {
  readonly #limits: Required<MembershipLimits>
  readonly #random: () => number
  readonly #entries = new Map<string, Entry>()
  /** Keys of the offline entries, the one offline longest first. */
  readonly #offline = new Set<string>()
  #checks = 0

  /** `random` gives numbers in [0, 1). @throws MembershipError BAD_OPTION */
  constructor(options: { random: () => number } & MembershipLimits) {
    this.#limits = resolveLimits(options)
    this.#random = options.random
  }

  get size(): number {
    return this.#entries.size
  }

  get(peer: PeerId): PeerStatus | undefined {
    return this.#entries.get(peer.toString())
  }

  /** All peers in the table, in the order in which they were first met. */
  all(): Iterable<PeerStatus> {
    return this.#entries.values()
  }

  /** `now` is monotonic, in ms. Perform the effects in their order. */
  handle(input: Input, now: number): Effect[] {
    const effects: Effect[] = []
    if (input.type === 'connected') {
      this.#onConnected(input, now, effects)
      return effects
    }
    const entry = this.#entries.get(input.peer.toString())
    if (entry === undefined) return effects
    switch (input.type) {
      case 'disconnected':
        this.#onDisconnected(entry, input, now, effects)
        break
      case 'check-failed':
        this.#onCheckFailed(entry, input.check, input.detail, now, effects)
        break
      case 'check-undecided':
        this.#onCheckUndecided(entry, input.check, now, effects)
        break
      case 'round-trip':
        if (entry.link === input.link) entry.roundTripMs = smooth(entry.roundTripMs, input.ms)
        break
      case 'wake':
        this.#onWake(entry, now, effects)
        break
      default:
        input satisfies never
    }
    return effects
  }

  #onConnected(input: Input & { type: 'connected' }, now: number, effects: Effect[]): void {
    const known = this.#entries.get(input.peer.toString())
    if (known?.link === input.link) return
    if (known === undefined && !this.#makeRoom(effects)) {
      effects.push({ type: 'refused', peer: input.peer })
      return
    }
    const entry = known ?? newEntry(input.peer, input.record, now)
    const before = known?.state ?? 'unknown'
    this.#entries.set(input.peer.toString(), entry)
    entry.link = input.link
    entry.lastSeenAt = now
    entry.check = undefined
    if (input.record.sequence >= entry.record.sequence) entry.record = input.record
    if (before !== 'online') {
      this.#become(entry, before, 'online', now)
      entry.reason = undefined
      entry.detail = undefined
      effects.push(emit({ type: before === 'offline' ? 'back' : 'up', peer: entry.peer, record: entry.record }))
    }
    this.#measure(entry, input.link, effects)
  }

  #onDisconnected(entry: Entry, input: Input & { type: 'disconnected' }, now: number, effects: Effect[]): void {
    // A connection that was replaced says nothing about the one that stands.
    if (entry.link !== input.link) return
    entry.link = undefined
    entry.lastSeenAt = Math.max(entry.lastSeenAt, input.lastHeardAt)
    if (input.reason === 'left') {
      this.#goOffline(entry, 'left', input.detail, now, effects)
      return
    }
    this.#become(entry, 'online', 'checking', now)
    const { reason, detail } = input
    entry.reason = reason
    entry.detail = detail
    effects.push(emit({ type: 'checking', peer: entry.peer, record: entry.record, reason, detail }))
    this.#beginCheck(entry, effects)
  }

  #onCheckFailed(entry: Entry, check: number, detail: string, now: number, effects: Effect[]): void {
    if (entry.check !== check) return
    entry.check = undefined
    if (entry.state === 'offline') {
      this.#scheduleRecheck(entry, now, effects)
      return
    }
    const pause = this.#limits.retryPauseMs * (1 + this.#random() / 2)
    if (now > entry.deadline + LATE_MS) this.#beginCheck(entry, effects)
    else if (entry.tries < MAX_TRIES && now + pause < entry.deadline) {
      effects.push({ type: 'wake', peer: entry.peer, after: pause })
    } else this.#goOffline(entry, 'unreachable', detail, now, effects)
  }

  #onCheckUndecided(entry: Entry, check: number, now: number, effects: Effect[]): void {
    if (entry.check !== check) return
    entry.check = undefined
    if (entry.state === 'offline') {
      this.#scheduleRecheck(entry, now, effects)
      return
    }
    entry.tries = 0
    effects.push({ type: 'wake', peer: entry.peer, after: UNDECIDED_PAUSE_MS })
  }

  #onWake(entry: Entry, now: number, effects: Effect[]): void {
    if (entry.link !== undefined) {
      this.#measure(entry, entry.link, effects)
    } else if (entry.check !== undefined) {
      return
    } else if (entry.state === 'checking') {
      if (entry.tries === 0) entry.deadline = now + this.#limits.checkTimeoutMs
      entry.tries++
      // After a sleep in the pause before the second try there may be no time left: it then gets a moment, and fails late.
      this.#check(entry, Math.max(1, entry.deadline - now), effects)
    } else if (now - entry.since >= this.#limits.forgetAfterMs) {
      this.#forget(entry, effects)
    } else {
      this.#check(entry, this.#limits.checkTimeoutMs, effects)
    }
  }

  #beginCheck(entry: Entry, effects: Effect[]): void {
    entry.tries = 0
    effects.push({ type: 'wake', peer: entry.peer, after: this.#random() * this.#limits.checkDelayMs })
  }

  #check(entry: Entry, timeoutMs: number, effects: Effect[]): void {
    entry.check = ++this.#checks
    effects.push({ type: 'check', peer: entry.peer, check: entry.check, timeoutMs })
  }

  #goOffline(entry: Entry, reason: Reason, detail: string, now: number, effects: Effect[]): void {
    this.#become(entry, entry.state, 'offline', now)
    entry.reason = reason
    entry.detail = detail
    entry.rechecks = 0
    effects.push(emit({ type: 'offline', peer: entry.peer, record: entry.record, reason, detail }))
    this.#scheduleRecheck(entry, now, effects)
  }

  #scheduleRecheck(entry: Entry, now: number, effects: Effect[]): void {
    const { recheckAfterMs, forgetAfterMs } = this.#limits
    const step = recheckAfterMs[Math.min(entry.rechecks++, recheckAfterMs.length - 1)] ?? forgetAfterMs
    const varied = step * (1 + RECHECK_JITTER * (2 * this.#random() - 1))
    const left = Math.max(0, entry.since + forgetAfterMs - now)
    effects.push({ type: 'wake', peer: entry.peer, after: Math.min(varied, left) })
  }

  #measure(entry: Entry, link: number, effects: Effect[]): void {
    effects.push({ type: 'measure', peer: entry.peer, link })
    effects.push({ type: 'wake', peer: entry.peer, after: this.#limits.measureEveryMs })
  }

  #makeRoom(effects: Effect[]): boolean {
    if (this.#entries.size < this.#limits.maxPeers) return true
    const [longest] = this.#offline
    const entry = longest === undefined ? undefined : this.#entries.get(longest)
    if (entry === undefined) return false
    this.#forget(entry, effects)
    return true
  }

  #forget(entry: Entry, effects: Effect[]): void {
    requireLegal(entry.state, 'unknown', entry.link !== undefined)
    this.#entries.delete(entry.peer.toString())
    this.#offline.delete(entry.peer.toString())
    effects.push({ type: 'sleep', peer: entry.peer })
    effects.push(emit({ type: 'forgotten', peer: entry.peer, record: entry.record }))
  }

  #become(entry: Entry, from: PeerState | 'unknown', to: PeerState, now: number): void {
    requireLegal(from, to, entry.link !== undefined)
    entry.state = to
    entry.since = now
    if (to === 'offline') this.#offline.add(entry.peer.toString())
    else this.#offline.delete(entry.peer.toString())
  }
}

function newEntry(peer: PeerId, record: SignedPeerRecord, now: number): Entry {
  return {
    peer,
    record,
    state: 'online',
    since: now,
    lastSeenAt: now,
    roundTripMs: undefined,
    link: undefined,
    reason: undefined,
    detail: undefined,
    check: undefined,
    tries: 0,
    deadline: 0,
    rechecks: 0,
  }
}

function emit(event: MembershipEvent): Effect {
  return { type: 'emit', event }
}

function smooth(before: number | undefined, ms: number): number {
  return before === undefined ? ms : before + (ms - before) * ROUND_TRIP_GAIN
}
