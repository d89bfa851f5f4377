import type { PeerId } from '@pc/identity'
import { MAX_CONTROL_FRAME, type Value } from '@pc/wire'
import { copyValue } from './copy-value.js'
import { Deadline } from './deadline.js'
import { Delivery, type Receipt } from './delivery.js'
import { MessagingError } from './errors.js'
import { EPOCH_BYTES, type Position, readPosition } from './frames.js'
import { Idle } from './idle.js'
import type { Links } from './links.js'
import { type ResolvedOptions, SEND_TIMEOUT_MS } from './options.js'
import { OutboundStream } from './outbound-stream.js'
import type { MessagingConnection } from './ports.js'

export interface SendOptions {
  /** How long to wait for the acknowledgement, from the call on, ms. @default 30000 */
  timeoutMs?: number
  /** Ends the wait with its reason, before and after the receipt. What is on the wire may arrive all the same. */
  signal?: AbortSignal
}

type Parts = Pick<ResolvedOptions, 'connector' | 'clock' | 'random' | 'logger' | 'limits'> & { readonly links: Links }

/** Streams kept for peers to whom nothing is under way; a stream that is dropped begins anew, with another epoch. */
const IDLE_STREAMS = 1_024

/** A waiting message without its payload: promises, timer, list entries; rounded up. */
const DELIVERY_BYTES = 1_024

export class Outbox {
  readonly #parts: Parts
  readonly #streams = new Map<string, OutboundStream>() // least recently used first
  readonly #underWay = new Idle()
  #bytes = 0
  #strayAcks = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Messages that are not settled. */
  get size(): number {
    return this.#underWay.count
  }

  /** Acknowledgements that were about nothing on the wire. */
  get strayAcks(): number {
    return this.#strayAcks
  }

  /** Settles as `Messaging.send`. */
  async send(peer: PeerId, type: string, payload: unknown, options: SendOptions = {}): Promise<Receipt> {
    options.signal?.throwIfAborted()
    const copied = copyValue(payload)
    if (copied.leastBytes > MAX_CONTROL_FRAME) {
      const message = `a message fits into ${MAX_CONTROL_FRAME} bytes, and this one has at least ${copied.leastBytes}: send a file`
      throw new MessagingError('TOO_LARGE', message)
    }
    const stream = this.#streamOf(peer)
    this.#checkRoom(stream, copied.memory)
    return this.#begin(stream, peer, type, copied, options).receipt
  }

  onAck(connection: MessagingConnection, body: Value): void {
    const position = readPosition(body)
    const stream = this.#streams.get(connection.peer.toString())
    if (position === undefined || !stream?.acknowledge(connection, position)) this.#strayAcks++
  }

  /** `false`: about nothing on the wire. */
  onRefused(connection: MessagingConnection, position: Position, error: MessagingError): boolean {
    return this.#streams.get(connection.peer.toString())?.refuse(connection, position, error) ?? false
  }

  connectionLost(connection: MessagingConnection): void {
    this.#streams.get(connection.peer.toString())?.connectionLost(connection)
  }

  /** Resolves when every message is settled. */
  drained(): Promise<void> {
    return this.#underWay.wait()
  }

  failAll(error: unknown): void {
    for (const stream of this.#streams.values()) stream.failAll(error)
  }

  #begin(
    stream: OutboundStream,
    peer: PeerId,
    type: string,
    copied: { value: Value; memory: number },
    options: SendOptions,
  ): Delivery {
    const { clock } = this.#parts
    const timeoutMs = options.timeoutMs ?? SEND_TIMEOUT_MS
    const onTime = (): Error => notAcknowledged(peer, timeoutMs, delivery.sequence !== undefined)
    const deadline = new Deadline(clock, timeoutMs, options.signal, onTime)
    const memory = copied.memory + DELIVERY_BYTES
    const fields = { peer, type, payload: copied.value, memory, sentAt: clock.unixNow(), deadline }
    const onAbort = (): void => delivery.fail(deadline.signal.reason)
    const delivery: Delivery = new Delivery(fields, () => {
      this.#bytes -= memory
      stream.forget(delivery)
      this.#underWay.leave()
    })
    deadline.signal.addEventListener('abort', onAbort, { once: true })
    this.#bytes += memory
    this.#underWay.enter()
    stream.add(delivery)
    return delivery
  }

  #checkRoom(stream: OutboundStream, memory: number): void {
    const { outboxMessages, outboxBytes, outboxTotalBytes } = this.#parts.limits
    const full =
      stream.waiting >= outboxMessages ||
      stream.waitingBytes + memory > outboxBytes ||
      this.#bytes + memory > outboxTotalBytes
    if (!full) return
    const load = `${stream.waiting} messages of ${stream.waitingBytes} bytes wait for this peer, ${this.#bytes} bytes in all`
    throw new MessagingError('OUTBOX_FULL', `${load}: wait for some receipts first`)
  }

  #streamOf(peer: PeerId): OutboundStream {
    const key = peer.toString()
    const known = this.#streams.get(key)
    const { connector, links, logger, random } = this.#parts
    const stream = known ?? new OutboundStream({ peer, epoch: random.bytes(EPOCH_BYTES), connector, links, logger })
    this.#streams.delete(key)
    if (this.#streams.size >= IDLE_STREAMS) this.#dropIdle()
    this.#streams.set(key, stream)
    return stream
  }

  #dropIdle(): void {
    for (const [key, stream] of this.#streams) {
      if (!stream.idle) continue
      this.#streams.delete(key)
      return
    }
  }
}

function notAcknowledged(peer: PeerId, timeoutMs: number, sent: boolean): MessagingError {
  const message = sent
    ? `${peer.short} did not acknowledge within ${timeoutMs} ms: it may or may not have arrived`
    : `the message for ${peer.short} could not be sent within ${timeoutMs} ms`
  return new MessagingError('NOT_ACKNOWLEDGED', message)
}
