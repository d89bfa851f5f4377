/** Own requests: sent, matched with their replies, given up at their deadline. */
import { ReplyRegistry } from '@pc/dispatch'
import type { PeerId } from '@pc/identity'
import type { Address } from '@pc/transport'
import type { Value } from '@pc/wire'
import { copyValue } from './copy-value.js'
import { Deadline, orAborted } from './deadline.js'
import { codeOf, MessagingError } from './errors.js'
import { Frame, readReply, writeRequest } from './frames.js'
import { Idle } from './idle.js'
import type { Links } from './links.js'
import { REQUEST_TIMEOUT_MS, type ResolvedOptions } from './options.js'
import { connectionLost, offline, sendError } from './outbound-stream.js'
import type { MessagingConnection } from './ports.js'

export interface RequestOptions {
  /** For everything together: connection, handler, reply; ms. @default 10000 */
  timeoutMs?: number
  /** Gives up with its reason, and tells the other side. */
  signal?: AbortSignal
}

/** The answer to a ping. */
export interface Pong {
  readonly roundTripMs: number
  /** Where the peer answered from. */
  readonly address: Address
}

type Parts = Pick<ResolvedOptions, 'connector' | 'clock' | 'logger' | 'limits'> & { readonly links: Links }

export class RequestClient {
  readonly #parts: Parts
  readonly #replies: ReplyRegistry<Value, string>
  readonly #underWay = new Idle()
  /** Of everything under way, dials and pings too. */
  readonly #deadlines = new Set<Deadline>()
  #lateReplies = 0

  constructor(parts: Parts) {
    this.#parts = parts
    this.#replies = new ReplyRegistry({ clock: parts.clock, limit: parts.limits.pendingRequests })
  }

  get size(): number {
    return this.#underWay.count
  }

  /** Replies that came after their request was given up; they are dropped. */
  get lateReplies(): number {
    return this.#lateReplies
  }

  /** Settles as `Messaging.request`. */
  async request(peer: PeerId, name: string, payload: unknown, options: RequestOptions = {}): Promise<Value> {
    const { value } = copyValue(payload)
    return this.#within(peer, `the request "${name}"`, options, async (connection, deadline) => {
      const id = connection.nextId()
      const key = keyOf(this.#parts.links.numberOf(connection), id)
      const reply = this.#replies.expect(key, { timeoutMs: deadline.remainingMs, signal: deadline.signal })
      const body = writeRequest({ name, ttlMs: deadline.remainingMs, payload: value })
      connection.send(Frame.REQUEST, id, body, 'request').catch((error: unknown) => {
        this.#replies.reject(key, sendError(error, peer))
      })
      try {
        return await reply
      } catch (error) {
        if (deadline.signal.aborted) this.#cancel(connection, id)
        throw error
      }
    })
  }

  /** Settles as `Messaging.ping`. */
  ping(peer: PeerId, options: RequestOptions = {}): Promise<Pong> {
    return this.#within(peer, 'the ping', options, async (connection, deadline) => {
      const ping = connection.ping({ timeoutMs: deadline.remainingMs, signal: deadline.signal })
      return { roundTripMs: await orAborted(ping, deadline.signal), address: connection.remoteAddress }
    })
  }

  onReply(connection: MessagingConnection, id: number, body: Value): void {
    const key = keyOf(this.#parts.links.numberOf(connection), id)
    const reply = readReply(body)
    const known =
      reply === undefined
        ? this.#replies.reject(key, new MessagingError('BAD_REPLY', 'the reply is not one that this version can read'))
        : this.#replies.resolve(key, reply.payload)
    if (!known) this.#lateReplies++
  }

  onError(connection: MessagingConnection, id: number, error: MessagingError): void {
    const known = this.#replies.reject(keyOf(this.#parts.links.numberOf(connection), id), error)
    // A cancelled request is answered CANCELLED: nobody waits for that, and it is not late.
    if (!known && error.code !== 'CANCELLED') this.#lateReplies++
  }

  connectionLost(connection: MessagingConnection, number: number): void {
    this.#replies.rejectAll(connectionLost(connection.peer), (key) => key.startsWith(`${number}/`))
  }

  /** Resolves when no request waits for its reply. */
  drained(): Promise<void> {
    return this.#underWay.wait()
  }

  /** Ends every wait with `error`; the other sides are told to stop. */
  failAll(error: unknown): void {
    for (const deadline of [...this.#deadlines]) deadline.abort(error)
  }

  async #within<T>(
    peer: PeerId,
    what: string,
    options: RequestOptions,
    action: (connection: MessagingConnection, deadline: Deadline) => Promise<T>,
  ): Promise<T> {
    options.signal?.throwIfAborted()
    const timeoutMs = options.timeoutMs ?? REQUEST_TIMEOUT_MS
    const onTime = (): Error => timedOut(what, peer, timeoutMs)
    const deadline = new Deadline(this.#parts.clock, timeoutMs, options.signal, onTime)
    this.#deadlines.add(deadline)
    this.#underWay.enter()
    try {
      return await action(await this.#connection(peer, deadline.signal), deadline)
    } catch (error) {
      if (deadline.signal.aborted) throw deadline.signal.reason
      throw ownError(error, () => timedOut(what, peer, timeoutMs))
    } finally {
      deadline.release()
      this.#deadlines.delete(deadline)
      this.#underWay.leave()
    }
  }

  async #connection(peer: PeerId, signal: AbortSignal): Promise<MessagingConnection> {
    try {
      return await orAborted(this.#parts.connector.control(peer, { signal }), signal)
    } catch (cause) {
      throw signal.aborted ? cause : offline(peer, cause)
    }
  }

  #cancel(connection: MessagingConnection, id: number): void {
    connection.send(Frame.CANCEL, id, null, 'request').catch((error: unknown) => {
      this.#parts.logger.debug({ error, peer: connection.peer }, 'a cancellation could not be sent')
    })
  }
}

function keyOf(connection: number, id: number): string {
  return `${connection}/${id}`
}

function timedOut(what: string, peer: PeerId, timeoutMs: number): MessagingError {
  return new MessagingError('DEADLINE', `${peer.short} did not answer ${what} within ${timeoutMs} ms`)
}

/** Errors of lower packages in the codes of this one. */
function ownError(error: unknown, timedOutError: () => MessagingError): unknown {
  switch (codeOf(error)) {
    case 'REPLY_TIMEOUT':
    case 'PING_TIMEOUT':
      return timedOutError()
    case 'RESOURCE_BUSY':
    case 'SEND_QUEUE_FULL':
      return new MessagingError('BUSY', 'the connection takes no more at the moment: wait a little', { cause: error })
    case 'TOO_MANY_PENDING':
      return new MessagingError('BUSY', 'too many own requests wait for replies: wait for some first', { cause: error })
    default:
      if (error instanceof MessagingError) return error
      return new MessagingError('CONNECTION_LOST', 'the connection broke before the answer', { cause: error })
  }
}
