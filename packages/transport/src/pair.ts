import type { PeerId, SignedPeerRecord } from '@pc/identity'
import type { Message, Value } from '@pc/wire'
import { whenAborted } from './abort.js'
import type { Address } from './address.js'
import type { CloseCode, CloseReason } from './close-code.js'
import { type Connection, goAwayCode } from './connection.js'
import type { ControlConnection } from './control-connection.js'
import { TransportError } from './errors.js'
import { GOAWAY_HEADER, goAway } from './greeting.js'
import { HeldFrames } from './held-frames.js'
import { HELLO_HEADER, type Hello } from './hello.js'
import { KeepAlive, PONG_WITHIN_MS } from './keep-alive.js'
import { type PairEffect, type PairInput, PairState } from './pair-state.js'
import type { Clock, Logger } from './ports.js'
import type { SendPriority } from './send-lanes.js'

export const PING_HEADER = 'pc/ping'
export const PONG_HEADER = 'pc/pong'

/**
 * How long a retired connection may still bring frames before the pair is given up: what a full queue (1 MiB) needs at 100 KB/s, and
 * more than keep-alive (7.5 s) needs to find that it is dead.
 */
const RETIRED_FOR_MS = 10_000
/** How long, and how much, frames of the connection that stays wait for those of the one that goes before the pair is given up. */
const HOLD_FOR_MS = RETIRED_FOR_MS
const HOLD_BYTES = 1_048_576
/** Pings under way over one pair; a caller that wants more is not measuring. */
const MAX_PINGS = 16

export interface PairOptions {
  readonly hello: Hello
  readonly remoteId: PeerId
  /** Whether our own id is the smaller one. */
  readonly smaller: boolean
  /** Whether a dial of ours, with HELLO said, is under way: it may bring frames that come before those of the first stream. */
  readonly dialling: boolean
  readonly clock: Clock
  readonly logger: Logger
  readonly onFrame: (pair: Pair, message: Message) => void
  readonly onDown: (pair: Pair, reason: CloseReason) => void
  readonly onRoundTrip: (pair: Pair, ms: number) => void
}

interface Link {
  readonly number: number
  readonly connection: Connection
  readonly keepAlive: KeepAlive
  readonly wake: () => void
  timer: unknown
  retireTimer: unknown
  /** It is being ended politely: let it. */
  ending: boolean
  /** Id of the last application frame that came in. */
  lastId: number
}

interface Ping {
  readonly sentAt: number
  readonly link: number
  readonly timer: unknown
  /** Ends the wait for the caller's signal. */
  readonly leave: () => void
  readonly resolve: (ms: number) => void
  readonly reject: (error: unknown) => void
}

/** A ping that {@link PairState} asked for. */
interface Probe {
  readonly number: number
  readonly link: number
  readonly pingId: number
}

/** Drives {@link PairState}: owns the streams of a pair, their timers and the frames that are held back. */
export class Pair implements ControlConnection {
  readonly peer: PeerId
  readonly bootId: Uint8Array
  readonly closed: Promise<CloseReason>
  readonly #options: PairOptions
  readonly #state: PairState
  readonly #links = new Map<number, Link>()
  readonly #pings = new Map<number, Ping>()
  /** The last one: the answer to an older one means nothing any more. */
  #probe: Probe | undefined
  #hello: Hello
  #current: Link | undefined
  #last: Connection
  #linkCount = 0
  readonly #diallers = new Set<boolean>()
  #lastMessageId = 0
  #lastUsedAt: number
  /** Since the last look: to ask the clock for every frame would cost more than it tells. */
  #usedSince = false
  readonly #held = new HeldFrames()
  #holdTimer: unknown
  #down = false
  #resolveClosed: (reason: CloseReason) => void = () => {}

  /** `first` is not used before {@link Pair.add}; it answers for the addresses until then. */
  constructor(first: Connection, options: PairOptions) {
    this.peer = options.remoteId
    this.bootId = options.hello.boot
    this.#hello = options.hello
    this.#options = options
    this.#last = first
    this.#lastUsedAt = options.clock.now()
    this.#state = new PairState(options.smaller)
    if (options.dialling) this.#state.handle({ type: 'dial-started' })
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
  }

  get record(): SignedPeerRecord {
    return this.#hello.record
  }

