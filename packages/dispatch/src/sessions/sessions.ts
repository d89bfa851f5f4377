/**
 * All that this side says and hears over datagram sessions: handshakes, own calls, queries for records, and what others say. It owns
 * no socket, no clock and no handler: bytes and `now` come in; bytes, and messages for handlers, go out by the ports.
 */
import {
  type KeyExchange,
  type Network,
  type PeerId,
  packSessionPacket,
  readSessionPacket,
  receiverIndexOf,
  SEAL_NONCE_BYTES,
  SESSION_OVERHEAD,
  SessionPacketType,
  sessionIndexOf,
  sessionPacketTypeOf,
} from '@pc/identity'
import { type Address, type DatagramSocket, type Random, sameAddress } from '@pc/transport'
import { RootCode } from '@pc/wire'
import { decodeOrRefuse } from '../announcements.js'
import { type Rate, RateLimit } from '../rate-limit.js'
import type { RequestsCounters } from '../requests-counters.js'
import { HandshakeGuard, type HandshakeLimits } from './handshake-limits.js'
import { type HandshakeEffect, Handshakes, isExhausted, type Origin } from './handshakes.js'
import type { LiveSession, Pair } from './live-session.js'
import { type Call, OwnRequests, type OwnRequestsLimits } from './own-requests.js'
import { type RecordAnswer, RecordQueries, type RecordQuery } from './record-queries.js'
import { remoteError } from './remote-error.js'
import { MessageKind, type PlainMessage, REQUEST_BODY_OFFSET, readErrorBody } from './sealed-message.js'

/** What a peer said that is no answer. */
export interface Incoming {
  readonly live: LiveSession
  readonly rootCode: number
  /** kind DATAGRAM or REQUEST, id, body */
  readonly message: Uint8Array
  /** It rode in a first message, which anybody may have repeated. */
  readonly early: boolean
  /** Bytes of the whole datagram. */
  readonly bytes: number
}

export type Outcome = keyof RequestsCounters

export interface SessionsPorts {
  /** The time by now, in milliseconds: for what a packet has cost. */
  now(): number
  /** False: the machine takes no more at the moment. */
  post(bytes: Uint8Array, to: Address, via: DatagramSocket): boolean
  /** Whether that address, which has proved nothing, may be listened to. */
  addressAllowed(host: string, now: number): boolean
  deliver(incoming: Incoming, now: number): Outcome
  /** The own signed record, for those who ask; undefined if it is for nobody. */
  record(): Uint8Array | undefined
  /** Both sides of a session have proved themselves. */
  established(pair: Pair): void
  /** A datagram of a session opened: that peer lives. */
  opened?(pair: Pair): void
}

export interface SessionsLimits extends Partial<HandshakeLimits>, Partial<OwnRequestsLimits> {
  /** Sessions kept; the one unused longest goes first. @default 8192 */
  readonly sessions?: number
  /** Datagrams that name a session and are not sealed by its other side. @default 50,000/s, burst 50,000: about 15 % of a core */
  readonly failedOpens?: Rate
}

export interface SessionsOptions {
  readonly network: Network
  readonly exchange: KeyExchange
  readonly random: Random
  readonly limits: SessionsLimits
  readonly counters: RequestsCounters
  readonly ports: SessionsPorts
}

const FAILED_OPENS: Rate = { ratePerSecond: 50_000, burst: 50_000 }
/**
 * First messages and questions for records that are looked at though their address is over its rate: about 10 % of a core. Whoever
 * invents that address must not silence the peer that has it.
 */
const CROWDED: Rate = { ratePerSecond: 20_000, burst: 2_000 }
/** A session counts as attacked for so long after a forged datagram. */
const ATTACKED_MS = 1_000
/** Sealed datagrams kept for one handshake: what a peer sends in the milliseconds by which its answer may be late. */
const MAX_HELD = 4
const [COOKIE_START, COOKIE_END] = [11, 27]
const CONFIRM: PlainMessage = { rootCode: RootCode.SESSION, bytes: Uint8Array.of(MessageKind.CONFIRM) }

export class Sessions {
  readonly handshakes: Handshakes
  readonly calls: OwnRequests
  readonly queries: RecordQueries
  readonly #network: Network
  readonly #random: Random
  readonly #counters: RequestsCounters
  readonly #ports: SessionsPorts
  readonly #guard: HandshakeGuard
  readonly #failedOpens: RateLimit
  readonly #crowded = new RateLimit(CROWDED)
  #now = 0

