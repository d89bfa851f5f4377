import { Feed } from '@pc/dispatch'
import type { Identity, PeerId, SignedPeerRecord } from '@pc/identity'
import {
  type Clock,
  type CloseReason,
  type Connector,
  type ControlConnection,
  type Logger,
  type Random,
  silentLogger,
  systemClock,
  systemRandom,
  TransportError,
} from '@pc/transport'
import { MembershipError } from './errors.js'
import type { Effect, Input, MembershipEvent, Reason } from './events.js'
import { firstIncarnation } from './incarnation.js'
import { ASLEEP_MS } from './local-health.js'
import type { PeerStatus } from './member.js'
import type { MembershipLimits } from './options.js'
import type { PeerState } from './peer-state.js'
import { MembershipState, type MembershipStatus } from './state.js'
import type { Statement } from './statements.js'
import { type Pong, UserPings } from './user-pings.js'

export type { Pong } from './user-pings.js'

/** How packets reach others. What comes goes to {@link Membership.receive}, with the id of the peer that the transport has **proved** to send it. */
export interface MembershipTransport {
  /** Best effort: a datagram of at most 1,100 bytes, which may be lost, come twice, or late. What it throws or rejects with is logged. */
  send(to: PeerId, bytes: Uint8Array): void | Promise<void>
}

export interface MembershipOptions extends MembershipLimits {
  /** Whose connections are watched, and who dials for the checks. It is not closed with the membership. */
  connector: Pick<Connector, 'control' | 'reach' | 'current' | 'events'>
  /** It is not closed with this. */
  transport: MembershipTransport
  /** Of this peer: signs what it says of others and of itself. */
  identity: Pick<Identity, 'id' | 'sign'>
  /** Whether a statement is its signer's, for simulations that count what that costs. @default by its signature */
  verify?: (statement: Statement, signer: PeerId) => boolean
  /** @default systemClock */
  clock?: Clock
  /** @default systemRandom */
  random?: Pick<Random, 'float'>
  /** @default silentLogger */
  logger?: Logger
}

/** What is known about a peer now. A copy: it does not change. */
export interface Member {
  readonly peer: PeerId
  readonly record: SignedPeerRecord
  readonly state: PeerState
  /** When this state began, in Unix ms; for display. */
  readonly since: number
  /** When something last came from the peer, in Unix ms; for display. */
  readonly lastSeenAt: number
  /** Smoothed; absent until measured. */
  readonly roundTripMs?: number
  /** Its connection answers, and its datagrams do not come. */
  readonly udpBlocked: boolean
  /** Why it is not online. */
  readonly reason?: Reason
  /** The same for people: the error behind it. */
  readonly detail?: string
}

/** The header of packets that go over a control connection, where datagrams do not come through. */
const FRAME = 'pc/membership'
/** A farewell waits no longer for the machine to take it. */
const FAREWELL_MS = 500

/**
 * Says who is up. Drives {@link MembershipState}: owns the timer, the checks and the subscriptions, and decides nothing itself. Create it before the
 * connector makes connections: those that stand already are not seen.
 */
export class Membership {
  readonly #connector: MembershipOptions['connector']
  readonly #transport: MembershipTransport
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #state: MembershipState
  readonly #feed = new Feed<MembershipEvent>()
  readonly #links = new WeakMap<ControlConnection, number>()
  readonly #linked = new Set<ControlConnection>()
  readonly #pings: UserPings
  /** Of checks under way; `close` cuts them. */
  readonly #checks = new Set<AbortController>()
  #timer: unknown
  #closed = false
  #lastLink = 0
  /** What the wall clock was ahead of the monotonic one, which stands still while a machine sleeps. */
  #ahead: number

  private constructor(options: MembershipOptions) {
    const random = options.random ?? systemRandom
    this.#connector = options.connector
    this.#transport = options.transport
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    const unixNow = this.#clock.unixNow()
    this.#ahead = unixNow - this.#clock.now()
    const incarnation = firstIncarnation(unixNow)
    this.#state = new MembershipState({ ...options, incarnation, random: () => random.float() })
    this.#pings = new UserPings({ clock: this.#clock, connector: this.#connector, send: (peer) => this.#ping(peer) })
    this.#connector.events.on('connected', this.#onConnected)
    this.#connector.events.on('disconnected', this.#onDisconnected)
    this.#connector.events.on('frame', this.#onFrame)
  }

  /** @throws MembershipError BAD_OPTION */
  static create(options: MembershipOptions): Membership {
    return new Membership(options)
  }

  /** Undefined for a peer that was never proved, or is forgotten. */
  state(peer: PeerId): PeerState | undefined {
    return this.#state.get(peer)?.state
  }

  /** True until the peer left or a check failed: also while the check runs. */
  isOnline(peer: PeerId): boolean {
    const state = this.state(peer)
    return state === 'online' || state === 'checking'
  }

