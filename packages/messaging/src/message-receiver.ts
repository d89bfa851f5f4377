/**
 * Messages of other peers: each is judged, stored, acknowledged and then handed to the handler of its type. All but the
 * handler happens before the next frame is looked at, so the order of the sender is the order of the inbox.
 */
import { type Access, DispatchError, Dispatcher } from '@pc/dispatch'
import type { PeerId } from '@pc/identity'
import type { Value } from '@pc/wire'
import { AnswerQueue } from './answer-queue.js'
import type { MessageContract } from './contracts.js'
import { type CopiedValue, copyValue } from './copy-value.js'
import { shuttingDown } from './error-answer.js'
import { isWireErrorName, MessagingError, type WireErrorName } from './errors.js'
import {
  type ErrorBody,
  hexOf,
  type MessageBody,
  type Position,
  readMessage,
  readPosition,
  writeError,
} from './frames.js'
import type { ReceivedMessage } from './inbox.js'
import { Lanes } from './lanes.js'
import { MemoryInbox } from './memory-inbox.js'
import type { ResolvedOptions } from './options.js'
import { messageId } from './outbound-stream.js'
import type { MessagingConnection } from './ports.js'
import { ReceiveCursor } from './receive-cursor.js'
import { validateAtOnce } from './standard-schema.js'

export interface OnMessageOptions {
  /** Who may send messages of this type; those of others are refused, and their senders are told. */
  access: Access
}

export interface MessageContext {
  /** Aborts when messaging is closed and does not wait any longer. */
  readonly signal: AbortSignal
}

export type MessageHandler<P> = (message: ReceivedMessage<P>, context: MessageContext) => void | Promise<void>

/** What the dispatcher of messages hands over. */
export interface MessageEvent {
  readonly peer: PeerId
  /** The type of the message. */
  readonly header: string
  /** The payload is what the schema of the type made of it. */
  readonly message: ReceivedMessage<unknown>
}

/** The type of plain text between people: everybody may send it, and it is stored without any handler. */
export const TEXT = 'text'

type Parts = Pick<ResolvedOptions, 'authorize' | 'clock' | 'logger' | 'inbox' | 'journal' | 'limits'>

/** How messages of one type are received. */
interface Reception {
  readonly access: Access
  readonly contract: MessageContract<unknown>
  readonly handled: boolean
}

/** Peers whose streams are remembered; a forgotten stream is taken up again where it next speaks. */
const MAX_PEERS = 10_000

/** One call per peer and type at a time (see `#lanes`), so this bounds the peers whose handlers run at the same time. */
const HANDLER_CONCURRENCY = 1_024

/** Stored messages of all peers and types that wait for handlers, as a multiple of what one peer and type may have. */
const BACKLOG_LANES = 10

/** While nobody handles texts. */
const UNHANDLED_TEXT: Reception = {
  access: 'anyone',
  contract: { kind: 'message', type: TEXT, payload: undefined },
  handled: false,
}

export class MessageReceiver {
  readonly dispatcher: Dispatcher<MessageEvent>
  readonly inbox: MemoryInbox
  readonly #parts: Parts
  readonly #receptions = new Map<string, Reception>()
  readonly #cursors = new Map<string, ReceiveCursor>() // least recently used first
  readonly #answers: AnswerQueue
  readonly #lanes: Lanes
  #closing = false
  #malformed = 0
  #repeated = 0
  #refused = 0

  constructor(parts: Parts) {
    const { handlerBacklog } = parts.limits
    this.#parts = parts
    this.inbox = new MemoryInbox(parts.inbox)
    this.dispatcher = new Dispatcher({ verb: 'message', authorize: parts.authorize, logger: parts.logger })
    this.#answers = new AnswerQueue(parts.logger)
    this.#lanes = new Lanes({ width: 1, perLane: handlerBacklog, total: handlerBacklog * BACKLOG_LANES })
  }

  /** Frames that say neither what they are nor which number they have. */
  get malformed(): number {
    return this.#malformed
  }

  /** Messages that came again, and were not stored again. */
  get repeated(): number {
    return this.#repeated
  }

