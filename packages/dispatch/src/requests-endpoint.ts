/**
 * The one door for datagrams: everything that arrives on any socket goes through `receive`, and everything leaves through `announce`,
 * `send` and `submit`. The order of checks puts the cheap before the dear, and remembers nothing that has not been proved but for the
 * bounded address buckets. Rules are in `sessions/`, `announcements.ts` and the dispatcher; this is the part that owns timer and sockets.
 */
import {
  createKeyExchange,
  MAX_SEALED_PLAINTEXT,
  readPeerRecord,
  SESSION_OVERHEAD,
  type SignedPeerRecord,
} from '@pc/identity'
import { type Address, type Clock, type DatagramSocket, type Logger, silentLogger, systemRandom } from '@pc/transport'
import {
  DATAGRAM_LIMITS,
  encodeValue,
  MAX_DATAGRAM,
  PROTOCOL_VERSION,
  Protection,
  RootCode,
  readDatagram,
  type Value,
} from '@pc/wire'
import { type AnnouncementHandler, Announcements } from './announcements.js'
import { AttachedSockets } from './attached-sockets.js'
import { Dispatcher } from './dispatcher.js'
import { DispatchError } from './errors.js'
import type { DispatchTarget } from './handler.js'
import { HostLimiter } from './host-limiter.js'
import { LoopDelay } from './loop-delay.js'
import { type Rate, RateLimit } from './rate-limit.js'
import { RequestIds } from './request-ids.js'
import { noCounters, type RequestsCounters } from './requests-counters.js'
import type {
  DatagramHandler,
  DatagramHandlerOptions,
  Destination,
  ReceiveOptions,
  RequestsEndpointOptions,
  RequestsEndpointSize,
  SendOptions,
  SubmitOptions,
} from './requests-options.js'
import type { Call } from './sessions/own-requests.js'
import { type DatagramEvent, SealedHandlers } from './sessions/sealed-handlers.js'
import {
  DATAGRAM_BODY_OFFSET,
  idKeyOf,
  isSealedRootCode,
  MessageKind,
  packDatagram,
  packWithId,
  REQUEST_BODY_OFFSET,
} from './sessions/sealed-message.js'
import { type Outcome, Sessions } from './sessions/sessions.js'
import { WakeTimer } from './wake-timer.js'

const MIN_DATAGRAM = 2 // root code, version and protection
const SEALED = (PROTOCOL_VERSION << 4) | Protection.SESSION
const HANDSHAKE = (PROTOCOL_VERSION << 4) | Protection.HANDSHAKE
const SIGNATURES: Rate = { ratePerSecond: 1_500, burst: 256 }
const REQUEST_TIMEOUT_MS = 1_000
/** A day: longer than anybody waits for a datagram, and well within what a timer takes. */
const MAX_TIMEOUT_MS = 86_400_000

export class RequestsEndpoint {
  /** Live: read it whenever you like, change nothing. */
  readonly counters: Readonly<RequestsCounters>
  /** Hands sealed messages to their handlers: for middleware, batches and workers. Its headers are `0x80` and the like. */
  readonly dispatcher: Dispatcher<DatagramEvent, Value | undefined>
  readonly #counters: RequestsCounters = noCounters()
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #limiter: HostLimiter
  readonly #signatures: RateLimit
  readonly #announcements: Announcements
  readonly #handlers: SealedHandlers
  readonly #sessions: Sessions
  readonly #delay: LoopDelay
  readonly #sockets: AttachedSockets
  readonly #ids: RequestIds
  readonly #wake: WakeTimer
  #onAnnouncement: AnnouncementHandler | undefined
  #datagrams = 0
  #closing: Promise<void> | undefined

  static create(options: RequestsEndpointOptions): RequestsEndpoint {
    return new RequestsEndpoint(options)
  }