  constructor({ network, exchange, random, limits, counters, ports }: SessionsOptions) {
    this.#network = network
    this.#random = random
    this.#counters = counters
    this.#ports = ports
    this.#guard = new HandshakeGuard(limits)
    this.#failedOpens = new RateLimit(limits.failedOpens ?? FAILED_OPENS)
    const sessions = limits.sessions === undefined ? {} : { sessions: limits.sessions }
    this.handshakes = new Handshakes({ network, exchange, random, guard: this.#guard, ...sessions })
    this.queries = new RecordQueries(network, random)
    // Outsiders of a network with a secret get no answer, so nobody is told that his session is unknown here.
    const doubtAfter = network.hasSecret ? 1 : 2
    this.calls = new OwnRequests(
      {
        transmit: (live, message) => this.transmit(live, message, this.#now),
        usable: (pair) => this.handshakes.usable(pair, this.#now),
        begin: (pair, early) => this.#performed(this.handshakes.begin(pair, early, this.#now)),
        doubt: (pair, early) => this.#perform(this.handshakes.doubt(pair, early, this.#now)),
        idle: (pair) => this.#idle(pair),
        repeated: () => {
          counters.repetitions += 1
        },
      },
      { ...limits, doubtAfter },
    )
  }

  get wakeAt(): number {
    return Math.min(this.handshakes.wakeAt, this.calls.wakeAt, this.queries.wakeAt)
  }

  timer(now: number): void {
    this.#now = now
    this.#perform(this.handshakes.timer(now))
    this.calls.timer(now)
    for (const { packet, address, via } of this.queries.timer(now)) this.#ports.post(packet, address, via)
  }

  known(id: PeerId, address: Address): Pair | undefined {
    return this.handshakes.table.pair(id, address)
  }

  /** The pair of that peer at that address, made if need be. */
  pair(id: PeerId, address: Address, via: DatagramSocket): Pair {
    return this.handshakes.table.take(id, address, via)
  }

  add(call: Call, now: number): void {
    this.#now = now
    this.calls.add(call, now)
  }

  remove(call: Call, now: number): void {
    this.#now = now
    this.calls.remove(call, now)
  }

  /** Asks for the record of whoever is at `address`. @throws DispatchError TOO_MANY_PENDING */
  query(
    address: Address,
    via: DatagramSocket,
    options: { now: number; timeoutMs: number; settle: (error: unknown, answer?: RecordAnswer) => void },
  ): RecordQuery {
    const query = this.queries.begin(address, via, options)
    this.#ports.post(query.packet, address, via)
    return query
  }

  /** Ends all that is waited for. */
  close(error: unknown, now: number): void {
    this.calls.close(error, now)
    this.queries.close(error)
  }

  /** Seals and sends; false: not possible at the moment. */
  transmit(live: LiveSession, { rootCode, bytes }: PlainMessage, now: number): boolean {
    const { session, pair } = live
    if (isExhausted(live)) return false
    if (!live.addressProved) {
      const length = bytes.length + SESSION_OVERHEAD
      if (live.bytesOut + length > live.bytesIn) return false
      live.bytesOut += length
    }
    live.usedAt = now
    const taken = this.#ports.post(session.seal(rootCode, bytes), pair.address, pair.via)
    this.#perform(this.handshakes.wornOut(live, now))
    return taken
  }

  /** A datagram of protection SESSION, at least as long as an empty one. */
  onSealed(bytes: Uint8Array, origin: Origin, now: number): Outcome {
    this.#now = now
    const live = this.handshakes.table.session(sessionIndexOf(bytes))
    if (live === undefined && this.#hold(bytes, origin)) return 'handshake'
    if (live === undefined || !isFrom(live.pair, origin.from))
      return this.#onUnknown(bytes, origin, live !== undefined, now)
    if (now - live.attackedAt < ATTACKED_MS && !this.#failedOpens.open(now)) return 'sealLimit'
    const message = live.session.open(bytes)
    if (message === 'replay') return 'replay'
    if (message === 'seal') {
      live.attackedAt = now
      this.#failedOpens.allow(now)
      return 'seal'
    }
    this.#perform(this.handshakes.opened(live, origin.via, bytes.length, now))
    this.#ports.opened?.(live.pair)
    return this.#onMessage(live, bytes[0] as number, message, bytes.length, now)
  }

  /** A datagram of root code SESSION and protection HANDSHAKE. */
  onPacket(bytes: Uint8Array, origin: Origin, now: number): Outcome {
    this.#now = now
    const { from, via } = origin
    const type = sessionPacketTypeOf(bytes)
    if (type === undefined) return 'length'
    if (this.#isAwaited(type, bytes, from)) return this.#onAdmitted(bytes, { from, via, crowded: false }, now)
    const outcome = this.#mayWorkFor(type, bytes, from, now)
      ? this.#onStranger(type, bytes, origin, now)
      : 'handshakeLimit'
    this.#guard.worked(this.#ports.now() - now, now)
    return outcome
  }

  #onStranger(type: number, bytes: Uint8Array, { from, via }: Origin, now: number): Outcome {
    const crowded = !this.#ports.addressAllowed(from.host, now)
    if (crowded && !this.#mayKnock(type, bytes, from, now)) return 'addressLimit'
    return this.#onAdmitted(bytes, { from, via, crowded }, now)
  }

  #onAdmitted(bytes: Uint8Array, origin: Origin & { crowded: boolean }, now: number): Outcome {
    const { from } = origin
    const packet = readSessionPacket(this.#network, bytes)
    if (typeof packet === 'string') return packet
    switch (packet.type) {
      case SessionPacketType.RECORD_REQUEST:
        return this.#onRecordRequest(packet.nonce, origin, now)
      case SessionPacketType.RECORD: {
        const answered = this.queries.answered(packet, from)
        answered?.query.settle(undefined, answered.answer)
        return answered === undefined ? 'unexpected' : 'handshake'
      }
      case SessionPacketType.RESET: {
        const pair = this.handshakes.forgottenBy(packet.receiverIndex, from)
        if (pair === undefined) return 'unexpected'
        this.#perform(this.handshakes.doubt(pair, this.calls.earlyOf(pair), now))
        return 'handshake'
      }
      default: {
        const effects = this.handshakes.receive(packet, bytes.length, origin, now)
        if (typeof effects === 'string') return effects
        this.#perform(effects)
        return 'handshake'
      }
    }
  }

  #onMessage(live: LiveSession, rootCode: number, message: Uint8Array, bytes: number, now: number): Outcome {
    switch (message[0]) {
      case MessageKind.REPLY:
      case MessageKind.ERROR:
        return this.#onReply(live, message, now)
      case MessageKind.REQUEST:
        if (message.length <= REQUEST_BODY_OFFSET) return 'decode'
        return this.#ports.deliver({ live, rootCode, message, early: false, bytes }, now)
      case MessageKind.DATAGRAM:
        return this.#ports.deliver({ live, rootCode, message, early: false, bytes }, now)
      case MessageKind.CONFIRM:
        return 'handled'
      default:
        return 'decode'
    }
  }

  #onReply(live: LiveSession, message: Uint8Array, now: number): Outcome {
    const call = this.calls.answered(live, message, now)
    if (call === undefined) return 'unexpected'
    const decoded = decodeOrRefuse(message.subarray(REQUEST_BODY_OFFSET))
    // A broken answer is no answer: the next repetition may bring a better one.
    if (decoded === undefined) return 'decode'
    this.calls.remove(call, now)
    if (message[0] === MessageKind.REPLY) call.settle(undefined, decoded.body)
    else call.settle(remoteError(live.pair, readErrorBody(decoded.body)))
    return 'handled'
  }

  /** The answer to a first message, and what is sealed right behind it, may come in the other order. */
  #hold(bytes: Uint8Array, { from, via }: Origin): boolean {
    const handshake = this.handshakes.table.handshake(sessionIndexOf(bytes))
    if (handshake === undefined || !isFrom(handshake.pair, from)) return false
    if (handshake.held.length < MAX_HELD) handshake.held.push({ bytes, from, via })
    return true
  }

  #onUnknown(bytes: Uint8Array, { from, via }: Origin, elsewhere: boolean, now: number): Outcome {
    if (!this.#ports.addressAllowed(from.host, now)) return 'addressLimit'
    if (elsewhere || this.#network.hasSecret || !this.#guard.mayReset(from.host, from.port, now)) return 'session'
    const reset = packSessionPacket(this.#network, { type: 6, receiverIndex: sessionIndexOf(bytes) })
    if (this.#ports.post(reset, from, via)) this.#counters.resetsSent += 1
    return 'session'
  }

  /** Answers to something of ours come with a number that only we and the other side know, and are charged to no address. */
  #isAwaited(type: number, bytes: Uint8Array, from: Address): boolean {
    switch (type) {
      case SessionPacketType.RESPONSE:
      case SessionPacketType.COOKIE: {
        const handshake = this.handshakes.table.handshake(receiverIndexOf(bytes))
        return handshake !== undefined && isFrom(handshake.pair, from)
      }
      case SessionPacketType.RECORD:
        return this.queries.awaits(bytes, from)
      case SessionPacketType.RESET:
        return this.handshakes.forgottenBy(receiverIndexOf(bytes), from) !== undefined
      default:
        return false
    }
  }

  /** The bucket of an address can be emptied by whoever invents senders: then a cookie helps, or the way to one. */
  #mayKnock(type: number, bytes: Uint8Array, from: Address, now: number): boolean {
    const { INITIATION, RECORD_REQUEST } = SessionPacketType
    if ((type !== INITIATION && type !== RECORD_REQUEST) || !this.#crowded.allow(now)) return false
    if (type === RECORD_REQUEST) return this.#guard.records.open(now)
    return this.#guard.cookies.open(now) || this.#hasCookie(bytes, from, now)
  }

  /** Whoever comes with a good cookie is really there, and is served when the others have used up their share. */
  #mayWorkFor(type: number, bytes: Uint8Array, from: Address, now: number): boolean {
    if (this.#guard.mayWork(now, false)) return true
    return type === SessionPacketType.INITIATION && this.#guard.mayWork(now, true) && this.#hasCookie(bytes, from, now)
  }

  #hasCookie(initiation: Uint8Array, from: Address, now: number): boolean {
    return this.handshakes.cookieFits(initiation.subarray(COOKIE_START, COOKIE_END), from, now)
  }

  #onRecordRequest(nonce: Uint8Array, { from, via }: Origin, now: number): Outcome {
    if (!this.#guard.records.allow(now)) return 'handshakeLimit'
    const record = this.#ports.record()
    if (record === undefined) return 'noHandler'
    const sealNonce = this.#random.bytes(SEAL_NONCE_BYTES)
    const sealed = this.#network.sealRecord(record, sealNonce)
    const cookie = this.handshakes.cookieFor(from, now)
    const answer = packSessionPacket(this.#network, { type: 5, nonce, cookie, sealNonce, sealed })
    if (this.#ports.post(answer, from, via)) this.#counters.recordsSent += 1
    return 'handshake'
  }

  #performed(effects: HandshakeEffect[] | undefined): boolean {
    if (effects !== undefined) this.#perform(effects)
    return effects !== undefined
  }

  #perform(effects: readonly HandshakeEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#ports.post(effect.bytes, effect.to, effect.via)
          break
        case 'cookie':
          if (this.#ports.post(effect.bytes, effect.to, effect.via)) this.#counters.cookiesSent += 1
          break
        case 'established':
          this.#established(effect)
          break
        case 'early':
          this.#onEarly(effect)
          break
        case 'failed':
          this.#counters.handshakesFailed += 1
          this.calls.failed(effect.pair, this.#now)
          this.handshakes.table.release(effect.pair)
          break
        default:
          effect satisfies never
      }
    }
  }

  #established({ pair, began }: HandshakeEffect & { type: 'established' }): void {
    this.#counters.established += 1
    const sent = this.calls.established(pair, began, this.#now)
    // The other side does not use a session before it has seen that this side has the keys.
    if (began !== undefined && sent === 0 && pair.current !== undefined) this.transmit(pair.current, CONFIRM, this.#now)
    for (const { bytes, from, via } of began?.held ?? []) {
      const outcome = this.onSealed(bytes, { from, via }, this.#now)
      this.#counters[outcome] += 1
    }
    this.#ports.established(pair)
  }

  #onEarly({ live, message }: HandshakeEffect & { type: 'early' }): void {
    const request = message.bytes[0] === MessageKind.REQUEST && message.bytes.length > REQUEST_BODY_OFFSET
    const incoming = {
      live,
      rootCode: message.rootCode,
      message: message.bytes,
      early: true,
      bytes: message.bytes.length,
    }
    const outcome = request ? this.#ports.deliver(incoming, this.#now) : 'early'
    this.#counters[outcome] += 1
  }

  #idle(pair: Pair): void {
    // What nobody waits for any more need not be begun.
    if (pair.current === undefined) this.handshakes.abandon(pair)
    this.handshakes.table.release(pair)
  }
}

function isFrom({ address }: Pair, from: Address): boolean {
  return sameAddress(address, from)
}
