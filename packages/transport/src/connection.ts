import type { Duplex } from 'node:stream'
import type { PeerId } from '@pc/identity'
import { MAX_BULK_FRAME, MAX_CONTROL_FRAME, type Message, WireError } from '@pc/wire'
import type { Address } from './address.js'
import type { Bandwidth, BandwidthShare } from './bandwidth.js'
import { type CloseCode, type CloseReason, closeCodeOf } from './close-code.js'
import { fromSystemError, TransportError } from './errors.js'
import { Lock } from './lock.js'
import { LoopShare, LoopUse } from './loop-share.js'
import { Meter } from './meter.js'
import type { SecureStream } from './network-protocol.js'
import { type Clock, type Logger, silentLogger, systemClock } from './ports.js'
import { ReceiveQueue } from './receive-queue.js'
import type { SendBudget } from './send-budget.js'
import type { SendPriority } from './send-lanes.js'
import { SendQueue } from './send-queue.js'
import { StallWatch } from './stall-watch.js'

/** Least progress inside a frame, in bytes of 10 s; a correct peer writes a frame as one piece. */
const LEAST_PROGRESS = 1_024
/** How long a polite close may take before the stream is destroyed. */
export const CLOSE_DEADLINE_MS = 2_000
/** How long frames that were received before the other side closed wait for their owner. */
const LINGER_MS = 2_000
export type OutgoingMessage = Omit<Message, 'version' | 'peerId'>

export interface ConnectionOptions {
  /** @default systemClock */
  clock?: Clock
  /** @default silentLogger */
  logger?: Logger
  /** Longest frame in both directions, in bytes without the length prefix. @default MAX_CONTROL_FRAME */
  maxFrame?: number
  /** Read the first frame only, until {@link Connection.proceed}. @default false */
  firstFrameOnly?: boolean
  /** What may wait to be sent over all connections that share it. @default no common limit */
  budget?: SendBudget
  /** By which connections leave each other turns of the event loop. @default nobody else shares it */
  loop?: LoopUse
  /** Counts what a control connection moves, and holds back a bulk one: from {@link Connection.proceed} on. @default no limit */
  bandwidth?: { readonly send?: Bandwidth | undefined; readonly receive?: Bandwidth | undefined }
}

/**
 * One secured stream that carries whole frames both ways, with a meter and a valve for each direction. It reads only while
 * somebody listens: what arrives before {@link Connection.onMessage} waits in the socket, and so does the other side.
 *
 * The frames of one tick go out in one write.
 */
export class Connection {
  readonly remoteId: PeerId
  readonly remoteAddress: Address
  readonly localAddress: Address
  /** True on the side that opened it. */
  readonly dialled: boolean
  /** Monotonic ms of the clock. */
  readonly openedAt: number
  readonly sender: Meter
  readonly receiver: Meter
  /** Resolves once, when the stream is gone and everything received before has been delivered. Never rejects. */
  readonly closed: Promise<CloseReason>

  readonly #stream: SecureStream
  readonly #duplex: Duplex
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #bandwidth: ConnectionOptions['bandwidth']
  #lock: Lock | undefined
  #resolveClosed: (reason: CloseReason) => void = () => {}
  #reason: CloseReason | undefined
  #settled = false
  #broken = false
  #gone = false
  #deadline: unknown

  #maxFrame: number
  #bulk = false
  readonly #incoming: ReceiveQueue
  #listener: ((message: Message) => void) | undefined
  #delivering = false
  #ended = false

  /** What is received, where that is limited. */
  #inbound: BandwidthShare | undefined
  #inboundHeld = false
  readonly #loop: LoopShare

  #sealed = false
  readonly #outgoing: SendQueue

  readonly #watch: StallWatch

