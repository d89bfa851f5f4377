import { EventEmitter } from 'node:events'
import { type Identity, type Network, PeerId, type SignedPeerRecord } from '@pc/identity'
import type { Message } from '@pc/wire'
import { untilAborted } from './abort.js'
import type { Address } from './address.js'
import { Bandwidth } from './bandwidth.js'
import { BulkConnections } from './bulk-connections.js'
import { BulkLease } from './bulk-lease.js'
import type { CloseCode, CloseReason } from './close-code.js'
import { Connection, type ConnectionOptions } from './connection.js'
import type { ControlConnection } from './control-connection.js'
import { Dialler } from './dialler.js'
import { TransportError } from './errors.js'
import type { BandwidthLimits } from './fair-share.js'
import { Greeter } from './greeter.js'
import { type Greeting, goAway, refuseStream } from './greeting.js'
import { BOOT_ID_LENGTH, type Hello, sameBoot } from './hello.js'
import { PONG_WITHIN_MS } from './keep-alive.js'
import { type ConnectionLimits, DEFAULT_LIMITS } from './limits.js'
import { LoopUse } from './loop-share.js'
import type { NetworkProtocol, SecureStream } from './network-protocol.js'
import { Pair } from './pair.js'
import type { PeerBook } from './peer-book.js'
import { PeerSlot } from './peer-slot.js'
import { type Clock, type Logger, type Random, silentLogger, systemClock, systemRandom } from './ports.js'
import { SendBudget } from './send-budget.js'

/** How long a caller waits for a bulk connection, unless it says otherwise. */
const WAIT_FOR_BULK_MS = 5_000
/** How long a control connection must have been unused before it makes room for another one. */
const KEEP_CONTROL_MS = 300_000

export interface ConnectorOptions {
  identity: Pick<Identity, 'id'>
  protocol: NetworkProtocol
  /**
   * Peers of another network are refused at HELLO; with a secret also those that do not prove to know it, and streams without
   * {@link SecureStream.channelBinding}.
   */
  network: Pick<Network, 'keyId' | 'hasSecret' | 'prove' | 'verifyProof'>
  /** 8 bytes, new at each start. */
  bootId: Uint8Array
  /** Our own record as of now; asked at each HELLO. */
  record: () => SignedPeerRecord
  /** Where to find addresses; what connections prove is noted there. */
  peerBook: PeerBook
  /** Names of what this peer can do beyond the protocol version, for others to read in its HELLO. @default [] */
  features?: readonly string[]
  limits?: Partial<Pick<ConnectionLimits, 'outbound' | 'bulkPerPeer' | 'queuedBytes'>>
  /**
   * What bulk connections may send and receive, shared equally by the peers that want to. Control connections are counted, and never
   * wait. @default no limit
   */
  bandwidth?: { readonly send?: BandwidthLimits; readonly receive?: BandwidthLimits }
  /** @default systemClock */
  clock?: Clock
  /** @default systemRandom */
  random?: Random
  /** @default silentLogger */
  logger?: Logger
}

export interface ConnectorEvents {
  /** A pair is connected: once, until `disconnected`, however many streams are made and given up underneath. */
  connected: [ControlConnection]
  /** Nothing can be sent to that peer any more. */
  disconnected: [ControlConnection, CloseReason]
  /** Every frame that is not transport's own; those of one priority in the order in which the peer sent them. */
  frame: [ControlConnection, Message]
  /** A peer opened a bulk connection. Whoever listens owns it; without a listener the peer is told BUSY. */
  bulk: [Connection]
}

/**
 * All connections of a peer: one control connection per other peer, made when it is asked for or when the other side makes it,
 * and bulk connections beside it. See {@link PairState} for what happens when both sides dial.
 *
 * An error that an event listener throws is logged and hurts nobody else.
 */
