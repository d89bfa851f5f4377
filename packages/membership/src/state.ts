/**
 * Who is up: the rules, without sockets and timers. Inputs come in with the time, effects go out; `Membership` performs them, and so may you.
 * After SWIM (Das, Gupta, Motivala, DSN 2002) and Lifeguard (Dadgar, Phillips, Currey, arXiv 1707.00788), one file per section of these.
 *
 * Any packet or byte that a peer is proved to have sent is a sign of life, whoever it was meant for. Nobody goes offline by what one other peer
 * says. Where this machine slept or was too busy, its plans wait as long, and for a while nobody is accused.
 *
 * There is one timer: each `wake` replaces the one before.
 */
import { Deadlines } from '@pc/dispatch'
import type { Identity, PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import { type Check, nextStepAt } from './check.js'
import { Checks } from './checks.js'
import { Dissemination } from './dissemination.js'
import type { Effect, Input } from './events.js'
import { Hearsay, type HearsayCounters } from './hearsay.js'
import type { Inside } from './inside.js'
import { ASLEEP_MS, LocalHealth } from './local-health.js'
import { type Entry, noteRoundTrip, type PeerStatus } from './member.js'
import { type Message, packMessage } from './messages.js'
import { type MembershipLimits, resolveLimits } from './options.js'
import { OwnWord } from './own-word.js'
import { Pings } from './pings.js'
import { Presence } from './presence.js'
import { type ProbeOutcome, Probing } from './probing.js'
import { Relays } from './relays.js'
import { RoundRobin } from './round-robin.js'
import { type Statement, StatementKind, signStatement, verifyStatement } from './statements.js'
import { Suspects } from './suspects.js'
import { Table } from './table.js'

export interface MembershipStateOptions extends MembershipLimits {
  readonly identity: Pick<Identity, 'id' | 'sign'>
  /** Of this run: greater than those of earlier ones, see `firstIncarnation`. */
  readonly incarnation: number
  /** A number in [0, 1). */
  readonly random: () => number
  /** Whether a statement is its signer's. @default verifyStatement */
  readonly verify?: (statement: Statement, signer: PeerId) => boolean
}

export interface MembershipStatus extends Readonly<HearsayCounters> {
  readonly peers: number
  /** 0 (this machine keeps up) to 7. */
  readonly localHealth: number
  readonly incarnation: number
  readonly probes: number
  readonly relays: number
  /** Statements to be passed on. */
  readonly statements: number
}

/** In a row: datagrams unanswered while the connection is, until they count as blocked. */
const BLOCKED_AFTER = 2
/** In which what the network brought is read, before a wake-up that came late does its work. */
const READ_FIRST_MS = 50
/** Peers by chance that are told of a farewell, beside those with a connection. */
const FAREWELLS = 8

export class MembershipState {
  readonly #limits: Required<MembershipLimits>
  readonly #random: () => number
  readonly #deadlines = new Deadlines<Entry>()
  readonly #touched = new Set<Entry>()
  readonly #table: Table
  readonly #everybody: RoundRobin
  readonly #health: LocalHealth
  readonly #own: OwnWord
  readonly #presence: Presence
  readonly #pings: Pings
  readonly #checks: Checks
  readonly #suspects: Suspects
  readonly #probing: Probing
  readonly #relays: Relays
  readonly #dissemination: Dissemination
  readonly #hearsay: Hearsay
  #effects: Effect[] = []
  #now = 0
  /** How much the rules' time is behind: what this machine slept through. */
  #behind = 0
  /** When the latest `wake` is to come. */
  #wakeAt = Number.POSITIVE_INFINITY
  /** The wake-up before came late, and did nothing but wait until what came meanwhile was read. */
  #hasWaited = false
  #gone = false

  /** @throws MembershipError BAD_OPTION */
  constructor(options: MembershipStateOptions) {
    const { identity, random, incarnation } = options
    this.#limits = resolveLimits(options)
    this.#random = random
    this.#table = new Table(this.#limits.maxPeers)
    this.#everybody = new RoundRobin(random)
    this.#health = new LocalHealth(this.#limits.localHealth)
    this.#own = new OwnWord(identity, incarnation)
    const inside = this.#inside(random)
    const measure = (entry: Entry): void => this.#measure(entry)
    const presence = new Presence(inside)
    const dissemination = new Dissemination(inside)
    const pings = new Pings(inside)
    const relays = new Relays(inside)
    const checks = new Checks(inside, {
      pings,
      measure,
      failed: (entry, check) => this.#onCheckFailed(entry, check),
      passed: (entry, { startAt }) => this.#noteUnansweredDatagrams(entry, startAt),
    })
    const selfKey = keyOfBytes(identity.id.bytes)
    const suspects = new Suspects(inside, {
      presence,
      checks,
      self: selfKey,
      sign: ({ peer, incarnation: known }) => signStatement(identity, StatementKind.SUSPECT, peer, known),
      spread: (statement) => dissemination.spread(statement),
    })
    const probing = new Probing(inside, {
      pings,
      measure,
      dial: (entry, timeoutMs) => checks.dial(entry, timeoutMs),
      over: (outcome) => this.#onProbed(outcome),
    })
    const parts = { presence, suspects, checks, pings, probing, relays, dissemination }
    const { verify = verifyStatement } = options
    this.#hearsay = new Hearsay(inside, { ...parts, self: identity.id, selfKey, verify, own: this.#own })
    this.#presence = presence
    this.#pings = pings
    this.#checks = checks
    this.#suspects = suspects
    this.#probing = probing
    this.#relays = relays
    this.#dissemination = dissemination
  }

  get size(): number {
    return this.#table.size
  }

  get(peer: PeerId): PeerStatus | undefined {
    return this.#table.of(peer)
  }

  /** All peers in the table, in the order in which they were first met. */
  all(): Iterable<PeerStatus> {
    return this.#table.all()
  }

  status(): MembershipStatus {
    return {
      ...this.#hearsay.counters,
      peers: this.#table.size,
      localHealth: this.#health.multiplier,
      incarnation: this.#own.incarnation,
      probes: this.#probing.size,
      relays: this.#relays.size,
      statements: this.#dissemination.size,
    }
  }

  /**
   * Notes a sign of life of a peer that is online: what comes with every packet must cost nothing. False: there is more to do, give the input
   * `heard`.
   */
  noteHeard(peer: PeerId, at: number, by: 'datagram' | 'stream'): boolean {
    const entry = this.#table.of(peer)
    if (entry === undefined) return true
    if (entry.state !== 'online') return false
    if (at <= entry.lastSeenAt && by === 'stream') return true
    this.#presence.alive(entry, by, at)
    return true
  }

  /** `now` is monotonic, in ms. Perform the effects in their order. */
  handle(input: Input, now: number): readonly Effect[] {
    this.#effects = []
    if (this.#gone) return this.#effects
    this.#now = now
    const waits = this.#noteLateness(now)
    this.#perform(input)
    if (input.type === 'wake' && !waits) this.#hasWaited = false
    // Also for one that is back by a packet only, when there was nobody.
    if (this.#table.live > 0) this.#probing.begin()
    this.#dissemination.flush()
    for (const entry of this.#touched) this.#plan(entry)
    this.#touched.clear()
    this.#planWake(input.type === 'wake')
    return this.#effects
  }

  #perform(input: Input): void {
    switch (input.type) {
      case 'connected':
        this.#onConnected(input)
        return
      case 'met':
        this.#onMet(input)
        return
      case 'packet':
        this.#hearsay.receive(input.from, input.bytes, input.by)
        return
      case 'leave':
        this.#onLeave()
        return
      case 'slept':
        if (this.#health.late(input.ms, this.#at)) this.#onSlept(input.ms)
        return
      case 'wake':
        this.#onWake()
        return
      default:
        this.#performFor(this.#table.of(input.peer), input)
    }
  }

  #performFor(
    entry: Entry | undefined,
    input: Exclude<Input, { type: 'connected' | 'met' | 'packet' | 'leave' | 'slept' | 'wake' }>,
  ): void {
    if (entry === undefined) return
    switch (input.type) {
      case 'disconnected':
        this.#onDisconnected(entry, input)
        return
      case 'heard':
        this.#presence.alive(entry, input.by, input.at)
        return
      case 'check-failed':
        this.#checks.dialFailed(entry, input.check, input.detail)
        return
      case 'check-undecided':
        this.#checks.dialUndecided(entry, input.check)
        this.#probing.undecided(input.check)
        return
      case 'round-trip':
        if (entry.link !== input.link) return
        noteRoundTrip(entry, input.ms)
        this.#presence.alive(entry, 'stream')
        return
      case 'ping':
        this.#effects.push({ type: 'pinged', sequence: this.#pings.send(entry) })
        return
      default:
        input satisfies never
    }
  }

  #onConnected({ peer, record, link }: Input & { type: 'connected' }): void {
    const entry = this.#presence.enter(peer, record)
    if (entry === undefined || entry.link === link) return
    entry.link = link
    entry.wasLinked = true
    entry.check = undefined
    this.#table.linked.add(entry)
    this.#presence.returned(entry)
    this.#presence.alive(entry, 'stream')
    this.#measure(entry)
    entry.measureAt = this.#at + this.#limits.measureEveryMs
    this.#touched.add(entry)
  }

  #onMet({ peer, record }: Input & { type: 'met' }): void {
    const entry = this.#presence.enter(peer, record)
    if (entry === undefined) return
    this.#presence.alive(entry, 'datagram')
  }

  #onDisconnected(entry: Entry, { link, lastHeardAt, reason, detail }: Input & { type: 'disconnected' }): void {
    // A connection that was replaced says nothing about the one that stands.
    if (entry.link !== link) return
    entry.link = undefined
    entry.udpBlocked = false
    entry.udpFailures = 0
    entry.lastSeenAt = Math.max(entry.lastSeenAt, lastHeardAt)
    this.#table.linked.delete(entry)
    this.#touched.add(entry)
    // Made again at once, a connection that was closed to make room would cost somebody else's. Datagrams say whether the peer lives.
    if (entry.state === 'offline' || reason === 'idle') return
    if (reason === 'left') {
      this.#presence.offline(entry, 'left', detail)
      return
    }
    if (entry.state === 'online') this.#presence.doubt(entry, reason, detail)
    this.#checks.begin(entry, 'lost', this.#random() * this.#limits.checkDelayMs)
  }

  #onCheckFailed(entry: Entry, check: Check): void {
    if (check.kind === 'return') {
      this.#presence.recheckLater(entry)
      return
    }
    if (this.#at < this.#health.noVerdictsUntil) {
      this.#checks.begin(entry, check.kind, this.#health.noVerdictsUntil - this.#at)
    } else if (check.kind === 'lost') {
      this.#suspects.accuse(entry, { checked: true })
      this.#presence.offline(entry, 'unreachable', check.detail ?? 'no connection, and no answer by datagram')
    } else this.#suspects.checkFailed(entry, { accuse: check.kind === 'doubted' })
  }

  #onProbed({ entry, startedAt, reachedByOthers }: ProbeOutcome): void {
    if (entry.provedAt >= startedAt) this.#noteUnansweredDatagrams(entry, startedAt)
    else if (!reachedByOthers) this.#suspects.accuse(entry, { checked: false })
  }

  /** It lives. If no datagram said so, these may be blocked. */
  #noteUnansweredDatagrams(entry: Entry, since: number): void {
    if (entry.link === undefined || entry.datagramAt >= since) return
    entry.udpFailures += 1
    if (entry.udpFailures < BLOCKED_AFTER) this.#probing.again(entry)
    else entry.udpBlocked = true
  }

  #onLeave(): void {
    const farewell = [this.#own.leave()]
    const others = this.#everybody.pick(FAREWELLS, ({ state, link }) => state !== 'offline' && link === undefined)
    for (const entry of [...this.#table.linked, ...others]) this.#send(entry, { type: 'statements' }, farewell)
    this.#gone = true
  }

  #onWake(): void {
    for (let entry = this.#deadlines.take(this.#at); entry !== undefined; entry = this.#deadlines.take(this.#at)) {
      this.#touched.add(entry)
      this.#onDue(entry)
    }
    this.#probing.wake()
    this.#relays.wake()
  }

  #onDue(entry: Entry): void {
    this.#checks.step(entry)
    this.#suspects.judge(entry)
    if (entry.measureAt <= this.#at) {
      this.#measure(entry)
      entry.measureAt = this.#at + this.#limits.measureEveryMs
    }
    if (entry.recheckAt > this.#at) return
    entry.recheckAt = Number.POSITIVE_INFINITY
    if (this.#at - entry.becameAt >= this.#limits.forgetAfterMs) this.#presence.forget(entry)
    else if (entry.check === undefined) this.#checks.begin(entry, 'return', 0)
  }

  // ---- time

  get #at(): number {
    return this.#now - this.#behind
  }

  /**
   * Lifeguard: a late wake-up is this machine's fault, and everything planned waits as long, and a moment more, so that what came meanwhile is read
   * first. Not twice in a row: a machine that is always late would never judge. Returns whether it waits for that.
   */
  #noteLateness(now: number): boolean {
    const late = now - this.#wakeAt
    if (!this.#health.late(late, this.#at - Math.max(0, late))) return false
    const waits = !this.#hasWaited
    this.#hasWaited = true
    this.#behind += waits ? late + READ_FIRST_MS : late
    this.#wakeAt = now
    if (late > ASLEEP_MS) this.#onSlept(late)
    return waits
  }

  #onSlept(ms: number): void {
    if (ms <= ASLEEP_MS) return
    this.#probing.giveUp()
    if (this.#table.live > 0) this.#hearsay.tell(this.#own.stillHere())
  }

  #plan(entry: Entry): void {
    if (entry.gone) {
      this.#deadlines.clear(entry)
      return
    }
    const step = entry.check === undefined ? Number.POSITIVE_INFINITY : nextStepAt(entry.check)
    const measureAt = entry.link === undefined ? Number.POSITIVE_INFINITY : entry.measureAt
    this.#deadlines.set(entry, Math.min(step, this.#suspects.judgeAt(entry), measureAt, entry.recheckAt))
  }

  #planWake(woken: boolean): void {
    const { dueAt } = this.#dissemination
    const next = Math.min(this.#deadlines.nextAt, this.#probing.dueAt, this.#relays.dueAt, dueAt)
    if (woken) this.#wakeAt = Number.POSITIVE_INFINITY
    if (next === Number.POSITIVE_INFINITY) return
    // Whole milliseconds, as timers have them, and at least one: what is due by a rounding error only must not be planned for now, again and again.
    const after = Math.max(1, Math.ceil(next + this.#behind - this.#now))
    if (this.#now + after >= this.#wakeAt) return
    this.#wakeAt = this.#now + after
    this.#effects.push({ type: 'wake', after })
  }

  // ---- effects

  #measure({ peer, link }: Entry): void {
    if (link !== undefined) this.#effects.push({ type: 'measure', peer, link })
  }

  #send(to: Entry, message: Message, statements: readonly Pick<Statement, 'bytes'>[]): void {
    // Pings find out whether datagrams come through again; what must arrive takes the connection until then.
    const stream = to.udpBlocked && to.link !== undefined && message.type === 'statements'
    const bytes = packMessage(message, this.#own.incarnation, statements)
    this.#effects.push({ type: 'send', to: to.peer, bytes, stream })
  }

  #inside(random: () => number): Inside {
    const self = this
    return {
      random,
      limits: this.#limits,
      table: this.#table,
      everybody: this.#everybody,
      health: this.#health,
      get at() {
        return self.#at
      },
      get now() {
        return self.#now
      },
      effect: (effect) => void this.#effects.push(effect),
      touch: (entry) => void this.#touched.add(entry),
      send: (to, message, statements) => this.#send(to, message, statements ?? this.#carried(to)),
      reply: (to, message, stream) => {
        const bytes = packMessage(message, this.#own.incarnation, [])
        this.#effects.push({ type: 'send', to, bytes, stream })
      },
    }
  }

  /** What goes with a packet: an accused peer hears of that first (Lifeguard's buddy), then the newest of what is passed on. */
  #carried({ suspicion }: Entry): readonly Pick<Statement, 'bytes'>[] {
    const news = this.#dissemination.take()
    return suspicion === undefined || suspicion.cleared ? news : [{ bytes: suspicion.bytes }, ...news]
  }
}
