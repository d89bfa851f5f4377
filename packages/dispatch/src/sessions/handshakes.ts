/**
 * How sessions begin, are renewed and end: first messages, answers, cookies, resets and time in; packets, sessions and failures out.
 * No sockets, no clock. The driver looks at `wakeAt` after each call and calls `timer` then.
 *
 * A pair has at most three sessions, as in WireGuard (Donenfeld, NDSS 2017, §6.2–6.4): the `current` one, with which it seals; the
 * `previous` one, which still opens what is on the way; and `next`, which the other side began and has not used yet. Different from
 * there: cookies go out in clear (whoever can read them can also answer from that address), there is no time stamp in the first
 * message (a repeated one makes a `next` that nobody uses), and a session that is unknown at the other side draws a RESET, which is
 * believed only so far as to begin a handshake beside the living session.
 */
import {
  type KeyExchange,
  MAX_EARLY_BYTES,
  type Network,
  packSessionPacket,
  type SessionPacket,
  SessionPacketType,
} from '@pc/identity'
import { type Address, type DatagramSocket, FIRST_TIMEOUT_MS, type Random, sameAddress } from '@pc/transport'
import { keyOfBytes } from '@pc/wire'
import { Deadlines } from '../deadlines.js'
import { Cookies, NO_COOKIE } from './cookies.js'
import type { HandshakeGuard } from './handshake-limits.js'
import type { Handshake, LiveSession, Pair } from './live-session.js'
import { repetitionAfter } from './round-trip.js'
import { fitsEarly, type PlainMessage, packEarly, readEarly } from './sealed-message.js'
import { SessionTable } from './session-table.js'

export type HandshakeEffect =
  | { type: 'send'; bytes: Uint8Array; to: Address; via: DatagramSocket }
  /** The same, to somebody who is told to come again. */
  | { type: 'cookie'; bytes: Uint8Array; to: Address; via: DatagramSocket }
  /** `pair.current` is new: what waits can be sealed. `began`: by this side, and the other one waits for a sign. */
  | { type: 'established'; pair: Pair; began: Handshake | undefined }
  /** Came with a first message: it may be a repetition of an old one. */
  | { type: 'early'; live: LiveSession; message: PlainMessage }
  | { type: 'failed'; pair: Pair }

/** Why a packet was not followed. */
export type HandshakeRefusal = 'handshakeLimit' | 'exchange' | 'unexpected'

export interface HandshakesOptions {
  readonly network: Network
  readonly exchange: KeyExchange
  readonly random: Random
  readonly guard: HandshakeGuard
  /** Sessions kept. @default 8192 */
  readonly sessions?: number
}

/** Where a packet came from, and by which socket. */
export interface Origin {
  readonly from: Address
  readonly via: DatagramSocket
  /** So much comes from that address that somebody else may be using it: only a cookie tells. */
  readonly crowded?: boolean
}

/** An unanswered first message is repeated until then. */
const GIVE_UP_MS = 3_000
/** Own handshakes at the same time. */
const MAX_HANDSHAKES = 1_024
/** Cookies that one handshake follows: an outsider of an open network can make some. */
const MAX_COOKIES = 8
/** The other side has the answer, or has not; then it begins anew. */
const UNCONFIRMED_MS = 3_000
/** A session is not used longer than this. */
export const SESSION_LIFE_MS = 3_600_000
/** When whoever began it renews it, and when the other side does if that has not happened. */
const RENEW_MS: readonly [initiator: number, responder: number] = [3_240_000, 3_420_000]
/** One that was not used for so long is not renewed. */
const IDLE_MS = 600_000
/** Datagrams sealed, of 2^32. */
const RENEW_AFTER_SEALED = 0.9 * 2 ** 32
/** Between two handshakes beside the living session of one pair. */
const DOUBT_MS = 1_000

export class Handshakes {
  readonly table: SessionTable
  readonly #network: Network
  readonly #exchange: KeyExchange
  readonly #guard: HandshakeGuard
  readonly #cookies: Cookies
  readonly #deadlines = new Deadlines<LiveSession | Handshake>()

