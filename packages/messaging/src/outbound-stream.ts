/**
 * Messages to one peer: they wait in the order of `send`, go on the wire through the window, and are settled by
 * acknowledgement, refusal, deadline or the end of their connection. The rules are in send-window.ts.
 */
import type { PeerId } from '@pc/identity'
import type { Logger } from '@pc/transport'
import { WireError } from '@pc/wire'
import type { Delivery } from './delivery.js'
import { codeOf, MessagingError, textOf } from './errors.js'
import { Frame, hexOf, type Position, writeMessage } from './frames.js'
import type { Links } from './links.js'
import type { MessagingConnection, MessagingConnector } from './ports.js'
import { SendWindow } from './send-window.js'

export interface OutboundStreamParts {
  readonly peer: PeerId
  /** Drawn for this stream alone. */
  readonly epoch: Uint8Array
  readonly connector: MessagingConnector
  readonly links: Links
  readonly logger: Logger
}

export class OutboundStream {
  readonly #parts: OutboundStreamParts
  readonly #epochText: string
  readonly #window = new SendWindow()
  readonly #waiting = new Set<Delivery>() // in the order of `send`
  readonly #onWire = new Map<number, Delivery>()
  /** The connection that carries everything on the wire. */
  #carrier: MessagingConnection | undefined
  #pumping = false
  /** Ends the wait for a dial that nobody needs any more. */
  #dialling: AbortController | undefined
  /** Ends the wait for the connection to take more, when it is lost. */
  #release: (() => void) | undefined
  #waitingBytes = 0

  constructor(parts: OutboundStreamParts) {
    this.#parts = parts
    this.#epochText = hexOf(parts.epoch)
  }

  /** Messages that wait for the wire. */
  get waiting(): number {
    return this.#waiting.size
  }

  get waitingBytes(): number {
    return this.#waitingBytes
  }

  get idle(): boolean {
    return this.#waiting.size === 0 && this.#onWire.size === 0 && !this.#pumping
  }

  add(delivery: Delivery): void {
    this.#waiting.add(delivery)
    this.#waitingBytes += delivery.fields.memory
    void this.#pump()
  }

