/** What comes by the packets of others: answers, requests to try somebody, and statements, which are checked and passed on once. */
import type { PeerId } from '@pc/identity'
import { type Rate, take } from './allowance.js'
import { SPREAD_MS } from './check.js'
import type { Checks } from './checks.js'
import type { Dissemination } from './dissemination.js'
import { MembershipError } from './errors.js'
import { isNews, runOf } from './incarnation.js'
import type { Inside } from './inside.js'
import type { Entry } from './member.js'
import { type Packet, readPacket } from './messages.js'
import type { OwnWord } from './own-word.js'
import type { Pings } from './pings.js'
import type { Presence } from './presence.js'
import type { Probing } from './probing.js'
import type { Relays } from './relays.js'
import { type Statement, StatementKind } from './statements.js'
import type { Suspects } from './suspects.js'
import { answeredIn } from './suspicion.js'

interface HearsayPorts {
  /** Of this peer. */
  readonly self: PeerId
  readonly selfKey: string
  readonly verify: (statement: Statement, signer: PeerId) => boolean
  readonly own: OwnWord
  readonly presence: Presence
  readonly suspects: Suspects
  readonly checks: Checks
  readonly pings: Pings
  readonly probing: Probing
  readonly relays: Relays
  readonly dissemination: Dissemination
}

/** What became of what others sent. */
export interface HearsayCounters {
  /** Packets that are none of this protocol. */
  invalid: number
  /** Statements whose signature is not good. */
  forged: number
  /** Statements beyond what one peer may have checked. */
  limited: number
  /** Statements taken, each for the first time. */
  news: number
}

/** Signatures checked for one peer: 7 ms of work a second. */
const SIGNATURES: Rate = { everyMs: 10, burst: 200 }
/** One accuser makes this peer doubt itself once in so many ms: what wakes slowly is accused by many. */
const BLAME_MS = 60_000
/** The same word is said to everybody once in so many ms: many may have missed it, and each accuser gets it in any case. */
const AGAIN_MS = 1_000
/** Peers with a connection that are told at once that this one lives. */
const TOLD = 16

export class Hearsay {
  readonly counters: HearsayCounters = { invalid: 0, forged: 0, limited: 0, news: 0 }
  readonly #inside: Inside
  readonly #ports: HearsayPorts
  #saidAgainAt = Number.NEGATIVE_INFINITY

  constructor(inside: Inside, ports: HearsayPorts) {
    this.#inside = inside
    this.#ports = ports
  }

  /** From a peer that the transport has proved. Never throws. */
  receive(from: PeerId, bytes: Uint8Array, by: 'datagram' | 'stream'): void {
    const packet = this.#read(bytes)
    if (packet === undefined) return
    const { message, incarnation, statements } = packet
    const entry = this.#inside.table.of(from)
    if (entry === undefined) {
      // It may know this peer already; what it says of others counts once it is known here.
      if (message?.type === 'ping')
        this.#inside.reply(from, { type: 'ack', sequence: message.sequence }, by === 'stream')
      return
    }
    if (!this.#heard(entry, incarnation)) return
    this.#ports.presence.alive(entry, by)
    this.#onMessage(entry, packet, by)
    if (message !== undefined) for (const statement of statements) this.#onStatement(entry, statement)
  }

  /** To everybody, and at once to those who would notice first, but for one that knows it. */
  tell(statement: Statement, knowing?: Entry): void {
    this.#ports.dissemination.spread(statement)
    let told = 0
    for (const entry of this.#inside.table.linked) {
      if (entry === knowing) continue
      if (told++ === TOLD) return
      this.#inside.send(entry, { type: 'statements' }, [statement])
    }
  }

  #read(bytes: Uint8Array): Packet | undefined {
    try {
      return readPacket(bytes)
    } catch (error) {
      if (!(error instanceof MembershipError)) throw error
      this.counters.invalid += 1
      return undefined
    }
  }

