import { DispatchError, type Dispatcher } from '@pc/dispatch'
import type { PeerId } from '@pc/identity'
import type { Message, Value } from '@pc/wire'
import { type MessageContract, messageContract, type RequestContract, requestContract } from './contracts.js'
import type { Receipt } from './delivery.js'
import { MessagingError } from './errors.js'
import { Frame, readError } from './frames.js'
import type { Inbox } from './inbox.js'
import { Links } from './links.js'
import {
  type MessageEvent,
  type MessageHandler,
  MessageReceiver,
  type OnMessageOptions,
  TEXT,
} from './message-receiver.js'
import { type MessagingOptions, type ResolvedOptions, resolveOptions } from './options.js'
import { Outbox, type SendOptions } from './outbox.js'
import type { MessagingConnection } from './ports.js'
import { type Pong, RequestClient, type RequestOptions } from './request-client.js'
import { type HandleOptions, type RequestEvent, type RequestHandler, RequestServer } from './request-server.js'

/** What happened that nobody waits to hear of; all but the last two rise only. */
export interface MessagingCounters {
  /** Frames with a header that is not one of this package. */
  readonly unknownFrames: number
  /** Frames whose body could not be read. */
  readonly malformedFrames: number
  /** Replies and errors that came after their request was given up. */
  readonly lateReplies: number
  /** Acknowledgements that were about no message on the wire. */
  readonly strayAcks: number
  /** Messages that came again and were not stored again. */
  readonly repeatedMessages: number
  readonly refusedMessages: number
  readonly droppedMessages: number
  /** Messages that are being sent. */
  readonly unsettledMessages: number
  /** Own requests and pings that wait for an answer. */
  readonly pendingRequests: number
}

/** Messages and requests between this peer and others, over the control connections of a connector. */
export class Messaging {
  readonly #options: ResolvedOptions
  readonly #links: Links
  readonly #outbox: Outbox
  readonly #receiver: MessageReceiver
  readonly #client: RequestClient
  readonly #server: RequestServer
  readonly #abandon = new AbortController()
  #closed: Promise<void> | undefined
  #unknownFrames = 0
  #malformedFrames = 0

  /** Listens to the connector's frames until `close`. The connector stays its owner's, who closes it afterwards. */
  static create(options: MessagingOptions): Messaging {
    return new Messaging(options)
  }