  /** Takes over `stream`: from here on only the connection reads, writes and destroys it. */
  constructor(stream: SecureStream, options: ConnectionOptions = {}) {
    this.#clock = options.clock ?? systemClock
    this.#logger = options.logger ?? silentLogger
    this.#maxFrame = options.maxFrame ?? MAX_CONTROL_FRAME
    this.#incoming = new ReceiveQueue(this.#maxFrame, options.firstFrameOnly)
    this.#stream = stream
    this.#duplex = stream.duplex
    this.remoteId = stream.remoteId
    this.remoteAddress = stream.remoteAddress
    this.localAddress = stream.localAddress
    this.dialled = stream.dialled
    this.openedAt = this.#clock.now()
    this.#bandwidth = options.bandwidth
    this.sender = new Meter(this.#clock, () => this.#outgoing.flushSoon())
    const loop = options.loop ?? new LoopUse()
    this.#loop = new LoopShare(loop, this.#duplex, () => this.#deliver())
    this.#outgoing = new SendQueue({
      duplex: this.#duplex,
      loop,
      copiesWrites: stream.copiesWrites ?? false,
      meter: this.sender,
      maxFrame: this.#maxFrame,
      budget: options.budget,
      ending: () => this.#reason !== undefined || this.#ended,
      onCongested: () => this.#watch.start(),
    })
    this.receiver = new Meter(this.#clock, () => this.#deliver())
    this.#watch = this.#watchOver()
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve
    })
    this.#attach()
  }

  /** Of the stream: see {@link SecureStream}. */
  get channelBinding(): Uint8Array | undefined {
    return this.#stream.channelBinding
  }

  /** Bytes that wait to be sent, here and in the socket. */
  get queuedBytes(): number {
    return this.#outgoing.bytes
  }

  /** False from the first `close`, `destroy` or end of the stream on: `send` rejects. */
  get open(): boolean {
    return !this.#sealed && this.#reason === undefined && !this.#ended && !this.#gone
  }

  /**
   * For users who share the connection: whoever holds the lock has it for itself. Sending a single frame needs no lock, because a frame is
   * queued whole.
   */
  get lock(): Lock {
    this.#lock ??= new Lock()
    return this.#lock
  }

  /**
   * Queues a message; those of one priority arrive in the order of the calls. Resolves at once while there is room, and otherwise when
   * the socket has caught up: whoever waits for it never fills the queue. Resolving says nothing about arrival. The body may be changed
   * after the call.
   * @throws TransportError CONNECTION_CLOSED, SEND_QUEUE_FULL, TOO_LARGE; WireError UNENCODABLE
   */
  send({ header, id, body }: OutgoingMessage, priority: SendPriority = 'message'): Promise<void> {
    if (!this.open) return Promise.reject(this.#closedError())
    const fault = this.#outgoing.lackOfRoom(body instanceof Uint8Array ? body.length : 0, priority)
    if (fault !== undefined) {
      const text = `${fault} to ${this.remoteId.short}; wait for earlier sends.`
      return Promise.reject(new TransportError('SEND_QUEUE_FULL', text))
    }
    try {
      return this.#outgoing.push(header, id, body, priority)
    } catch (error) {
      return Promise.reject(this.#encodingError(error, header))
    }
  }

  /**
   * Queues a message, whatever the queue, as the last one: it leaves after everything that waits, and `send` rejects from now on. Nothing
   * happens if that is so already.
   */
  sendLast({ header, id, body }: OutgoingMessage): void {
    if (!this.open) return
    void this.#outgoing.push(header, id, body, 'last')
    this.#sealed = true
  }

  /**
   * Hands the incoming messages to `listener`, in order, each exactly once; it replaces the listener before, also from within
   * a call of it. `undefined` holds back what arrives. An error that a listener throws is logged and stops nothing.
   */
  onMessage(listener: ((message: Message) => void) | undefined): void {
    this.#listener = listener
    this.#deliver()
  }

  /**
   * Ends `firstFrameOnly`, once the first message was handed over: reads on, with the frame length of that kind.
   * A bulk connection obeys GOAWAY by itself; its owner sees only that it closes.
   */
  proceed(kind: 'control' | 'bulk'): void {
    if (!this.#incoming.firstFrameOnly) return
    this.#bulk = kind === 'bulk'
    this.#maxFrame = this.#bulk ? MAX_BULK_FRAME : MAX_CONTROL_FRAME
    this.#outgoing.setMaxFrame(this.#maxFrame)
    this.#incoming.proceed(this.#maxFrame)
    if (!this.#gone && !this.#broken) this.#joinBandwidth()
    this.#deliver()
  }

  /**
   * Sends what is queued, ends the stream, and resolves when it is gone: at the latest after `withinMs` (2 s), when it is destroyed.
   * Idempotent.
   */
  async close(code: CloseCode = 'CLOSED', options: { withinMs?: number } = {}): Promise<void> {
    if (this.#gone) {
      this.#settle()
    } else if (this.#reason === undefined) {
      this.#reason = { code, polite: true }
      this.#outgoing.flush()
      this.#duplex.end()
      this.#startDeadline(code, options.withinMs)
      this.#deliver()
    }
    await this.closed
  }

  /** Drops everything, at once. Idempotent; ends a `close` that is under way. */
  destroy(code: CloseCode = 'CLOSED', error?: Error): void {
    this.#break(code, error)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #attach(): void {
    const duplex = this.#duplex
    duplex.pause()
    duplex.on('data', (chunk: Uint8Array) => this.#onData(chunk))
    duplex.on('drain', () => this.#outgoing.flush())
    duplex.on('error', (error: Error) => {
      this.#reason ??= {
        code: 'FAILED',
        polite: false,
        error: fromSystemError(error, 'use the connection', this.remoteAddress),
      }
    })
    // Before the stream's own listener, which ends our side and would leave no room for what is still queued here.
    duplex.prependListener('end', () => this.#onEnd())
    duplex.on('close', () => this.#onClose())
    if (duplex.destroyed) queueMicrotask(() => this.#onClose())
  }

  #encodingError(error: unknown, header: string): unknown {
    if (!(error instanceof WireError) || error.code !== 'TOO_LARGE') return error
    return new TransportError(
      'TOO_LARGE',
      `A frame on this connection may have ${this.#maxFrame} bytes, but '${header}' has more; use a bulk connection, or split it.`,
      { cause: error },
    )
  }

  #joinBandwidth(): void {
    const { send, receive } = this.#bandwidth ?? {}
    const join = (bandwidth: Bandwidth, onRoom: () => void): BandwidthShare =>
      this.#bulk ? bandwidth.join(this.remoteId.toString(), onRoom) : bandwidth.count(this.remoteId.toString())
    if (send !== undefined) this.#outgoing.setShare(join(send, () => this.#outgoing.flush()))
    if (receive === undefined) return
    this.#inbound = join(receive, () => {
      this.#inboundHeld = false
      this.#deliver()
    })
  }

  #onData(chunk: Uint8Array): void {
    if (this.#settled || this.#reason?.polite === false) return
    this.receiver.record(chunk.length)
    if (this.#inbound !== undefined) {
      this.#inbound.spend(chunk.length)
      this.#inboundHeld = !this.#inbound.ready()
    }
    this.#loop.spend(chunk.length)
    this.#incoming.push(chunk)
    this.#deliver()
  }

  /** Passes on as many frames as are wanted, then reads on, or stops reading. */
  #deliver(): void {
    if (this.#delivering) return
    this.#delivering = true
    this.#outgoing.hold()
    while (this.#wants()) {
      const message = this.#take()
      if (message === undefined) break
      this.#handle(message)
    }
    this.#delivering = false
    this.#outgoing.release()
    if (this.#incoming.partial) this.#watch.start()
    if (this.#ended && this.#incoming.empty) this.#endIncoming()
    // Whoever closes without listening, or after the first frame, does not want what is still coming.
    if (this.#reason !== undefined && (!this.#wants() || this.#incoming.firstFrameOnly)) this.#incoming.drop()
    if (this.#gone && this.#incoming.empty) this.#settle()
    this.#regulate()
  }

  #take(): Message | undefined {
    try {
      const message = this.#incoming.next()
      if (message !== undefined) refuseForeignEnvelope(message)
      return message
    } catch (error) {
      this.#breakProtocol(error)
      return undefined
    }
  }

  #handle(message: Message): void {
    if (this.#bulk && message.header === 'pc/goaway') {
      void this.close(goAwayCode(message))
      return
    }
    try {
      this.#listener?.(message)
    } catch (error) {
      this.#logger.error({ err: error, peer: this.remoteId, header: message.header }, 'a message listener threw')
    }
  }

  /** No getter: a private one is slow, and this is asked for each message. */
  #wants(): boolean {
    return this.#listener !== undefined && !this.receiver.paused
  }

  #regulate(): void {
    if (this.#gone) return
    const flow =
      this.#reason !== undefined ||
      (this.#wants() && this.#incoming.empty && !this.#inboundHeld && !this.#loop.yielding)
    if (flow === this.#duplex.isPaused()) flow ? this.#duplex.resume() : this.#duplex.pause()
  }

  #watchOver(): StallWatch {
    return new StallWatch(this.#clock, [
      {
        // What nobody reads here is not the other side's fault.
        count: () => (this.#incoming.partial && !this.#duplex.isPaused() ? this.receiver.bytes : undefined),
        least: LEAST_PROGRESS,
        onStalled: () => this.#breakTooSlow(`sent less than ${LEAST_PROGRESS} bytes of a frame within 10 s`),
      },
      {
        count: () => (this.#outgoing.congested ? this.#outgoing.passedOn : undefined),
        least: 1,
        onStalled: () => this.#breakTooSlow(`took nothing of ${this.queuedBytes} bytes within 10 s`),
      },
    ])
  }

  #breakTooSlow(what: string): void {
    this.#break('TOO_SLOW', new TransportError('TOO_SLOW', `${this.remoteId.short} ${what}.`))
  }

  #onEnd(): void {
    this.#ended = true
    if (this.#incoming.empty) this.#endIncoming()
    this.#outgoing.flush()
    // Ours follows by itself, if the other side still reads what is queued.
    this.#startDeadline('ENDED')
  }

  /** Everything was read. */
  #endIncoming(): void {
    try {
      this.#incoming.end()
      this.#reason ??= { code: 'ENDED', polite: true }
    } catch (error) {
      // A process that dies leaves half a frame behind: broken, but not malicious.
      this.#reason ??= { code: 'FAILED', polite: false, error: asError(error) }
    }
  }

  #startDeadline(code: CloseCode, withinMs: number = CLOSE_DEADLINE_MS): void {
    this.#watch.stop()
    this.#deadline ??= this.#clock.setTimeout(() => this.#break(code), withinMs)
  }

  #onClose(): void {
    if (this.#gone) return
    this.#gone = true
    this.#outgoing.drop(() => this.#closedError())
    this.#clock.clearTimeout(this.#deadline)
    if (!this.#incoming.empty && this.#reason === undefined) {
      this.#deadline = this.#clock.setTimeout(() => this.#settle(), LINGER_MS)
    } else {
      this.#settle()
    }
  }

  #settle(): void {
    if (this.#settled) return
    this.#settled = true
    this.#clock.clearTimeout(this.#deadline)
    this.#watch.stop()
    this.#inbound?.leave()
    this.#incoming.drop()
    this.#listener = undefined
    this.#reason ??= this.#ended ? { code: 'ENDED', polite: true } : { code: 'FAILED', polite: false }
    this.#resolveClosed(this.#reason)
  }

  #break(code: CloseCode, error?: Error): void {
    if (this.#settled || this.#broken) return
    this.#broken = true
    this.#reason = error === undefined ? { code, polite: false } : { code, polite: false, error }
    this.#clock.clearTimeout(this.#deadline)
    this.#incoming.drop()
    this.#outgoing.drop(() => this.#closedError())
    if (this.#gone) this.#settle()
    else this.#duplex.destroy()
  }

  #breakProtocol(cause: unknown): void {
    const error = asError(cause)
    // Not louder: identities cost nothing, and a stranger must not fill a disk with logs. `closed` tells the owner.
    this.#logger.debug({ err: error, peer: this.remoteId }, 'the peer sent what no correct peer sends')
    this.#break('PROTOCOL_ERROR', error)
  }

  #closedError(): TransportError {
    return new TransportError(
      'CONNECTION_CLOSED',
      `The connection to ${this.remoteId.short} is closed (${this.#reason?.code ?? 'ENDED'}); ask the connector for a new one.`,
      { cause: this.#reason?.error },
    )
  }
}

/** The code inside a GOAWAY frame; UNKNOWN when it is not one of ours. */
export function goAwayCode(message: Message): CloseCode {
  const body = message.body
  const code = body !== null && typeof body === 'object' && 'code' in body ? body.code : undefined
  return typeof code === 'number' ? closeCodeOf(code) : 'UNKNOWN'
}

/** A proved connection says who speaks; an envelope that says it again, differently or not, is an error. */
function refuseForeignEnvelope(message: Message): void {
  if (message.peerId === null && typeof message.id === 'number') return
  throw new TransportError(
    'PROTOCOL_ERROR',
    message.peerId === null
      ? `Expected an integer as the id of '${message.header}' on a connection, but got ${message.id.toString()} bytes.`
      : `Expected no peer id inside '${message.header}': the connection itself proves who speaks.`,
  )
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new TransportError('PROTOCOL_ERROR', String(error))
}