  private constructor(options: RequestsEndpointOptions) {
    const { identity, network, clock, limits = {}, logger = silentLogger, known } = options
    const { random = systemRandom, authorize = ({ access }) => access === 'anyone' } = options
    this.counters = this.#counters
    this.#clock = clock
    this.#logger = logger
    this.#limiter = new HostLimiter(limits.addresses, limits.loopback)
    this.#signatures = new RateLimit(limits.signatures ?? SIGNATURES)
    this.#announcements = new Announcements(network, options.bootId, limits.boots)
    this.#delay = new LoopDelay(clock)
    this.#sockets = new AttachedSockets(options.interfaces)
    this.#ids = new RequestIds(random)
    this.#wake = new WakeTimer(clock, (now) => {
      this.#sessions.timer(now)
      this.#wake.at(this.#sessions.wakeAt)
    })
    this.dispatcher = new Dispatcher({ verb: 'datagram', authorize, logger, concurrency: limits.concurrency ?? 256 })
    const bytes = (length: number): Uint8Array => random.bytes(length)
    const exchange =
      options.exchange ??
      createKeyExchange({ identity, network, random: bytes, ...(known === undefined ? {} : { known }) })
    this.#sessions = new Sessions({
      network,
      exchange,
      random,
      limits,
      counters: this.#counters,
      ports: {
        now: () => clock.now(),
        post: (datagram, to, via) => this.#post(datagram, to, via),
        addressAllowed: (host, now) => this.#limiter.allow(host, now),
        deliver: (incoming, now) => this.#handlers.deliver(incoming, now, this.#delay.sample(now)),
        record: () => options.record?.().bytes,
        established: ({ id, address }) => options.onSession?.({ id, address }),
        opened: ({ id }) => options.onHeard?.(id),
      },
    })
    this.#handlers = new SealedHandlers({
      dispatcher: this.dispatcher,
      counters: this.#counters,
      logger,
      limits: limits.peer ?? {},
      transmit: (live, message) => {
        const taken = this.#sessions.transmit(live, message, clock.now())
        this.#wake.at(this.#sessions.wakeAt)
        return taken
      },
    })
  }

  /** How much is kept. All of it is bounded, and goes with time: sessions after an hour, the rest within seconds. */
  get size(): RequestsEndpointSize {
    const { table } = this.#sessions.handshakes
    const { sessions, unconfirmed, handshakes, pairs } = table
    const pending = this.#sessions.calls.size + this.#sessions.queries.size
    return { sessions, unconfirmed, handshakes, pairs, pending, handling: this.dispatcher.size }
  }

  /**
   * Makes a socket one that the endpoint may send by. It stays its owner's, who closes it and hands what it receives to
   * `receive`. The returned function takes it away again.
   */
  attach(socket: DatagramSocket): () => void {
    this.#requireOpen()
    return this.#sockets.attach(socket)
  }

  /**
   * Names the one handler of announcements (root code 0x01). It gets bodies of any shape and must check them; what it throws is
   * counted and logged. The returned function takes it away again.
   * @throws DispatchError HANDLER_EXISTS, CLOSED
   */
  onAnnouncement(handler: AnnouncementHandler): () => void {
    this.#requireOpen()
    if (this.#onAnnouncement !== undefined) {
      throw new DispatchError('HANDLER_EXISTS', 'announcements already have a handler: take it away first')
    }
    this.#onAnnouncement = handler
    return () => {
      if (this.#onAnnouncement === handler) this.#onAnnouncement = undefined
    }
  }

  /**
   * Names the one handler of a root code, for datagrams and requests of proved peers: 0x80 to 0xff are for applications. What it
   * returns answers a request; a body is a view of the opened datagram, which is the event's own, and may be kept. The returned
   * function takes the handler away again.
   * @throws DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED
   */
  register(
    rootCode: number,
    options: DatagramHandlerOptions,
    handler: DatagramHandler | DispatchTarget<DatagramEvent, Value | undefined>,
  ): () => void {
    this.#requireOpen()
    return this.#handlers.register(rootCode, options, handler)
  }

  /** Takes any bytes from anybody; never throws. `bytes` belongs to the endpoint from here on. */
  receive(bytes: Uint8Array, from: Address, via?: DatagramSocket, options: ReceiveOptions = NO_OPTIONS): void {
    if (this.#closing !== undefined) return
    this.#counters.received++
    this.#counters.bytesIn += bytes.length
    const outcome = this.#process(bytes, from, via, options)
    this.#counters[outcome]++
    this.#wake.at(this.#sessions.wakeAt)
  }

  /**
   * Sends one announcement; resolves when the machine has taken it, which says nothing about its arrival. Without `via` the
   * attached socket that leads there is used.
   *
   * Rejects with DispatchError NO_SOCKET or CLOSED, WireError for a body that cannot be encoded or is too large, or
   * the socket's error.
   */
  async announce(body: Value, to: Address, via?: DatagramSocket): Promise<void> {
    this.#requireOpen()
    try {
      const datagram = this.#announcements.pack(RootCode.DISCOVERY, body, this.#clock.unixNow())
      await (via ?? this.#sockets.requireFor(to)).send(datagram, to)
      this.#counters.bytesOut += datagram.length
    } catch (error) {
      this.#counters.sendFailed++
      throw error
    }
    this.#counters.sent++
  }

  /**
   * Sends one datagram to a proved peer, and makes the session that it needs first. Resolves when the machine has taken it, which
   * says nothing about its arrival.
   *
   * Rejects with DispatchError PEER_UNREACHABLE, REPLY_TIMEOUT (no session in time), TOO_MANY_PENDING, BUSY, NO_SOCKET, TOO_LARGE,
   * INVALID_ARGUMENT, CLOSED, with WireError for a body that cannot be encoded, or with the signal's reason.
   */
  async send(to: Destination, rootCode: number, body: Value, options: SendOptions = NO_OPTIONS): Promise<void> {
    await this.#call(to, rootCode, packDatagram(encodeValue(body, DATAGRAM_LIMITS)), false, options)
  }

  /**
   * Asks a proved peer, and settles with its reply: sent again by measured round trips until it comes. The peer runs it once, unless
   * `idempotent` or it was restarted meanwhile. The reply is a view of the opened datagram, which is the caller's own.
   *
   * Rejects as `send`, with REPLY_TIMEOUT, and with what the peer answers: NO_HANDLER, DENIED, BUSY, BAD_INPUT, HANDLER_FAILED,
   * TOO_LARGE, REMOTE_ERROR.
   */
  submit(to: Destination, rootCode: number, body: Value, options: SubmitOptions = NO_OPTIONS): Promise<Value> {
    let message: Uint8Array
    try {
      message = packWithId(MessageKind.REQUEST, this.#ids.next(), encodeValue(body, DATAGRAM_LIMITS))
    } catch (error) {
      return Promise.reject(error)
    }
    this.#counters.requests++
    return this.#call(to, rootCode, message, true, options)
  }

  /**
   * The record of whoever is at `address`: signed by its peer, but not proved to be there. Rejects with DispatchError REPLY_TIMEOUT,
   * BUSY (too many signatures to check), TOO_MANY_PENDING, NO_SOCKET or CLOSED, IdentityError BAD_RECORD, or the signal's reason.
   */
  recordAt(address: Address, options: SendOptions = NO_OPTIONS): Promise<SignedPeerRecord> {
    return this.#recordAt(address, options).then(({ record }) => record)
  }

  /** Takes one from the budget of signature checks. Protocols ask before they verify what came by datagram; false: drop it. */
  maySignatureBeChecked(): boolean {
    return this.#signatures.allow(this.#clock.now())
  }

  /**
   * Hears nothing from now on, and sends nothing but the answers of handlers that run: they are waited for, and given up when `signal`
   * aborts. Calls that wait reject with CLOSED. The sockets stay their owners': close them when this resolves. Idempotent.
   */
  close(options: { signal?: AbortSignal } = NO_OPTIONS): Promise<void> {
    if (this.#closing === undefined) {
      this.#closing = this.dispatcher.close(options)
      this.#sessions.close(closedError(), this.#clock.now())
      this.#wake.close()
      this.#delay.close()
      this.#onAnnouncement = undefined
      this.#sockets.clear()
    } else {
      void this.dispatcher.close(options)
    }
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #process(
    bytes: Uint8Array,
    from: Address,
    via: DatagramSocket | undefined,
    { announcementsOnly = false }: ReceiveOptions,
  ): Outcome {
    const { length } = bytes
    if (length < MIN_DATAGRAM || length > MAX_DATAGRAM) return 'length'
    const [rootCode = 0, second = 0] = bytes
    if (announcementsOnly && rootCode !== RootCode.DISCOVERY) return 'notAnnouncement'
    if (rootCode > RootCode.MEMBERSHIP && rootCode < 0x80) return 'rootCode'
    if (second >> 4 !== PROTOCOL_VERSION) return 'version'
    if (rootCode === RootCode.DISCOVERY) {
      return (second & 0x0f) === Protection.NETWORK_MAC ? this.#onMac(bytes, from, via) : 'protection'
    }
    if (second === SEALED) {
      if (length < SESSION_OVERHEAD) return 'length'
    } else if (second !== HANDSHAKE || rootCode !== RootCode.SESSION) return 'protection'
    const socket = via ?? this.#sockets.find(from)
    if (socket === undefined) return 'noSocket'
    const origin = { from, via: socket }
    const now = this.#clock.now()
    return second === SEALED ? this.#sessions.onSealed(bytes, origin, now) : this.#sessions.onPacket(bytes, origin, now)
  }

  #onMac(bytes: Uint8Array, from: Address, via: DatagramSocket | undefined): Outcome {
    if (this.#onAnnouncement === undefined) return 'noHandler'
    if (bytes.length < MIN_ANNOUNCEMENT) return 'length'
    const datagram = readDatagram(bytes)
    if (datagram.protection !== Protection.NETWORK_MAC) return 'protection'
    // Before the bucket: other peers of this machine share our address, and our own echo must not use up their share.
    if (this.#announcements.isOwn(datagram)) return 'own'
    if (!this.#limiter.allow(from.host, this.#clock.now())) return 'addressLimit'
    const announcement = this.#announcements.read(datagram, from, via)
    if (typeof announcement === 'string') return announcement
    try {
      this.#onAnnouncement(announcement)
      return 'handled'
    } catch (error) {
      this.#logger.debug({ error, from }, 'the handler of announcements failed')
      return 'handlerFailed'
    }
  }

  #call(
    to: Destination,
    rootCode: number,
    message: Uint8Array,
    asks: boolean,
    options: SubmitOptions,
    cookie?: Uint8Array,
  ): Promise<Value> {
    if (this.#closing !== undefined) return Promise.reject(closedError())
    if (options.signal?.aborted) return Promise.reject(options.signal.reason)
    const refusal =
      refuseRootCode(rootCode) ?? refuseLong(message, asks) ?? refuseTimeout(options) ?? this.#sessions.calls.refusal()
    if (refusal !== undefined) return Promise.reject(refusal)
    if (to.id === undefined) return this.#callUnknown(to.address, rootCode, message, asks, options)
    const { id, address } = to
    return new Promise((resolve, reject) => {
      const now = this.#clock.now()
      const { signal } = options
      const onAbort = (): void => {
        this.#sessions.remove(call, this.#clock.now())
        this.#wake.at(this.#sessions.wakeAt)
        reject(signal?.reason)
      }
      // Looking for the socket asks the machine for its interfaces, which is dear: only for whom there is nothing yet.
      const pair =
        this.#sessions.known(id, address) ?? this.#sessions.pair(id, address, this.#sockets.requireFor(address))
      if (cookie !== undefined) pair.cookie = cookie
      const call: Call = {
        pair,
        message: { rootCode, bytes: message },
        asks,
        idempotent: options.idempotent ?? false,
        key: asks ? idKeyOf(message) : this.#datagramKey(),
        deadlineAt: now + (options.timeoutMs ?? REQUEST_TIMEOUT_MS),
        sentAt: Number.NEGATIVE_INFINITY,
        lastSentAt: Number.NEGATIVE_INFINITY,
        sendings: 0,
        timeoutMs: 0,
        live: undefined,
        former: undefined,
        dueAt: Number.POSITIVE_INFINITY,
        settle: (error, reply) => {
          signal?.removeEventListener('abort', onAbort)
          if (error === undefined) resolve(reply ?? null)
          else reject(error)
        },
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#sessions.add(call, now)
      this.#wake.at(this.#sessions.wakeAt)
    })
  }

  async #callUnknown(
    address: Address,
    rootCode: number,
    message: Uint8Array,
    asks: boolean,
    options: SubmitOptions,
  ): Promise<Value> {
    const startedAt = this.#clock.now()
    const { timeoutMs = REQUEST_TIMEOUT_MS } = options
    const { record, cookie } = await this.#recordAt(address, options)
    const left = Math.max(1, timeoutMs - (this.#clock.now() - startedAt))
    return this.#call({ id: record.id, address }, rootCode, message, asks, { ...options, timeoutMs: left }, cookie)
  }

  async #recordAt(address: Address, options: SendOptions): Promise<{ record: SignedPeerRecord; cookie: Uint8Array }> {
    this.#requireOpen()
    const { signal, timeoutMs = REQUEST_TIMEOUT_MS } = options
    signal?.throwIfAborted()
    const refusal = refuseTimeout(options)
    if (refusal !== undefined) throw refusal
    const via = this.#sockets.requireFor(address)
    const answer = await new Promise<{ record: Uint8Array; cookie: Uint8Array }>((resolve, reject) => {
      const onAbort = (): void => {
        this.#sessions.queries.remove(query)
        reject(signal?.reason)
      }
      const query = this.#sessions.query(address, via, {
        now: this.#clock.now(),
        timeoutMs,
        settle: (error, found) => {
          signal?.removeEventListener('abort', onAbort)
          if (found === undefined) reject(error)
          else resolve(found)
        },
      })
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#wake.at(this.#sessions.wakeAt)
    })
    if (!this.maySignatureBeChecked()) {
      throw new DispatchError('BUSY', 'too many signatures are being checked: try again a little later')
    }
    return { record: readPeerRecord(answer.record), cookie: answer.cookie }
  }

  #post(datagram: Uint8Array, to: Address, via: DatagramSocket): boolean {
    const taken = this.#sockets.standIn(via, to)?.post(datagram, to) ?? false
    if (taken) {
      this.#counters.sent++
      this.#counters.bytesOut += datagram.length
    } else {
      this.#counters.sendFailed++
    }
    return taken
  }

  #datagramKey(): number {
    this.#datagrams += 1
    return -this.#datagrams
  }

  #requireOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }
}

const NO_OPTIONS = {}
/** Header, one byte of body, MAC. */
const MIN_ANNOUNCEMENT = 37

function closedError(): DispatchError {
  return new DispatchError('CLOSED', 'the requests endpoint is closed: make a new one')
}

function refuseRootCode(rootCode: number): DispatchError | undefined {
  if (isSealedRootCode(rootCode)) return undefined
  return new DispatchError(
    'INVALID_ARGUMENT',
    `expected a root code for sealed messages (0x80 to 0xff), got ${rootCode}`,
  )
}

function refuseLong(message: Uint8Array, asks: boolean): DispatchError | undefined {
  if (message.length <= MAX_SEALED_PLAINTEXT) return undefined
  const offset = asks ? REQUEST_BODY_OFFSET : DATAGRAM_BODY_OFFSET
  const [most, body] = [MAX_SEALED_PLAINTEXT - offset, message.length - offset]
  return new DispatchError('TOO_LARGE', `expected a body of at most ${most} bytes, got ${body}: use a connection`)
}

function refuseTimeout({ timeoutMs = REQUEST_TIMEOUT_MS }: SendOptions): DispatchError | undefined {
  if (timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS) return undefined
  return new DispatchError(
    'INVALID_ARGUMENT',
    `expected timeoutMs above 0 and at most ${MAX_TIMEOUT_MS}, got ${timeoutMs}`,
  )
}