  /** A delivery is over, for whatever reason: its place is free. */
  forget(delivery: Delivery): void {
    this.#unqueue(delivery)
    const { sequence } = delivery
    if (sequence !== undefined && this.#onWire.delete(sequence)) this.#window.settle(sequence)
    if (this.#waiting.size === 0) this.#dialling?.abort(new Error('no message waits for this connection any more'))
    else void this.#pump()
  }

  /** `false`: not about this stream, or not from the connection that carries it. */
  acknowledge(connection: MessagingConnection, position: Position): boolean {
    if (!this.#isOurs(connection, position)) return false
    for (const sequence of this.#window.acknowledge(position.sequence)) {
      this.#onWire.get(sequence)?.acknowledged(this.#idOf(sequence))
    }
    return true
  }

  /** As `acknowledge`, for one message that the receiver refuses. */
  refuse(connection: MessagingConnection, position: Position, error: MessagingError): boolean {
    if (!this.#isOurs(connection, position)) return false
    const delivery = this.#onWire.get(position.sequence)
    delivery?.fail(error)
    return delivery !== undefined
  }

  connectionLost(connection: MessagingConnection): void {
    if (connection !== this.#carrier) return
    this.#carrier = undefined
    const lost = this.#window.lose().map((sequence) => this.#onWire.get(sequence))
    for (const delivery of lost) delivery?.fail(connectionLost(this.#parts.peer))
    this.#release?.()
    void this.#pump()
  }

  failAll(error: unknown): void {
    for (const delivery of [...this.#onWire.values(), ...this.#waiting]) delivery.fail(error)
  }

  async #pump(): Promise<void> {
    if (this.#pumping) return
    this.#pumping = true
    try {
      while (this.#waiting.size > 0) {
        const connection = await this.#connection()
        if (connection === undefined || !this.#window.open) break
        await this.#handOver(connection)
      }
    } catch (error) {
      this.#failWaiting(error)
    } finally {
      this.#pumping = false
    }
  }

  /**
   * Where the next message goes. All that is unsettled is on one connection: with two, a later message could overtake
   * an earlier one. So when another connection has taken over, we wait until the old one is done (`undefined`).
   */
  async #connection(): Promise<MessagingConnection | undefined> {
    const { peer, connector, links } = this.#parts
    const carrier = this.#carrier
    if (carrier !== undefined && links.isOpen(carrier)) {
      if (connector.current(peer) === carrier) return carrier
      if (this.#onWire.size > 0) return undefined
    }
    const dialling = new AbortController()
    this.#dialling = dialling
    try {
      const connection = await connector.control(peer, { signal: dialling.signal })
      links.numberOf(connection)
      this.#carrier = connection
      return connection
    } catch (error) {
      // Nobody waited any more; somebody who came after that starts a dial of their own.
      if (dialling.signal.aborted) return this.#waiting.size > 0 ? this.#connection() : undefined
      throw error
    } finally {
      this.#dialling = undefined
    }
  }

  async #handOver(connection: MessagingConnection): Promise<void> {
    const [delivery] = this.#waiting
    if (delivery === undefined) return
    const sequence = this.#window.take()
    if (sequence === undefined) return
    this.#unqueue(delivery)
    delivery.sequence = sequence
    this.#onWire.set(sequence, delivery)
    try {
      await this.#send(connection, delivery, sequence)
      delivery.issue(this.#idOf(sequence))
    } catch (error) {
      delivery.fail(sendError(error, this.#parts.peer))
    }
  }

  #send(connection: MessagingConnection, delivery: Delivery, sequence: number): Promise<void> {
    const { type, payload, sentAt, deadline } = delivery.fields
    const position = { epoch: this.#parts.epoch, sequence }
    const body = writeMessage(position, { type, payload, sentAt, ttlMs: deadline.remainingMs })
    return new Promise<void>((resolve, reject) => {
      this.#release = resolve
      connection.send(Frame.MESSAGE, connection.nextId(), body).then(resolve, reject)
    }).finally(() => {
      this.#release = undefined
    })
  }

  #failWaiting(cause: unknown): void {
    const { peer, logger } = this.#parts
    logger.debug({ peer, error: cause, waiting: this.#waiting.size }, 'no connection for waiting messages')
    for (const delivery of [...this.#waiting]) delivery.fail(offline(peer, cause))
  }

  #unqueue(delivery: Delivery): void {
    if (this.#waiting.delete(delivery)) this.#waitingBytes -= delivery.fields.memory
  }

  #isOurs(connection: MessagingConnection, position: Position): boolean {
    return connection === this.#carrier && hexOf(position.epoch) === this.#epochText
  }

  #idOf(sequence: number): string {
    return messageId(this.#epochText, sequence)
  }
}

/** The epoch is 64 random bits of one stream, so the pair is unique everywhere. */
export function messageId(epochText: string, sequence: number): string {
  return `${epochText}-${sequence}`
}

export function offline(peer: PeerId, cause: unknown): MessagingError {
  if (codeOf(cause) === 'SELF_DIALLED') {
    return new MessagingError('SELF', 'the id is our own: a peer sends nothing to itself', { cause })
  }
  const message = `no connection with ${peer.short}: ${textOf(cause)}; try again when it is up`
  return new MessagingError('PEER_OFFLINE', message, { cause })
}

export function connectionLost(peer: PeerId): MessagingError {
  return new MessagingError(
    'CONNECTION_LOST',
    `the connection with ${peer.short} ended before the answer: it may or may not have arrived`,
  )
}

/** Why a frame could not be handed to a connection. */
export function sendError(cause: unknown, peer: PeerId): MessagingError {
  switch (codeOf(cause)) {
    case 'TOO_LARGE':
      return new MessagingError('TOO_LARGE', `it does not fit into one frame: ${textOf(cause)}`, { cause })
    case 'SEND_QUEUE_FULL':
      return new MessagingError('BUSY', `the connection with ${peer.short} takes no more at the moment`, { cause })
    default:
      if (cause instanceof WireError) {
        return new MessagingError('BAD_PAYLOAD', `it cannot be encoded: ${textOf(cause)}`, { cause })
      }
      return new MessagingError('CONNECTION_LOST', `the connection with ${peer.short} broke: ${textOf(cause)}`, {
        cause,
      })
  }
}
