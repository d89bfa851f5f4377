import { Feed } from '@pc/dispatch'
import type { PeerId, SignedPeerRecord } from '@pc/identity'
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
import type { MembershipLimits } from './options.js'
import type { PeerState } from './peer-state.js'
import {
  type Effect,
  type Input,
  type MembershipEvent,
  MembershipState,
  type PeerStatus,
  type Reason,
} from './state.js'

export interface MembershipOptions extends MembershipLimits {
  /** Whose connections are watched, and who dials for the checks. It is not closed with the membership. */
  connector: Pick<Connector, 'control' | 'current' | 'events'>
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
  /** Why it is not online. */
  readonly reason?: Reason
  /** The same for people: the error behind it. */
  readonly detail?: string
}

/**
 * Watches a connector and says who is up. Drives {@link MembershipState}: owns timers, checks and subscriptions, and
 * decides nothing itself. Create it before the connector makes connections: those that stand already are not seen.
 */
export class Membership {
  readonly #connector: MembershipOptions['connector']
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #state: MembershipState
  readonly #feed = new Feed<MembershipEvent>()
  readonly #timers = new Map<string, unknown>()
  readonly #links = new WeakMap<ControlConnection, number>()
  /** Of checks under way; `close` cuts them. */
  readonly #checks = new Set<AbortController>()
  #closed = false
  #lastLink = 0

  private constructor(options: MembershipOptions) {
    const random = options.random ?? systemRandom
    this.#connector = options.connector
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#state = new MembershipState({ ...options, random: () => random.float() })
    this.#connector.events.on('connected', this.#onConnected)
    this.#connector.events.on('disconnected', this.#onDisconnected)
  }

  /** @throws MembershipError BAD_OPTION */
  static create(options: MembershipOptions): Membership {
    return new Membership(options)
  }

  /** Undefined for a peer that was never connected, or is forgotten. */
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

  /**
   * All events from this call on, until `break`, {@link Membership.close} or `signal` (the iteration then rejects with its reason).
   * A subscriber that is 1,024 events behind ends with DispatchError FEED_OVERFLOW: read `members()` and subscribe again.
   */
  events(options: { signal?: AbortSignal } = {}): AsyncIterableIterator<MembershipEvent> {
    return this.#feed.subscribe(options)
  }

  /** Ends checks, timers and subscriptions; a measurement under way comes to nothing. What `members()` says stays as it was. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#connector.events.off('connected', this.#onConnected)
    this.#connector.events.off('disconnected', this.#onDisconnected)
    for (const timer of this.#timers.values()) this.#clock.clearTimeout(timer)
    this.#timers.clear()
    for (const abort of [...this.#checks]) abort.abort()
    this.#feed.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  readonly #onConnected = (connection: ControlConnection): void => {
    const { peer, record } = connection
    this.#handle({ type: 'connected', peer, link: this.#linkOf(connection), record })
  }

  readonly #onDisconnected = (connection: ControlConnection, why: CloseReason): void => {
    const { peer, lastHeardAt } = connection
    const link = this.#linkOf(connection)
    this.#handle({ type: 'disconnected', peer, link, lastHeardAt, reason: reasonOf(why), detail: describe(why) })
  }

  #handle(input: Input): void {
    if (this.#closed) return
    for (const effect of this.#state.handle(input, this.#clock.now())) this.#perform(effect)
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'emit':
        this.#logger.debug({ peer: effect.event.peer, event: effect.event.type }, 'membership changed')
        this.#feed.publish(effect.event)
        break
      case 'check':
        void this.#check(effect.peer, effect.check, effect.timeoutMs)
        break
      case 'measure':
        void this.#measure(effect.peer, effect.link)
        break
      case 'wake':
        this.#setTimer(effect.peer, effect.after)
        break
      case 'sleep':
        this.#clearTimer(effect.peer)
        break
      case 'refused':
        this.#logger.warn({ peer: effect.peer }, 'the membership table is full of peers that are up: not watched')
        break
      default:
        effect satisfies never
    }
  }

  async #check(peer: PeerId, check: number, timeoutMs: number): Promise<void> {
    let detail = 'the connection that the check had made was lost again'
    const abort = new AbortController()
    this.#checks.add(abort)
    const timer = this.#clock.setTimeout(() => {
      abort.abort(new MembershipError('CHECK_TIMEOUT', `no connection to ${peer.short} within ${timeoutMs} ms`))
    }, timeoutMs)
    try {
      const connection = await this.#connector.control(peer, { signal: abort.signal })
      // The event came first, as a rule; the state knows the connection then.
      if (this.#connector.current(peer) === connection) this.#onConnected(connection)
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
      // Whether the peer is silent, transport finds out: an unanswered ping of ours is only a figure we do not get.
      this.#logger.debug({ err: error, peer }, 'no round trip measured')
    }
  }

  #setTimer(peer: PeerId, after: number): void {
    this.#clearTimer(peer)
    const timer = this.#clock.setTimeout(() => this.#onWake(peer), after)
    this.#timers.set(peer.toString(), timer)
  }

  #onWake(peer: PeerId): void {
    this.#timers.delete(peer.toString())
    this.#handle({ type: 'wake', peer })
  }

  #clearTimer(peer: PeerId): void {
    this.#clock.clearTimeout(this.#timers.get(peer.toString()))
    this.#timers.delete(peer.toString())
  }

  #linkOf(connection: ControlConnection): number {
    const link = this.#links.get(connection) ?? ++this.#lastLink
    this.#links.set(connection, link)
    return link
  }

  #member(status: PeerStatus, toUnix: number): Member {
    const { peer, record, state, since, roundTripMs, reason, detail } = status
    const heardAt = status.link === undefined ? 0 : (this.#connector.current(peer)?.lastHeardAt ?? 0)
    return {
      peer,
      record,
      state,
      since: Math.round(since + toUnix),
      lastSeenAt: Math.round(Math.max(status.lastSeenAt, heardAt) + toUnix),
      ...(roundTripMs !== undefined && { roundTripMs }),
      ...(reason !== undefined && { reason }),
      ...(detail !== undefined && { detail }),
    }
  }
}

/** `LEAVING` and `SHUTTING_DOWN` are the peer's own word that it goes; anything else says something about the connection only. */
function reasonOf(why: CloseReason): Reason {
  if (why.polite && (why.code === 'LEAVING' || why.code === 'SHUTTING_DOWN')) return 'left'
  return why.code === 'PING_TIMEOUT' ? 'silent' : 'lost'
}

function describe(why: CloseReason): string {
  return why.error === undefined ? why.code : `${why.code}: ${why.error.message}`
}