  private constructor(options: MessagingOptions) {
    this.#options = resolveOptions(options)
    this.#links = new Links((connection, number) => this.#onLost(connection, number))
    const parts = { ...this.#options, links: this.#links }
    this.#outbox = new Outbox(parts)
    this.#receiver = new MessageReceiver(parts)
    this.#client = new RequestClient(parts)
    this.#server = new RequestServer(parts)
    options.connector.events.on('frame', this.#onFrame)
  }

  /** Types of messages with a handler: `messages.headers()`. Handlers are added with `onMessage`. */
  get messages(): Dispatcher<MessageEvent> {
    return this.#receiver.dispatcher
  }

  /** Requests that are answered: `requests.headers()`. Handlers are added with `handle`. */
  get requests(): Dispatcher<RequestEvent, Value> {
    return this.#server.dispatcher
  }

  /** Messages of other peers, in memory. */
  get inbox(): Inbox {
    return this.#receiver.inbox
  }

  get counters(): MessagingCounters {
    return {
      unknownFrames: this.#unknownFrames,
      malformedFrames: this.#malformedFrames + this.#receiver.malformed + this.#server.malformed,
      lateReplies: this.#client.lateReplies,
      strayAcks: this.#outbox.strayAcks,
      repeatedMessages: this.#receiver.repeated,
      refusedMessages: this.#receiver.refused,
      droppedMessages: this.#receiver.inbox.dropped,
      unsettledMessages: this.#outbox.size,
      pendingRequests: this.#client.size,
    }
  }

  /**
   * Sends a message. Messages to one peer go out, and are stored there, in the order of these calls. The payload is
   * copied: it may be changed after the call. `undefined` arrives as `null`.
   *
   * Resolves with a receipt when the message has been handed to the connection. Rejects with MessagingError SELF,
   * PEER_OFFLINE, OUTBOX_FULL, TOO_LARGE, BAD_PAYLOAD, BAD_ARGUMENT, CONNECTION_LOST, NOT_ACKNOWLEDGED (deadline), BUSY, CLOSED,
   * or with `signal.reason`.
   */
  async send<P>(
    peer: PeerId,
    type: string | MessageContract<P>,
    payload: P,
    options: SendOptions = {},
  ): Promise<Receipt> {
    this.#checkOpen()
    return this.#outbox.send(peer, messageContract(type).type, payload, options)
  }

  /** A message of type `text`: every peer takes it, and shows it to a person. */
  sendText(peer: PeerId, text: string, options: SendOptions = {}): Promise<Receipt> {
    return this.send<string>(peer, TEXT, text, options)
  }

  /**
   * Takes messages of a type: each is stored in the inbox, acknowledged, and then handed to `handler`, those of one peer one after
   * the other, in order. What a handler throws is logged. The returned function stops it: then the type is refused, except
   * `text`, which is always taken and stored.
   * @throws MessagingError HANDLER_EXISTS, BAD_ARGUMENT, CLOSED
   */
  onMessage<P = Value>(
    type: string | MessageContract<P>,
    options: OnMessageOptions,
    handler: MessageHandler<P>,
  ): () => void {
    return inOwnErrors(() => this.#receiver.onMessage(messageContract(type), options, handler))
  }

  /**
   * Asks a peer and resolves with what its handler returns (`null` for nothing). Rejects with what the other side answered
   * (`error.remote`): NO_HANDLER, DENIED, BUSY, BAD_INPUT, HANDLER_FAILED, BAD_OUTPUT, TOO_LARGE, SHUTTING_DOWN; or with SELF,
   * PEER_OFFLINE, DEADLINE, CONNECTION_LOST, BAD_PAYLOAD, TOO_LARGE, BUSY, BAD_REPLY, BAD_ARGUMENT, CLOSED; or with `signal.reason`, and
   * then the other side is told to stop.
   */
  async request<I, O = Value>(
    peer: PeerId,
    name: string | RequestContract<I, O>,
    payload: I,
    options: RequestOptions = {},
  ): Promise<O> {
    this.#checkOpen()
    return (await this.#client.request(peer, requestContract(name).name, payload, options)) as O
  }

  /**
   * Answers requests of a name with what `handler` returns. Each peer has at most half of the places at a time. The returned function
   * stops it; calls that were accepted are still answered.
   * @throws MessagingError HANDLER_EXISTS, BAD_ARGUMENT, CLOSED
   */
  handle<I = Value, O = Value>(
    name: string | RequestContract<I, O>,
    options: HandleOptions,
    handler: RequestHandler<I, O>,
  ): () => void {
    return inOwnErrors(() => this.#server.handle(requestContract(name), options, handler))
  }

  /** How long an empty frame takes there and back, and where the peer is. Rejects as `request`. */
  async ping(peer: PeerId, options: RequestOptions = {}): Promise<Pong> {
    this.#checkOpen()
    return this.#client.ping(peer, options)
  }

  /**
   * Takes and sends nothing new, waits for what is under way (5 s, or until `signal` aborts), gives up the rest: `acknowledged` and
   * requests reject with CLOSED, handlers' signals abort. Resolves when all that is done. Idempotent; a later call may bring a signal.
   */
  close(options: { signal?: AbortSignal } = {}): Promise<void> {
    const { signal } = options
    const onAbort = (): void => this.#abandon.abort(signal?.reason)
    if (signal?.aborted) onAbort()
    this.#closed ??= this.#close()
    if (signal === undefined) return this.#closed
    signal.addEventListener('abort', onAbort, { once: true })
    return this.#closed.finally(() => signal.removeEventListener('abort', onAbort))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#receiver.stopAccepting()
    this.#server.stopAccepting()
    await this.#drain()
    const error = closedError()
    this.#outbox.failAll(error)
    this.#client.failAll(error)
    this.#server.abandon()
    const signal = AbortSignal.abort(error)
    await Promise.all([this.messages.close({ signal }), this.requests.close({ signal })])
    this.#options.connector.events.off('frame', this.#onFrame)
    this.#receiver.inbox.close()
  }

  /** Until everything under way is done, the time is up, or nobody wants to wait. */
  async #drain(): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#abandon
    const parts = [this.#outbox, this.#client, this.#server, this.#receiver]
    await new Promise<void>((resolve) => {
      const timer = clock.setTimeout(resolve, this.#options.limits.drainMs)
      signal.addEventListener('abort', () => resolve(), { once: true })
      if (signal.aborted) resolve()
      void Promise.all(parts.map((part) => part.drained())).then(() => {
        clock.clearTimeout(timer)
        resolve()
      })
    })
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw closedError()
  }

  readonly #onFrame = (connection: MessagingConnection, message: Message): void => {
    try {
      this.#route(connection, message)
    } catch (error) {
      // Whatever it is: one frame of one peer must not end the connection's reader or the process.
      this.#options.logger.error({ error, header: message.header, peer: connection.peer }, 'a frame broke its handling')
    }
  }

  #route(connection: MessagingConnection, { header, id, body }: Message): void {
    if (typeof id !== 'number') {
      this.#malformedFrames++
      return
    }
    switch (header) {
      case Frame.MESSAGE:
        this.#receiver.onFrame(connection, id, body)
        break
      case Frame.ACK:
        this.#outbox.onAck(connection, body)
        break
      case Frame.REQUEST:
        this.#server.onRequest(connection, id, body)
        break
      case Frame.REPLY:
        this.#client.onReply(connection, id, body)
        break
      case Frame.ERROR:
        this.#onError(connection, id, body)
        break
      case Frame.CANCEL:
        this.#server.onCancel(connection, id)
        break
      default:
        this.#unknownFrames++ // a later version's, or another package's
    }
  }

  #onError(connection: MessagingConnection, id: number, body: Value): void {
    const read = readError(body)
    if (read === undefined) {
      this.#malformedFrames++
      const unreadable = new MessagingError('BAD_REPLY', 'the error is not one that this version can read')
      this.#client.onError(connection, id, unreadable)
      return
    }
    const { error, refused } = read
    if (refused === undefined) this.#client.onError(connection, id, error)
    else this.#outbox.onRefused(connection, refused, error)
  }

  #onLost(connection: MessagingConnection, number: number): void {
    this.#outbox.connectionLost(connection)
    this.#client.connectionLost(connection, number)
    this.#server.connectionLost(connection, number)
  }
}

function closedError(): MessagingError {
  return new MessagingError('CLOSED', 'messaging was closed')
}

function inOwnErrors<T>(action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof DispatchError)) throw error
    const { code, message, cause } = error
    if (code === 'HANDLER_EXISTS' || code === 'CLOSED') throw new MessagingError(code, message, { cause })
    throw new MessagingError('BAD_ARGUMENT', message, { cause })
  }
}