export class Connector {
  readonly events: EventEmitter<ConnectorEvents> = new EventEmitter<ConnectorEvents>()
  readonly #options: ConnectorOptions
  readonly #limits: ConnectionLimits
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #dialler: Dialler
  readonly #slots = new Map<string, PeerSlot>()
  /** Every stream that this connector owns, from the handshake to its end. */
  readonly #connections = new Set<Connection>()
  readonly #pairs = new Set<Pair>()
  readonly #greeter: Greeter
  readonly #connectionOptions: ConnectionOptions
  readonly #bulk: BulkConnections
  /** Rises with every end of a pair, whoever the peer, so that what a forgotten slot had is never used again. */
  #lastNumber = 0
  #closed: TransportError | undefined
  #closing: Promise<void> | undefined

  private constructor(options: ConnectorOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    const bandwidthOf = (limits: BandwidthLimits | undefined): Bandwidth | undefined =>
      limits === undefined ? undefined : new Bandwidth(limits, this.#clock)
    this.#connectionOptions = {
      clock: this.#clock,
      logger: this.#logger,
      firstFrameOnly: true,
      budget: new SendBudget(this.#limits.queuedBytes),
      loop: new LoopUse(),
      bandwidth: { send: bandwidthOf(options.bandwidth?.send), receive: bandwidthOf(options.bandwidth?.receive) },
    }
    this.#dialler = new Dialler({
      ownId: options.identity.id,
      protocol: options.protocol,
      peerBook: options.peerBook,
      limit: this.#limits.outbound,
      makeRoom: () => this.#makeRoom(),
      clock: this.#clock,
      random: options.random ?? systemRandom,
      own: (stream) => this.#own(stream),
    })
    const { network, bootId, record, features = [], peerBook } = options
    this.#greeter = new Greeter({ network, bootId, record, features, peerBook, clock: this.#clock })
    this.#bulk = new BulkConnections({
      perPeer: this.#limits.bulkPerPeer,
      clock: this.#clock,
      dialler: this.#dialler,
      greeter: this.#greeter,
      peerBook,
      onShrink: (slot) => this.#tidy(slot),
    })
  }

  /** @throws RangeError when `bootId` is not 8 bytes, or a bandwidth limit is not above 0 */
  static create(options: ConnectorOptions): Connector {
    if (options.bootId.length !== BOOT_ID_LENGTH) {
      throw new RangeError(`Expected a boot id of ${BOOT_ID_LENGTH} bytes, but got ${options.bootId.length}.`)
    }
    return new Connector(options)
  }

  /** Pairs that are connected. */
  get size(): number {
    let size = 0
    for (const slot of this.#slots.values()) if (slot.live !== undefined) size += 1
    return size
  }

  /** The control connection with `peer`, if there is one. */
  current(peer: PeerId): ControlConnection | undefined {
    return this.#slots.get(peer.toString())?.live
  }

  /**
   * The control connection with `peer`: the live one, or a new one, dialled once however many ask. Whoever asked and leaves by
   * its signal does not disturb the others; when nobody waits any more the dial is cut.
   * @throws TransportError PEER_UNREACHABLE (with `cause`), NO_ADDRESS, SELF_DIALLED, RESOURCE_BUSY, CLOSED; the signal's reason
   */
  async control(peer: PeerId, options: { signal?: AbortSignal } = {}): Promise<ControlConnection> {
    options.signal?.throwIfAborted()
    this.#requireOpen()
    if (peer.equals(this.#options.identity.id)) {
      throw new TransportError('SELF_DIALLED', 'A peer does not connect to itself; deal with its own messages locally.')
    }
    const slot = this.#slot(peer)
    if (slot.live !== undefined) return slot.live
    if (slot.dial === undefined) this.#startDial(slot)
    return slot.wait(options.signal)
  }

  /**
   * Finds out whether `peer` can be reached now: dials also where a connection stands, as that may lead through a network that is gone. The new
   * stream is then closed as DUPLICATE once the peer has proved itself and said HELLO, and the connection that stands comes back; one that led to
   * a former process of that peer is replaced. Without a connection this is {@link Connector.control}.
   * @throws TransportError PEER_UNREACHABLE (with `cause`), NO_ADDRESS, SELF_DIALLED, RESOURCE_BUSY, CLOSED; the signal's reason
   */
  async reach(peer: PeerId, options: { signal?: AbortSignal } = {}): Promise<ControlConnection> {
    const { signal } = options
    signal?.throwIfAborted()
    this.#requireOpen()
    if (this.current(peer) === undefined) return this.control(peer, options)
    try {
      const connection = await this.#dialler.dialKnown(peer, signal)
      // Only now: the slot of before may have gone with its pair.
      return await untilAborted(this.#greetAsDialler(this.#slot(peer), connection), signal)
    } catch (error) {
      throw unreachable(peer, this.#closed ?? error, signal)
    }
  }

  /**
   * Follows a hint: dials, learns who is there, and connects. If the pair is connected already, the new stream is closed as
   * DUPLICATE and the connection there is comes back; one that led to a former process of that peer is replaced.
   * @throws TransportError ALL_ATTEMPTS_FAILED, WRONG_PEER, SELF_DIALLED, PEER_UNREACHABLE, RESOURCE_BUSY, CLOSED; the signal's reason
   */
  async meet(
    addresses: readonly Address[],
    options: { expect?: PeerId; signal?: AbortSignal } = {},
  ): Promise<ControlConnection> {
    options.signal?.throwIfAborted()
    this.#requireOpen()
    const live = options.expect === undefined ? undefined : this.#slots.get(options.expect.toString())?.live
    if (live !== undefined) return live
    const connection = await this.#dialler.dial(addresses, options.expect, options.signal)
    return untilAborted(this.#greetAsDialler(this.#slot(connection.remoteId), connection), options.signal)
  }

  /**
   * A bulk connection for one use: one that was used before, or a new one. Frames up to 1 MiB. When there is no room for another with this
   * peer, waits in line for `waitMs` (5 s).
   *
   * Listen even to send only: the end of a connection, and a peer that says BUSY, are seen by reading.
   * @throws TransportError RESOURCE_BUSY with `retryAfterMs`, PEER_UNREACHABLE, NO_ADDRESS, SELF_DIALLED, CLOSED; the signal's reason
   */
  async leaseBulk(peer: PeerId, options: { signal?: AbortSignal; waitMs?: number } = {}): Promise<BulkLease> {
    const { signal, waitMs = WAIT_FOR_BULK_MS } = options
    const [{ bulk }, connection] = await this.#acquireBulk(peer, signal, waitMs)
    return new BulkLease(connection, () => bulk.release(connection))
  }

  /**
   * As {@link Connector.leaseBulk}, but the connection then belongs to the caller, who closes it, and nobody waits for a place.
   * @throws TransportError RESOURCE_BUSY (5 with this peer), PEER_UNREACHABLE, NO_ADDRESS, SELF_DIALLED, CLOSED; the signal's reason
   */
  async openBulk(peer: PeerId, options: { signal?: AbortSignal } = {}): Promise<Connection> {
    const [, connection] = await this.#acquireBulk(peer, options.signal, 0)
    return connection
  }

  /** Takes over a stream that somebody else opened. `settled` is called when its HELLO is through, or it has failed. */
  accept(stream: SecureStream, settled: () => void = () => {}): void {
    if (this.#closed !== undefined) {
      void refuseStream(stream, 'SHUTTING_DOWN', { clock: this.#clock, logger: this.#logger }).then(settled)
    } else if (stream.remoteId.equals(this.#options.identity.id)) {
      stream.duplex.destroy()
      settled()
    } else {
      this.#greetAsAcceptor(this.#slot(stream.remoteId), this.#own(stream)).then(settled, (error: Error) => {
        this.#logger.debug({ err: error, peer: stream.remoteId }, 'an accepted connection came to nothing')
        settled()
      })
    }
  }

  /**
   * Says GOAWAY to everybody, flushes, and ends every stream: within 2 s, or as soon as `signal` aborts, which cuts what is
   * left. Dials under way are cut at once, their waiters rejected with CLOSED. Idempotent.
   */
  close(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#closing ??= this.#closeAll()
    const cut = (): void => {
      for (const connection of this.#connections) connection.destroy('LEAVING')
    }
    if (options.signal?.aborted) cut()
    else options.signal?.addEventListener('abort', cut, { once: true })
    return this.#closing.finally(() => options.signal?.removeEventListener('abort', cut))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #acquireBulk(
    peer: PeerId,
    signal: AbortSignal | undefined,
    waitMs: number,
  ): Promise<readonly [PeerSlot, Connection]> {
    signal?.throwIfAborted()
    this.#requireOpen()
    const slot = this.#slot(peer)
    try {
      return [slot, await slot.bulk.acquire(signal, waitMs)]
    } catch (error) {
      throw unreachable(peer, error, signal)
    } finally {
      this.#tidy(slot)
    }
  }

  async #closeAll(): Promise<void> {
    const error = new TransportError('CLOSED', 'The connector is closed.')
    this.#closed = error
    this.#dialler.close(error)
    for (const slot of [...this.#slots.values()]) {
      slot.fail(error)
      slot.bulk.fail(error)
    }
    this.#bulk.close()
    const left = [...this.#pairs].map((pair) => pair.leave('LEAVING'))
    for (const connection of this.#connections) {
      connection.sendLast(goAway('LEAVING'))
      left.push(connection.close('LEAVING'))
    }
    await Promise.all(left)
  }

  // ---- dialling

  /** Ends what has been unused for longest. Undefined: everything is in use. */
  #makeRoom(): Promise<void> | undefined {
    const room = this.#bulk.makeRoom()
    if (room !== undefined) return room
    const unusedSince = this.#clock.now() - KEEP_CONTROL_MS
    let oldest: Pair | undefined
    for (const pair of this.#pairs) {
      if (pair.dialled && pair.lastUsedAt < (oldest?.lastUsedAt ?? unusedSince)) oldest = pair
    }
    return oldest?.leave('IDLE')
  }

  #startDial(slot: PeerSlot): void {
    const abort = new AbortController()
    slot.dial = abort
    void this.#dial(slot, abort.signal).then((error) => {
      // When the dial was cut, somebody else has seen to the waiters.
      if (slot.dial === abort) {
        slot.dial = undefined
        slot.fail(error)
      }
      this.#tidy(slot)
    })
  }

  /** Resolves with the reason when the pair is not connected in the end. */
  async #dial(slot: PeerSlot, signal: AbortSignal): Promise<unknown> {
    let reason: unknown
    try {
      const connection = await this.#dialler.dialKnown(slot.peer, signal)
      await this.#greetAsDialler(slot, connection)
    } catch (error) {
      reason = error
      // The other side may have dialled at the same time, and be just about to say HELLO.
      await slot.greeted()
    }
    return unreachable(slot.peer, reason, undefined)
  }

  // ---- HELLO

  /**
   * The dialler's HELLO, one at a time per peer: so a peer never has two dialled control connections to another that it believes
   * in, and whoever sees two knows that the older one was given up.
   */
  async #greetAsDialler(slot: PeerSlot, connection: Connection): Promise<ControlConnection> {
    const end = slot.startGreeting()
    try {
      while (slot.saying !== undefined) await slot.saying
      const greeting = this.#greeter.greet(connection)
      const done = this.#sayAsDialler(slot, greeting)
      slot.saying = done.then(
        () => {},
        () => {},
      )
      try {
        const pair = await done
        slot.live?.dialEnded()
        return pair
      } catch (error) {
        this.#onDialFailed(slot, greeting, error)
        throw error
      } finally {
        slot.saying = undefined
        slot.dialled = undefined
      }
    } finally {
      end()
      this.#tidy(slot)
    }
  }

  async #sayAsDialler(slot: PeerSlot, greeting: Greeting): Promise<ControlConnection> {
    // With a live connection ours is one too many, unless the other side has given that one up, or was restarted: its HELLO, which
    // comes first then, tells.
    const perhapsDuplicate = slot.live !== undefined
    if (!perhapsDuplicate) {
      greeting.say(this.#greeter.hello('control', slot.number, greeting.connection))
      slot.dialled = slot.number
    }
    const hello = await greeting.hello
    const live = slot.live
    if (perhapsDuplicate && live !== undefined && sameBoot(live.bootId, hello.boot) && hello.pair <= live.number) {
      turnAway(greeting.connection, 'DUPLICATE')
      return live
    }
    greeting.say(this.#greeter.hello('control', slot.number, greeting.connection))
    return this.#establish(slot, greeting, hello)
  }

  /**
   * A dial that said HELLO and came to nothing may be a stream of the pair for the other side, with frames under way. Only GOAWAY in
   * place of HELLO says that it is not.
   */
  #onDialFailed(slot: PeerSlot, { said }: Greeting, error: unknown): void {
    const cause = error instanceof Error ? error : new TransportError('CONNECTION_CLOSED', String(error))
    if (said === undefined || said !== slot.number) return
    if (error instanceof TransportError && error.code === 'REFUSED') slot.live?.dialEnded()
    else if (slot.live !== undefined) slot.live.dialLost(cause)
    else slot.number = this.#nextNumber()
  }

  async #greetAsAcceptor(slot: PeerSlot, connection: Connection): Promise<void> {
    const end = slot.startGreeting()
    try {
      const greeting = this.#greeter.greet(connection)
      greeting.say(this.#greeter.hello('control', slot.number, connection))
      const hello = await greeting.hello
      this.#options.peerBook.noteProof(slot.peer, undefined, this.#clock.now())
      if (hello.kind === 'bulk') this.#takeBulk(slot, connection, hello)
      else this.#establish(slot, greeting, hello)
    } finally {
      end()
      this.#tidy(slot)
    }
  }

  #own(stream: SecureStream): Connection {
    const connection = new Connection(stream, this.#connectionOptions)
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
    return connection
  }

  // ---- what HELLO led to

  #establish(slot: PeerSlot, greeting: Greeting, hello: Hello): ControlConnection {
    const { connection } = greeting
    const { peerBook, identity } = this.#options
    this.#requireOpen()
    if (greeting.said !== slot.number || (slot.live !== undefined && isLate(hello, slot.live))) {
      connection.destroy('FAILED')
      if (slot.live !== undefined) return slot.live
      const text = `The connection to ${slot.peer.short} belonged to one that has ended; try again.`
      throw new TransportError('CONNECTION_CLOSED', text)
    }
    if (slot.live !== undefined && !isSamePair(hello, connection, slot.live)) {
      // It is over at the other side; ours keeps its number, which goes with another number of the other side from now on.
      const former = slot.live
      slot.live = undefined
      former.destroy(sameBoot(former.bootId, hello.boot) ? 'ENDED' : 'RESTARTED')
    }
    slot.bulk.endFormer(hello.boot)
    peerBook.upsert(hello.record)
    const live = slot.live
    const pair = live ?? this.#newPair(slot, connection, hello, PeerId.compare(identity.id, slot.peer) < 0)
    const start = pair.add(connection, hello)
    if (live === undefined) this.#emit('connected', pair)
    slot.succeed(pair)
    connection.proceed('control')
    start()
    return pair
  }

  #newPair(slot: PeerSlot, connection: Connection, hello: Hello, smaller: boolean): Pair {
    const pair = new Pair(connection, {
      hello,
      remoteId: slot.peer,
      smaller,
      dialling: slot.dialled === slot.number,
      clock: this.#clock,
      logger: this.#logger,
      onFrame: (from, message) => this.#emitFrame(from, message),
      onRoundTrip: (from, ms) => this.#options.peerBook.noteRoundTrip(from.peer, ms),
      onDown: (gone, reason) => {
        this.#pairs.delete(gone)
        if (!reason.polite) slot.bulk.dropIdle()
        // Since the ping that nobody answered: what brought something meanwhile leads to a peer that lives.
        if (reason.code === 'PING_TIMEOUT') slot.bulk.endSilent(this.#clock.now() - PONG_WITHIN_MS)
        if (slot.live === gone) {
          slot.live = undefined
          slot.number = this.#nextNumber()
        }
        this.#tidy(slot)
        this.#emit('disconnected', gone, reason)
      },
    })
    this.#pairs.add(pair)
    slot.live = pair
    return pair
  }

  #takeBulk(slot: PeerSlot, connection: Connection, hello: Hello): void {
    this.#requireOpen()
    this.#options.peerBook.upsert(hello.record)
    if (this.events.listenerCount('bulk') === 0 || !slot.bulk.admit(connection, hello.boot)) {
      turnAway(connection, 'BUSY')
      return
    }
    connection.proceed('bulk')
    this.#emit('bulk', connection)
  }

  /** As {@link Connector.#emit}, for what happens a million times a second. */
  #emitFrame(pair: Pair, message: Message): void {
    try {
      this.events.emit('frame', pair, message)
    } catch (error) {
      this.#logger.error({ err: error, event: 'frame' }, 'an event listener threw')
    }
  }

  #emit<Name extends keyof ConnectorEvents>(name: Name, ...args: ConnectorEvents[Name]): void {
    try {
      ;(this.events as EventEmitter).emit(name, ...args)
    } catch (error) {
      this.#logger.error({ err: error, event: name }, 'an event listener threw')
    }
  }

  // ---- slots

  #slot(peer: PeerId): PeerSlot {
    const key = peer.toString()
    const known = this.#slots.get(key)
    if (known !== undefined) return known
    const slot = new PeerSlot(peer, this.#lastNumber, (made) => this.#bulk.poolOf(made))
    this.#slots.set(key, slot)
    return slot
  }

  #nextNumber(): number {
    this.#lastNumber += 1
    return this.#lastNumber
  }

  #tidy(slot: PeerSlot): void {
    const key = slot.peer.toString()
    if (slot.empty && this.#slots.get(key) === slot) this.#slots.delete(key)
  }

  #requireOpen(): void {
    if (this.#closed !== undefined) throw this.#closed
  }
}

/** Whether the stream was opened for something that is over: by the process before (sequences of records only grow), or for a pair before. */
function isLate(hello: Hello, live: Pair): boolean {
  if (!sameBoot(live.bootId, hello.boot)) return hello.record.sequence < live.record.sequence
  return hello.pair < live.number
}

/** A peer says HELLO on one dial only for each of its pairs: a second one belongs to its next pair, whatever it says. */
function isSamePair(hello: Hello, connection: Connection, live: Pair): boolean {
  return sameBoot(live.bootId, hello.boot) && hello.pair === live.number && !live.hasFrom(connection.dialled)
}

function turnAway(connection: Connection, code: CloseCode): void {
  connection.sendLast(goAway(code))
  void connection.close(code)
}

const PASSED_ON: readonly string[] = ['CLOSED', 'NO_ADDRESS', 'SELF_DIALLED', 'RESOURCE_BUSY']

/** What callers of `control` and `openBulk` see. */
function unreachable(peer: PeerId, cause: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (cause instanceof TransportError && PASSED_ON.includes(cause.code)) return cause
  const why = cause instanceof Error ? cause.message : 'the connection ended at once'
  return new TransportError('PEER_UNREACHABLE', `No connection to ${peer.short}: ${why}`, { cause })
}