  get features(): readonly string[] {
    return this.#hello.features
  }

  get remoteAddress(): Address {
    return this.#last.remoteAddress
  }

  get dialled(): boolean {
    return this.#last.dialled
  }

  get lastHeardAt(): number {
    let last = this.#last.receiver.lastActivityAt
    for (const { connection } of this.#links.values()) last = Math.max(last, connection.receiver.lastActivityAt)
    return last
  }

  /** When a frame of applications went or came, as far as the last look of keep-alive tells (5 s); monotonic ms. */
  get lastUsedAt(): number {
    return this.#usedSince ? this.#options.clock.now() : this.#lastUsedAt
  }

  /** False once nothing can be sent any more; final. */
  get usable(): boolean {
    return !this.#down
  }

  /** The number of this pair at the other side, from its HELLOs: see {@link Hello.pair}. */
  get number(): number {
    return this.#options.hello.pair
  }

  /** Whether a stream of that dialler is, or was, part of the pair. */
  hasFrom(dialled: boolean): boolean {
    return this.#diallers.has(dialled)
  }

  nextId(): number {
    this.#lastMessageId = this.#lastMessageId >= Number.MAX_SAFE_INTEGER ? 1 : this.#lastMessageId + 1
    return this.#lastMessageId
  }

  send(header: string, id: number, body: Value, priority?: SendPriority): Promise<void> {
    if (this.#current === undefined) return Promise.reject(this.#closedError())
    this.#usedSince = true
    return this.#current.connection.send({ header, id, body }, priority)
  }

  ping(options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<number> {
    const { timeoutMs = PONG_WITHIN_MS, signal } = options
    const current = this.#current
    if (signal?.aborted) return Promise.reject(signal.reason)
    if (current === undefined) return Promise.reject(this.#closedError())
    if (this.#pings.size >= MAX_PINGS) {
      return Promise.reject(
        new TransportError('RESOURCE_BUSY', `${MAX_PINGS} pings to ${this.peer.short} are under way.`),
      )
    }
    return new Promise((resolve, reject) => {
      const { clock } = this.#options
      const id = this.nextId()
      const leave = whenAborted(signal, () => this.#failPing(id, signal?.reason))
      const timer = clock.setTimeout(() => this.#failPing(id, this.#pingTimeout(timeoutMs)), timeoutMs)
      this.#pings.set(id, { sentAt: clock.now(), link: current.number, timer, leave, resolve, reject })
      current.connection
        .send({ header: PING_HEADER, id, body: null }, 'urgent')
        .catch((error) => this.#failPing(id, error))
    })
  }

  /** Ends its wait, whatever for; undefined if it is over already. */
  #takePing(id: number): Ping | undefined {
    const ping = this.#pings.get(id)
    if (ping === undefined) return undefined
    this.#pings.delete(id)
    this.#options.clock.clearTimeout(ping.timer)
    ping.leave()
    return ping
  }

  #failPing(id: number, error: unknown): void {
    this.#takePing(id)?.reject(error)
  }

  #pingTimeout(timeoutMs: number): TransportError {
    return new TransportError('PING_TIMEOUT', `${this.peer.short} did not answer within ${timeoutMs} ms.`)
  }

  /** The dial that was under way is over: it has become one of our streams, or the other side has refused it. */
  dialEnded(): void {
    this.#feed({ type: 'dial-ended' })
  }

  /** That dial is over, and the other side may have taken it for a stream of this pair: the pair ends. */
  dialLost(error: Error): void {
    this.#feed({ type: 'dial-lost' }, { code: 'FAILED', polite: false, error })
  }

  /** Takes over a connection whose HELLO came in. Reading starts with the function that is returned. */
  add(connection: Connection, hello: Hello): () => void {
    const { clock } = this.#options
    this.#linkCount += 1
    this.#diallers.add(connection.dialled)
    const link: Link = {
      number: this.#linkCount,
      connection,
      keepAlive: new KeepAlive(connection.dialled, clock.now()),
      wake: () => this.#onWake(link),
      timer: undefined,
      retireTimer: undefined,
      ending: false,
      lastId: 0,
    }
    if (hello.record.sequence >= this.#hello.record.sequence) this.#hello = hello
    this.#links.set(link.number, link)
    void connection.closed.then((reason) => this.#onClosed(link, reason))
    this.#schedule(link)
    this.#feed({ type: 'established', link: link.number, dialledHere: connection.dialled })
    return () => connection.onMessage((message) => this.#onMessage(link, message))
  }

  /** Says goodbye on every stream and ends it. Resolves when they are gone, at the latest after 2 s. */
  async leave(code: CloseCode): Promise<void> {
    const closing: Promise<void>[] = []
    for (const link of this.#links.values()) {
      link.ending = true
      link.connection.sendLast(goAway(code, link.lastId))
      closing.push(link.connection.close(code))
    }
    this.#goDown({ code, polite: true })
    await Promise.all(closing)
  }

  /** Abrupt. */
  destroy(code: CloseCode, error?: Error): void {
    this.#drop(error === undefined ? { code, polite: false } : { code, polite: false, error })
  }

  #feed(input: PairInput, reason?: CloseReason): void {
    for (const effect of this.#state.handle(input)) this.#perform(effect, reason)
    this.#watchHold()
  }

  #perform(effect: PairEffect, reason: CloseReason | undefined): void {
    if (effect.type === 'down') {
      this.#drop(reason ?? { code: 'CLOSED', polite: true })
      return
    }
    const link = this.#links.get(effect.link)
    if (link === undefined) return
    const { connection } = link
    switch (effect.type) {
      case 'use':
        if (this.#down) break
        this.#current = link
        this.#last = connection
        break
      case 'probe':
        this.#sendProbe(link, effect.probe)
        break
      case 'retire':
        connection.sendLast(goAway(effect.code, link.lastId))
        link.retireTimer = this.#options.clock.setTimeout(() => this.#giveUp(link), RETIRED_FOR_MS)
        break
      case 'answer':
        link.ending = true
        // Its deadline is enough: a ping finds no way any more, and the other side has said its last word.
        this.#options.clock.clearTimeout(link.timer)
        connection.sendLast(goAway(effect.code, link.lastId))
        // All that waits to be sent here belongs to the pair that goes on.
        void connection.close(effect.code, effect.code === 'DUPLICATE' ? { withinMs: RETIRED_FOR_MS } : {})
        break
      case 'finish':
        link.ending = true
        this.#options.clock.clearTimeout(link.timer)
        this.#options.clock.clearTimeout(link.retireTimer)
        void connection.close(effect.code)
        break
      case 'release':
        this.#release(effect.link)
        break
      default:
        effect satisfies never
    }
  }

  #onMessage(link: Link, message: Message): void {
    const id = message.id as number // Connection lets only integers through.
    switch (message.header) {
      case PING_HEADER:
        this.#postpone(link)
        // No room means that the peer does not read its answers: its loss.
        link.connection.send({ header: PONG_HEADER, id, body: null }, 'urgent').catch((error: Error) => {
          this.#options.logger.debug({ err: error, peer: this.peer }, 'a ping stays unanswered')
        })
        break
      case PONG_HEADER:
        this.#postpone(link)
        this.#onPong(link, id)
        break
      case GOAWAY_HEADER: {
        const code = goAwayCode(message)
        this.#feed({ type: 'goaway', link: link.number, code }, { code, polite: true })
        break
      }
      case HELLO_HEADER: {
        const text = `${this.peer.short} said HELLO twice on one connection.`
        link.connection.destroy('PROTOCOL_ERROR', new TransportError('PROTOCOL_ERROR', text))
        break
      }
      default:
        if (this.#down) break
        link.lastId = id
        this.#usedSince = true
        if (this.#state.holds(link.number)) this.#hold(link, message)
        else this.#options.onFrame(this, message)
    }
  }

  #onPong(link: Link, id: number): void {
    if (this.#probe?.pingId === id && this.#probe.link === link.number) {
      this.#feed({ type: 'pong', link: link.number, probe: this.#probe.number })
      return
    }
    const ping = this.#pings.get(id)
    if (ping === undefined || ping.link !== link.number) return
    const ms = this.#options.clock.now() - ping.sentAt
    this.#takePing(id)?.resolve(ms)
    this.#options.onRoundTrip(this, ms)
  }

  #sendProbe(link: Link, number: number): void {
    const pingId = this.nextId()
    // No deadline of its own: nothing is urgent while the other stream works, and keep-alive finds out if this one is dead.
    this.#probe = { number, link: link.number, pingId }
    this.#sendPing(link, pingId)
  }

  /** A ping that cannot be sent needs no care: the stream is closed, or so full that bytes keep coming or time runs out. */
  #sendPing(link: Link, id: number): void {
    link.connection.send({ header: PING_HEADER, id, body: null }, 'urgent').catch((error: Error) => {
      this.#options.logger.debug({ err: error, peer: this.peer }, 'a ping could not be sent')
    })
  }

  #schedule(link: Link): void {
    const { clock } = this.#options
    link.timer = clock.setTimeout(link.wake, Math.max(0, link.keepAlive.dueAt - clock.now()))
  }

  #postpone(link: Link): void {
    if (link.ending) return
    const { receiver, sender } = link.connection
    this.#noteUse(this.#options.clock.now())
    link.keepAlive.postpone(receiver.lastActivityAt, sender.lastActivityAt)
    this.#options.clock.clearTimeout(link.timer)
    this.#schedule(link)
  }

  #onWake(link: Link): void {
    const { connection, keepAlive } = link
    const now = this.#options.clock.now()
    this.#noteUse(now)
    const step = keepAlive.wake(now, connection.receiver.lastActivityAt, connection.sender.lastActivityAt)
    if (step === 'dead') {
      const silent = Math.round(now - connection.receiver.lastActivityAt)
      const text = `Nothing was heard from ${this.peer.short} for ${silent} ms.`
      connection.destroy('PING_TIMEOUT', new TransportError('PING_TIMEOUT', text))
      return
    }
    if (step === 'ping') this.#sendPing(link, this.nextId())
    this.#schedule(link)
  }

  #noteUse(now: number): void {
    if (this.#usedSince) this.#lastUsedAt = now
    this.#usedSince = false
  }

  #onClosed(link: Link, reason: CloseReason): void {
    const { clock } = this.#options
    clock.clearTimeout(link.timer)
    clock.clearTimeout(link.retireTimer)
    this.#links.delete(link.number)
    for (const [id, ping] of [...this.#pings]) {
      if (ping.link === link.number) this.#failPing(id, this.#closedError())
    }
    this.#feed({ type: 'ended', link: link.number }, reason)
  }

  #hold(link: Link, message: Message): void {
    this.#holdTimer ??= this.#options.clock.setTimeout(() => this.#holdExpired(), HOLD_FOR_MS)
    this.#held.add(link.number, link.connection.receiver, message)
    if (this.#held.bytes > HOLD_BYTES) this.#holdExpired()
  }

  #holdExpired(): void {
    const text = `Frames of ${this.peer.short} waited too long, or too many of them, for those of its other stream.`
    this.#feed({ type: 'hold-expired' }, { code: 'FAILED', polite: false, error: closed(text) })
  }

  /** A retired stream that brings no GOAWAY. */
  #giveUp(link: Link): void {
    const text = `The last frames of ${this.peer.short} did not come within ${RETIRED_FOR_MS / 1_000} s.`
    link.connection.destroy('FAILED', closed(text))
  }

  #release(number: number): void {
    for (const message of this.#held.take(number)) this.#options.onFrame(this, message)
  }

  #watchHold(): void {
    if (!this.#held.empty || this.#holdTimer === undefined) return
    this.#options.clock.clearTimeout(this.#holdTimer)
    this.#holdTimer = undefined
  }

  /** Ends the pair, and cuts every stream that is not being ended politely. */
  #drop(reason: CloseReason): void {
    const left = [...this.#links.values()].filter(({ ending }) => !ending)
    this.#goDown(reason)
    for (const { connection } of left) connection.destroy(reason.code, reason.error)
  }

  #goDown(reason: CloseReason): void {
    if (this.#down) return
    this.#down = true
    this.#current = undefined
    this.#held.clear()
    this.#watchHold()
    for (const id of [...this.#pings.keys()]) this.#failPing(id, this.#closedError())
    this.#resolveClosed(reason)
    this.#options.onDown(this, reason)
  }

  #closedError(): TransportError {
    return closed(`The connection to ${this.peer.short} is closed; ask the connector for it again.`)
  }
}

function closed(text: string): TransportError {
  return new TransportError('CONNECTION_CLOSED', text)
}