  /** Everybody in the table, in the order in which they were first met. */
  members(): Member[] {
    const toUnix = this.#clock.unixNow() - this.#clock.now()
    return [...this.#state.all()].map((status) => this.#member(status, toUnix))
  }

  /** What is known of one peer. */
  member(peer: PeerId): Member | undefined {
    const status = this.#state.get(peer)
    return status && this.#member(status, this.#clock.unixNow() - this.#clock.now())
  }

  /** Counters and sizes, for metrics. */
  status(): MembershipStatus {
    return this.#state.status()
  }

  /**
   * All events from this call on, until `break`, {@link Membership.close} or `signal` (the iteration then rejects with its reason).
   * A subscriber that is 1,024 events behind ends with DispatchError FEED_OVERFLOW: read `members()` and subscribe again.
   */
  events(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<MembershipEvent> {
    return this.#feed.subscribe(options)
  }

  /** A packet of this protocol came, of a peer that the transport has proved. Never throws. */
  receive(from: PeerId, bytes: Uint8Array): void {
    this.#handle({ type: 'packet', from, bytes, by: 'datagram' })
  }

  /** Any other datagram came of a proved peer: a sign of life. Costs next to nothing. */
  heard(peer: PeerId): void {
    if (this.#closed) return
    const at = this.#clock.now()
    if (!this.#state.noteHeard(peer, at, 'datagram')) this.#handle({ type: 'heard', peer, at, by: 'datagram' })
  }

  /** A session by datagram stands with a peer: it is a member from now on. */
  met(peer: PeerId, record: SignedPeerRecord): void {
    this.#handle({ type: 'met', peer, record })
  }

  /**
   * How long a datagram takes to that peer and back; if none does, how long a ping over the control connection takes, which is made if there is
   * none. `timeoutMs` is for both, 5,000 by default. At most 256 at a time. Rejects with MembershipError BUSY, NO_ANSWER (with `cause`), CLOSED, or
   * the signal's reason.
   */
  ping(peer: PeerId, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<Pong> {
    return this.#pings.ping(peer, options)
  }

  /**
   * Says goodbye, so that others know at once: to everybody with a connection and to some more, who pass it on. Resolves when that was sent, after
   * half a second at the latest; from then on nothing is said or heard. Call it before connections are closed.
   */
  async leave(): Promise<void> {
    if (this.#closed) return
    const sent: Promise<void>[] = []
    for (const effect of this.#state.handle({ type: 'leave' }, this.#clock.now())) {
      if (effect.type === 'send') sent.push(this.#send(effect))
    }
    let timer: unknown
    const late = new Promise<void>((resolve) => {
      timer = this.#clock.setTimeout(resolve, FAREWELL_MS)
    })
    await Promise.race([Promise.all(sent), late])
    this.#clock.clearTimeout(timer)
  }

  /** Ends checks, the timer and subscriptions; a measurement under way comes to nothing. What `members()` says stays as it was. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#connector.events.off('connected', this.#onConnected)
    this.#connector.events.off('disconnected', this.#onDisconnected)
    this.#connector.events.off('frame', this.#onFrame)
    this.#clock.clearTimeout(this.#timer)
    this.#pings.close()
    for (const abort of [...this.#checks]) abort.abort()
    this.#feed.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  readonly #onConnected = (connection: ControlConnection): void => {
    const { peer, record } = connection
    this.#linked.add(connection)
    this.#handle({ type: 'connected', peer, link: this.#linkOf(connection), record })
  }

  readonly #onDisconnected = (connection: ControlConnection, why: CloseReason): void => {
    const { peer, lastHeardAt } = connection
    const link = this.#linkOf(connection)
    this.#linked.delete(connection)
    this.#handle({ type: 'disconnected', peer, link, lastHeardAt, reason: reasonOf(why), detail: describe(why) })
  }

  readonly #onFrame = ({ peer }: ControlConnection, { header, body }: { header: string; body: unknown }): void => {
    if (header === FRAME && body instanceof Uint8Array) {
      this.#handle({ type: 'packet', from: peer, bytes: body, by: 'stream' })
    }
  }

  readonly #onWake = (): void => {
    const [now, unixNow] = [this.#clock.now(), this.#clock.unixNow()]
    const ms = unixNow - now - this.#ahead
    this.#ahead = unixNow - now
    if (ms > ASLEEP_MS) this.#handle({ type: 'slept', ms })
    // Connections count what they hear themselves.
    for (const { peer, lastHeardAt } of this.#linked) {
      if (!this.#state.noteHeard(peer, lastHeardAt, 'stream')) {
        this.#handle({ type: 'heard', peer, at: lastHeardAt, by: 'stream' })
      }
    }
    this.#handle({ type: 'wake' })
  }

  #handle(input: Input): readonly Effect[] {
    if (this.#closed) return []
    const effects = this.#state.handle(input, this.#clock.now())
    for (const effect of effects) this.#perform(effect)
    return effects
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'emit':
        this.#logger.debug({ peer: effect.event.peer, event: effect.event.type }, 'membership changed')
        this.#feed.publish(effect.event)
        return
      case 'send':
        void this.#send(effect)
        return
      case 'check':
        void this.#check(effect.peer, effect.check, effect.timeoutMs)
        return
      case 'measure':
        void this.#measure(effect.peer, effect.link)
        return
      case 'pinged':
        return
      case 'answered':
        this.#pings.answered(effect.sequence, effect.ms)
        return
      case 'wake':
        this.#clock.clearTimeout(this.#timer)
        this.#timer = this.#clock.setTimeout(this.#onWake, effect.after)
        return
      case 'refused':
        this.#logger.warn({ peer: effect.peer }, 'the membership table is full of peers that are up: not watched')
        return
      default:
        effect satisfies never
    }
  }

  /** Never rejects. */
  async #send({ to, bytes, stream }: Effect & { type: 'send' }): Promise<void> {
    try {
      const connection = stream ? this.#connector.current(to) : undefined
      if (connection === undefined) await this.#transport.send(to, bytes)
      else await connection.send(FRAME, connection.nextId(), bytes)
    } catch (error) {
      // As good as lost: probes are repeated, and statements have many ways.
      this.#logger.debug({ err: error, peer: to }, 'a membership packet was not sent')
    }
  }

  #ping(peer: PeerId): number | undefined {
    if (this.#closed) throw new MembershipError('CLOSED', 'membership was closed: create another one')
    const pinged = this.#handle({ type: 'ping', peer }).find(({ type }) => type === 'pinged')
    return pinged?.type === 'pinged' ? pinged.sequence : undefined
  }

  async #check(peer: PeerId, check: number, timeoutMs: number): Promise<void> {
    let detail = 'the connection that the check had made was lost again'
    const abort = new AbortController()
    this.#checks.add(abort)
    const timer = this.#clock.setTimeout(() => {
      abort.abort(new MembershipError('CHECK_TIMEOUT', `no connection to ${peer.short} within ${timeoutMs} ms`))
    }, timeoutMs)
    try {
      const connection = await this.#connector.reach(peer, { signal: abort.signal })
      // The event came first, as a rule; the state knows the connection then.
      if (this.#connector.current(peer) === connection) {
        this.#onConnected(connection)
        this.#handle({ type: 'heard', peer, at: this.#clock.now(), by: 'stream' })
      }
    } catch (error) {
      this.#logger.debug({ err: error, peer }, 'a check failed')
      if (error instanceof TransportError && error.code === 'RESOURCE_BUSY') {
        this.#handle({ type: 'check-undecided', peer, check })
        return
      }
      detail = error instanceof Error ? error.message : String(error)
    } finally {
      this.#clock.clearTimeout(timer)
      this.#checks.delete(abort)
    }
    // After a check that succeeded the state ignores this.
    this.#handle({ type: 'check-failed', peer, check, detail })
  }

  async #measure(peer: PeerId, link: number): Promise<void> {
    const connection = this.#connector.current(peer)
    if (connection === undefined) return
    try {
      const ms = await connection.ping()
      this.#handle({ type: 'round-trip', peer, link, ms })
    } catch (error) {
      // An unanswered ping is a sign of life that does not come; checks have their own time.
      this.#logger.debug({ err: error, peer }, 'no round trip measured')
    }
  }

  #linkOf(connection: ControlConnection): number {
    const link = this.#links.get(connection) ?? ++this.#lastLink
    this.#links.set(connection, link)
    return link
  }

  #member(status: PeerStatus, toUnix: number): Member {
    const { peer, record, state, since, roundTripMs, udpBlocked, reason, detail } = status
    const heardAt = status.link === undefined ? 0 : (this.#connector.current(peer)?.lastHeardAt ?? 0)
    return {
      peer,
      record,
      state,
      since: Math.round(since + toUnix),
      lastSeenAt: Math.round(Math.max(status.lastSeenAt, heardAt) + toUnix),
      udpBlocked,
      ...(roundTripMs !== undefined && { roundTripMs }),
      ...(reason !== undefined && { reason }),
      ...(detail !== undefined && { detail }),
    }
  }
}

/** `LEAVING` and `SHUTTING_DOWN` are the peer's own word that it goes; anything else says something about the connection only. */
function reasonOf(why: CloseReason): Reason | 'idle' {
  if (why.polite && why.code === 'IDLE') return 'idle'
  if (why.polite && (why.code === 'LEAVING' || why.code === 'SHUTTING_DOWN')) return 'left'
  return why.code === 'PING_TIMEOUT' ? 'silent' : 'lost'
}

function describe(why: CloseReason): string {
  return why.error === undefined ? why.code : `${why.code}: ${why.error.message}`
}