  get refused(): number {
    return this.#refused
  }

  /** As `Messaging.onMessage`. */
  onMessage<P>(contract: MessageContract<P>, options: OnMessageOptions, handler: MessageHandler<P>): () => void {
    const { type } = contract
    const { access } = options
    const limits = { access, concurrency: HANDLER_CONCURRENCY, queue: HANDLER_CONCURRENCY }
    const unregister = this.dispatcher.register(type, limits, (event, context) =>
      handler(event.message as ReceivedMessage<P>, context),
    )
    const reception: Reception = { access, contract: contract as MessageContract<unknown>, handled: true }
    this.#receptions.set(type, reception)
    return () => {
      unregister()
      if (this.#receptions.get(type) === reception) this.#receptions.delete(type)
    }
  }

  onFrame(connection: MessagingConnection, id: number, body: Value): void {
    const position = readPosition(body)
    if (position === undefined) {
      this.#malformed++
      const text = 'the message cannot be read: expected an epoch of 8 bytes and a number from 1 up'
      this.#answers.refuse(connection, id, writeError({ name: 'BAD_INPUT', text, retryable: false }))
      return
    }
    const epoch = hexOf(position.epoch)
    const cursor = this.#cursorOf(connection.peer)
    const verdict = cursor.check(epoch, position.sequence)
    if (verdict === 'unknown') return
    if (verdict === 'repeated') {
      this.#repeated++
      this.#answers.acknowledge(connection, epoch, { epoch: position.epoch, sequence: cursor.highest(epoch) })
    } else if (verdict === 'new') {
      const refusal = this.#receive(connection.peer, epoch, position, body)
      if (refusal === undefined) {
        this.#refuseJumped(connection, position, cursor.stored(epoch, position.sequence))
        this.#answers.acknowledge(connection, epoch, position)
      } else {
        this.#refuseJumped(connection, position, cursor.refused(epoch, position.sequence, refusal.name))
        this.#refuse(connection, id, position, refusal)
      }
    } else {
      this.#refuse(connection, id, position, refusalAgain(verdict.refused))
    }
  }

  /** From now on every message is refused SHUTTING_DOWN. */
  stopAccepting(): void {
    this.#closing = true
  }

  /** Resolves when the handlers of everything stored have been called and are done. */
  drained(): Promise<void> {
    return this.#lanes.idle()
  }

  /** Stores a new message, or says why not. */
  #receive(from: PeerId, epoch: string, position: Position, body: Value): ErrorBody | undefined {
    try {
      const message = readMessage(body)
      if (message === undefined)
        throw new MessagingError('BAD_INPUT', 'the message lacks a member or has one of a wrong kind')
      const reception = this.#admit(from, message)
      this.#store(from, messageId(epoch, position.sequence), message, reception)
      return undefined
    } catch (error) {
      return this.#refusalOf(error, from)
    }
  }

  /** Every reason not to take the message, cheapest first. */
  #admit(from: PeerId, { type }: MessageBody): Reception {
    if (this.#closing) throw shuttingDown()
    const reception = this.#receptions.get(type) ?? (type === TEXT ? UNHANDLED_TEXT : undefined)
    if (reception === undefined) throw new MessagingError('NO_HANDLER', `messages of type "${type}" are not taken here`)
    if (!this.#allows(from, type, reception.access)) {
      throw new MessagingError('DENIED', `this peer may not send messages of type "${type}"`)
    }
    if (reception.handled && !this.#lanes.hasRoom(laneOf(from, type))) {
      throw new MessagingError('BUSY', `the handler of "${type}" is too far behind: try again later`)
    }
    return reception
  }