  /** A peer's own word about its run, which the transport proves. False: it was under way before its goodbye. */
  #heard(entry: Entry, incarnation: number): boolean {
    const isNewer = incarnation > entry.incarnation
    const isOtherRun = runOf(incarnation) !== runOf(entry.incarnation)
    if (entry.left && !isNewer) return false
    if (isNewer && entry.left) this.#ports.presence.returned(entry)
    // A clock that was set back makes the number of a new run smaller; its peer's word counts all the same.
    if (isNewer || isOtherRun) entry.incarnation = incarnation
    if (isOtherRun) entry.aliveIn = -1
    if (isNewer && entry.state === 'online') entry.suspicion = answeredIn(entry.suspicion, incarnation)
    return true
  }

  #onMessage(from: Entry, { message }: Packet, by: 'datagram' | 'stream'): void {
    const stream = by === 'stream'
    switch (message?.type) {
      case 'ping':
        this.#inside.send(from, { type: 'ack', sequence: message.sequence })
        return
      case 'ack':
        if (this.#ports.relays.answered(message.sequence, from)) return
        this.#ports.probing.tried(message.sequence, from, true)
        this.#ports.pings.answered(message.sequence, from)
        return
      case 'nack':
        this.#ports.probing.tried(message.sequence, from, false)
        return
      case 'ping-req':
        this.#ports.relays.asked(from, { ...message, stream }, () => this.#ports.pings.next())
        return
      case 'statements':
      case undefined:
        return
      default:
        message satisfies never
    }
  }

  #onStatement(from: Entry, statement: Statement): void {
    const { table } = this.#inside
    const { kind, incarnation } = statement
    if (statement.subject === this.#ports.selfKey) {
      this.#onOwnName(from, statement)
      return
    }
    const subject = table.get(statement.subject)
    const signer = table.get(statement.signer)
    if (subject === undefined || signer === undefined) return
    const isNew = isNews(kind, incarnation, subject)
    // Its packets tell its number, too, but only to whom they come: others are still to hear what it says of itself.
    const isUnsaid =
      kind === StatementKind.ALIVE && incarnation === subject.incarnation && incarnation > subject.aliveIn
    if (!isNew && !isUnsaid) return
    if (kind === StatementKind.SUSPECT) {
      if (subject === signer || !this.#ports.suspects.isNews(subject, signer)) return
      if (this.#isGood(from, statement, signer.peer)) this.#ports.suspects.accusedBy(subject, signer, statement)
      return
    }
    if (!this.#isGood(from, statement, subject.peer)) return
    if (kind === StatementKind.LEAVE && subject.link !== undefined && subject.incarnation === 0) {
      // It may be of an earlier run, as this one's number is not known yet. Who goes says so over its connection too.
      this.#ports.pings.send(subject)
      return
    }
    subject.incarnation = incarnation
    this.#ports.dissemination.spread(statement)
    if (kind === StatementKind.LEAVE) {
      this.#onLeave(subject)
      return
    }
    subject.aliveIn = incarnation
    if (isNew) this.#onAlive(subject)
  }

  #onLeave(subject: Entry): void {
    if (subject.state !== 'offline') this.#ports.presence.offline(subject, 'left', 'it said goodbye')
    else {
      subject.left = true
      subject.leftIn = subject.incarnation
    }
  }

  /** Newer than what is known, so it was said after that; but maybe long ago: who is offline is asked. */
  #onAlive(subject: Entry): void {
    if (subject.state !== 'offline') this.#ports.presence.spoke(subject)
    else if (subject.check === undefined) {
      this.#ports.presence.returned(subject)
      this.#ports.checks.begin(subject, 'return', this.#inside.random() * SPREAD_MS)
    }
  }

  #onOwnName(from: Entry, statement: Statement): void {
    const { self, selfKey, own } = this.#ports
    const accuser = this.#inside.table.get(statement.signer)
    const signer = statement.signer === selfKey ? self : accuser?.peer
    if (signer === undefined) return
    // Who has never heard a number of this peer accuses it by an older one, and so does who missed the newest: both have to hear it.
    const isOld = statement.incarnation < own.incarnation
    if (isOld && (accuser === undefined || statement.kind !== StatementKind.SUSPECT)) return
    // Copies of one whose number was made up are as far ahead as the first, which was answered.
    if (accuser !== undefined && statement.incarnation <= accuser.answeredIn) return
    if (!this.#isGood(from, statement, signer)) return
    if (accuser !== undefined && !this.#mayBlame(accuser, statement, isOld)) return
    const answer = isOld ? own.again() : own.refute(statement)
    if (answer === undefined) return
    const { at } = this.#inside
    if (!isOld || at - this.#saidAgainAt >= AGAIN_MS) {
      if (isOld) this.#saidAgainAt = at
      this.tell(answer, accuser)
    }
    // Who passed the ALIVE of this number on before does not do it again, so it may end on its way to the one that has to hear it.
    if (accuser !== undefined) this.#inside.send(accuser, { type: 'statements' }, [answer])
  }

  #mayBlame(accuser: Entry, { incarnation }: Statement, isOld: boolean): boolean {
    if (!this.#ports.suspects.mayAccuse(accuser)) return false
    accuser.answeredIn = incarnation
    if (isOld) return true
    const { at, health } = this.#inside
    // One member alone must not make this peer slow.
    if (at - accuser.blamedAt < BLAME_MS) return true
    accuser.blamedAt = at
    health.refuted()
    return true
  }

  #isGood(from: Entry, statement: Statement, signer: PeerId): boolean {
    const allowed = take(from.statementsAt, this.#inside.at, SIGNATURES)
    if (allowed === undefined) {
      this.counters.limited += 1
      return false
    }
    from.statementsAt = allowed
    const good = this.#ports.verify(statement, signer)
    this.counters[good ? 'news' : 'forged'] += 1
    return good
  }
}