  constructor({ network, exchange, random, guard, sessions }: HandshakesOptions) {
    this.#network = network
    this.#exchange = exchange
    this.#guard = guard
    this.#cookies = new Cookies(random)
    this.table = new SessionTable(random, sessions)
  }

  get wakeAt(): number {
    return this.#deadlines.nextAt
  }

  /** A cookie for whoever gets what is sent to `address`. */
  cookieFor(address: Address, now: number): Uint8Array {
    return this.#cookies.of(address, now)
  }

  cookieFits(cookie: Uint8Array, address: Address, now: number): boolean {
    return this.#cookies.fits(cookie, address, now)
  }

  /** The session to seal with; a `next` one is good for answers only. */
  usable(pair: Pair, now: number): LiveSession | undefined {
    const live = pair.current
    if (live === undefined || isExhausted(live)) return undefined
    return now - live.createdAt < SESSION_LIFE_MS ? live : undefined
  }

  /**
   * Begins a handshake unless one is under way. `early` rides in its first message if it fits. `undefined`: too many are under way,
   * or there can be no session with that peer.
   */
  begin(pair: Pair, early: PlainMessage | undefined, now: number): HandshakeEffect[] | undefined {
    if (pair.handshake !== undefined) return []
    if (this.table.handshakes >= MAX_HANDSHAKES) return undefined
    const carried = early !== undefined && fitsEarly(early, MAX_EARLY_BYTES) ? early : undefined
    const index = this.table.freshIndex()
    const exchange = this.#exchange.initiate(pair.id, packEarly(carried, MAX_EARLY_BYTES), index)
    if (exchange === undefined) return undefined
    const packet = this.#pack({
      type: 1,
      senderIndex: index,
      cookie: pair.cookie ?? NO_COOKIE,
      message: exchange.message,
    })
    const handshake: Handshake = {
      index,
      pair,
      exchange,
      startedAt: now,
      early: carried,
      packet,
      held: [],
      repetitions: 0,
      cookiesTaken: 0,
      dueAt: Number.POSITIVE_INFINITY,
    }
    this.table.addHandshake(handshake)
    this.#schedule(handshake)
    return [send(packet, pair)]
  }

  /** The session may be dead: begins a handshake beside it, at most one a second. */
  doubt(pair: Pair, early: PlainMessage | undefined, now: number): HandshakeEffect[] {
    if (now - pair.doubtedAt < DOUBT_MS) return []
    pair.doubtedAt = now
    return this.begin(pair, early, now) ?? []
  }

  /** A packet whose MAC is right, other than those about records. */
  receive(packet: SessionPacket, bytes: number, origin: Origin, now: number): HandshakeEffect[] | HandshakeRefusal {
    switch (packet.type) {
      case SessionPacketType.INITIATION:
        return this.#onInitiation(packet, bytes, origin, now)
      case SessionPacketType.RESPONSE:
        return this.#onResponse(packet, origin, now)
      case SessionPacketType.COOKIE:
        return this.#onCookie(packet, origin)
      default:
        return 'unexpected'
    }
  }

  /** The pair whose session the other side, if it is the one, does not know any more. */
  forgottenBy(index: number, from: Address): Pair | undefined {
    for (const pair of this.table.pairsAt(from)) {
      if (pair.current?.session.remoteIndex === index) return pair
    }
    return undefined
  }

  /** A datagram of that session was opened: who uses a session has its keys. */
  opened(live: LiveSession, via: DatagramSocket, bytes: number, now: number): HandshakeEffect[] {
    live.usedAt = now
    live.bytesIn += bytes
    const { pair } = live
    pair.heardAt = now
    pair.via = via
    if (live.confirmed) return NO_EFFECTS
    live.confirmed = true
    live.addressProved = true
    live.response = undefined
    this.#install(live)
    return [{ type: 'established', pair, began: undefined }]
  }

  timer(now: number): HandshakeEffect[] {
    const effects: HandshakeEffect[] = []
    for (let due = this.#deadlines.take(now); due !== undefined; due = this.#deadlines.take(now)) {
      if ('exchange' in due) effects.push(...this.#onHandshakeDue(due, now))
      else effects.push(...this.#onSessionDue(due, now))
    }
    return effects
  }

  /** Nobody waits for it any more. */
  abandon(pair: Pair): void {
    const { handshake } = pair
    if (handshake === undefined) return
    this.#deadlines.clear(handshake)
    this.table.dropHandshake(handshake)
  }

  #onInitiation(
    packet: SessionPacket & { type: 1 },
    bytes: number,
    { from, via, crowded = false }: Origin,
    now: number,
  ): HandshakeEffect[] | HandshakeRefusal {
    const initiation = initiationKey(packet.message, from)
    const known = this.table.begunBy(initiation)
    if (known !== undefined) return this.#answerAgain(known, bytes)
    const proved = this.#cookies.fits(packet.cookie, from, now)
    // Of two at one address that are not used yet, one may be an echo, which must not take the place of the other.
    if (!proved && (this.#guard.mustHaveCookie(now) || crowded || this.table.awaitsUse(from))) {
      if (!this.#guard.cookies.allow(now)) return 'handshakeLimit'
      const cookie = this.#cookies.of(from, now)
      return [
        { type: 'cookie', bytes: this.#pack({ type: 3, receiverIndex: packet.senderIndex, cookie }), to: from, via },
      ]
    }
    if (!this.#guard.mayAnswer(from.host, proved, now)) return 'handshakeLimit'
    const index = this.table.freshIndex()
    const received = this.#exchange.respond(packet.message, packet.senderIndex)
    const accepted = received?.accept(index)
    if (received === undefined || accepted === undefined) return 'exchange'
    const pair = this.table.take(received.remoteId, from, via)
    const response = this.#pack({ type: 2, receiverIndex: packet.senderIndex, message: accepted.message })
    const live: LiveSession = {
      index,
      pair,
      session: accepted.session,
      initiator: false,
      createdAt: now,
      usedAt: now,
      confirmed: false,
      addressProved: proved,
      bytesIn: bytes,
      bytesOut: response.length,
      initiation,
      response,
      renewing: false,
      attackedAt: Number.NEGATIVE_INFINITY,
      dueAt: Number.POSITIVE_INFINITY,
    }
    this.#forget(this.table.addNext(live))
    this.#deadlines.set(live, now + UNCONFIRMED_MS)
    const effects: HandshakeEffect[] = [{ type: 'send', bytes: response, to: pair.address, via }]
    const message = readEarly(received.early)
    if (message !== undefined) effects.push({ type: 'early', live, message })
    return effects
  }

  /** The answer was lost, or is on the way; once the session is in use it has arrived. */
  #answerAgain(live: LiveSession, bytes: number): HandshakeEffect[] | HandshakeRefusal {
    const { response, pair } = live
    if (response === undefined) return 'unexpected'
    live.bytesIn += bytes
    live.bytesOut += response.length
    return [send(response, pair)]
  }

  #onResponse(
    packet: SessionPacket & { type: 2 },
    { from, via }: Origin,
    now: number,
  ): HandshakeEffect[] | HandshakeRefusal {
    const handshake = this.table.handshake(packet.receiverIndex)
    if (handshake === undefined || !sameAddress(handshake.pair.address, from)) return 'unexpected'
    if (!this.#guard.responses.allow(now)) return 'handshakeLimit'
    const session = handshake.exchange.finish(packet.message)
    if (session === undefined) return 'exchange'
    const { pair } = handshake
    this.#deadlines.clear(handshake)
    const live: LiveSession = {
      index: handshake.index,
      pair,
      session,
      initiator: true,
      createdAt: now,
      usedAt: now,
      confirmed: true,
      addressProved: true,
      bytesIn: 0,
      bytesOut: 0,
      initiation: '',
      response: undefined,
      renewing: false,
      attackedAt: Number.NEGATIVE_INFINITY,
      dueAt: Number.POSITIVE_INFINITY,
    }
    pair.heardAt = now
    pair.via = via
    if (handshake.repetitions === 0) pair.roundTrip.measured(now - handshake.startedAt)
    this.#install(live)
    this.table.dropHandshake(handshake)
    return [{ type: 'established', pair, began: handshake }]
  }

  #onCookie(packet: SessionPacket & { type: 3 }, { from }: Origin): HandshakeEffect[] | HandshakeRefusal {
    const handshake = this.table.handshake(packet.receiverIndex)
    if (handshake === undefined || !sameAddress(handshake.pair.address, from)) return 'unexpected'
    if (handshake.cookiesTaken >= MAX_COOKIES) return 'handshakeLimit'
    handshake.cookiesTaken += 1
    const { pair } = handshake
    pair.cookie = Uint8Array.from(packet.cookie)
    const { message } = handshake.exchange
    handshake.packet = this.#pack({ type: 1, senderIndex: handshake.index, cookie: pair.cookie, message })
    return [send(handshake.packet, pair)]
  }

  #onHandshakeDue(handshake: Handshake, now: number): HandshakeEffect[] {
    const { pair } = handshake
    if (now - handshake.startedAt >= GIVE_UP_MS) {
      this.table.dropHandshake(handshake)
      return [{ type: 'failed', pair }]
    }
    handshake.repetitions += 1
    this.#schedule(handshake)
    return [send(handshake.packet, pair)]
  }

  #onSessionDue(live: LiveSession, now: number): HandshakeEffect[] {
    if (!live.confirmed || now - live.createdAt >= SESSION_LIFE_MS) {
      this.table.drop(live)
      return NO_EFFECTS
    }
    this.#deadlines.set(live, live.createdAt + SESSION_LIFE_MS)
    const { pair } = live
    const needed = pair.current === live && now - live.usedAt < IDLE_MS
    return needed ? (this.begin(pair, undefined, now) ?? NO_EFFECTS) : NO_EFFECTS
  }

  /** A session that seals so much must be renewed before its time. */
  wornOut(live: LiveSession, now: number): HandshakeEffect[] {
    if (live.renewing || live.session.sealed < RENEW_AFTER_SEALED) return NO_EFFECTS
    live.renewing = true
    return this.begin(live.pair, undefined, now) ?? NO_EFFECTS
  }

  #install(live: LiveSession): void {
    this.#forget(this.table.addCurrent(live))
    const [initiator, responder] = RENEW_MS
    this.#deadlines.set(live, live.createdAt + (live.initiator ? initiator : responder))
  }

  #forget(dropped: readonly LiveSession[]): void {
    for (const live of dropped) this.#deadlines.clear(live)
  }

  #schedule(handshake: Handshake): void {
    const { startedAt, repetitions } = handshake
    const after = repetitionAfter(repetitions + 1, FIRST_TIMEOUT_MS)
    this.#deadlines.set(handshake, startedAt + Math.min(after, GIVE_UP_MS))
  }

  #pack(packet: SessionPacket): Uint8Array {
    return packSessionPacket(this.#network, packet)
  }
}

const NO_EFFECTS: HandshakeEffect[] = []
/** Datagrams of one session; then its nonces are used up. */
const MAX_SEALED = 2 ** 32
const EPHEMERAL_BYTES = 32

function send(bytes: Uint8Array, { address, via }: Pair): HandshakeEffect {
  return { type: 'send', bytes, to: address, via }
}

/** Nothing can be sealed in it any more. */
export function isExhausted({ session }: LiveSession): boolean {
  return session.sealed >= MAX_SEALED
}

function initiationKey(message: Uint8Array, { host, port }: Address): string {
  return `${host} ${port} ${keyOfBytes(message.subarray(0, EPHEMERAL_BYTES))}`
}