  #store(from: PeerId, id: string, body: MessageBody, reception: Reception): void {
    const { type, sentAt } = body
    const copied = copyValue(body.payload)
    if (type === TEXT && typeof copied.value !== 'string') {
      throw new MessagingError('BAD_INPUT', 'the payload of a text message is a string')
    }
    // From the payload as it came, so that a schema which changes what it is given does not change what is stored.
    const payload = validateAtOnce(reception.contract.payload, copyForSchema(reception, copied))
    const message: ReceivedMessage = Object.freeze({
      id,
      sequence: this.inbox.last + 1,
      from,
      type,
      payload: copied.value,
      sentAt,
      receivedAt: this.#parts.clock.unixNow(),
      verified: this.#allows(from, type, 'trusted'),
      redelivered: false,
    })
    this.#journal(message)
    this.inbox.add(message, copied.memory)
    if (reception.handled) this.#deliver({ ...message, payload })
  }

  #journal(message: ReceivedMessage): void {
    try {
      this.#parts.journal?.(message)
    } catch (cause) {
      this.#parts.logger.error({ error: cause, message: message.id }, 'the journal threw: the message is refused')
      throw new MessagingError('INBOX_REFUSED', 'the message could not be stored: try again later', { cause })
    }
  }

  /** In order, one at a time for each peer and type. */
  #deliver(message: ReceivedMessage<unknown>): void {
    const event = { peer: message.from, header: message.type, message }
    this.#lanes.enter(laneOf(message.from, message.type), async () => {
      try {
        await this.dispatcher.dispatch(event)
      } catch (error) {
        const reason = error instanceof DispatchError && error.code === 'HANDLER_FAILED' ? error.cause : error
        this.#parts.logger.warn({ error: reason, type: message.type, message: message.id }, 'a message was not handled')
      }
    })
  }

  #allows(peer: PeerId, header: string, access: Access): boolean {
    try {
      return this.#parts.authorize({ peer, verb: 'message', header, access }) === true
    } catch (error) {
      this.#parts.logger.error({ error, header }, 'authorize threw: the message is refused')
      return false
    }
  }

  #refusalOf(error: unknown, from: PeerId): ErrorBody {
    if (error instanceof MessagingError && isWireErrorName(error.code)) {
      const { code, message, retryable } = error
      if (code === 'HANDLER_FAILED') this.#parts.logger.error({ error, peer: from }, 'a message could not be checked')
      const text = code === 'HANDLER_FAILED' ? 'the message could not be checked' : message
      return { name: code, text, retryable }
    }
    this.#parts.logger.error({ error, peer: from }, 'a message is refused')
    return { name: 'INBOX_REFUSED', text: 'the message could not be stored', retryable: false }
  }

  #refuse(connection: MessagingConnection, id: number, position: Position, refusal: ErrorBody): void {
    this.#refused++
    this.#answers.refuse(connection, id, writeError(refusal, position))
  }

  /** Before anything is acknowledged: a cumulative acknowledgement would cover them. Their sender has mostly given them up already. */
  #refuseJumped(connection: MessagingConnection, { epoch }: Position, jumped: readonly number[]): void {
    if (jumped.length === 0) return
    // Once for all of them: an error is dear to make, and one frame of a peer may jump over a whole window.
    const refusal = refusalAgain('OUT_OF_ORDER')
    for (const sequence of jumped) {
      this.#answers.refuse(connection, connection.nextId(), writeError(refusal, { epoch, sequence }))
    }
  }

  #cursorOf(peer: PeerId): ReceiveCursor {
    const key = peer.toString()
    const cursor = this.#cursors.get(key) ?? new ReceiveCursor()
    this.#cursors.delete(key)
    this.#cursors.set(key, cursor)
    if (this.#cursors.size > MAX_PEERS) {
      for (const oldest of this.#cursors.keys()) {
        this.#cursors.delete(oldest)
        break
      }
    }
    return cursor
  }
}

function laneOf(peer: PeerId, type: string): string {
  return `${peer.toString()} ${type}`
}

function copyForSchema(reception: Reception, copied: CopiedValue): Value {
  return reception.handled ? copyValue(copied.value).value : copied.value
}

function refusalAgain(name: WireErrorName): ErrorBody {
  const retryable = new MessagingError(name, '').retryable
  const text =
    name === 'OUT_OF_ORDER' ? 'a later message is stored already: send it again as a new one' : 'it was refused before'
  return { name, text, retryable }
}
