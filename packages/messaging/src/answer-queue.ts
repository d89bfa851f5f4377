import type { Logger } from '@pc/transport'
import type { Value } from '@pc/wire'
import { codeOf } from './errors.js'
import { Frame, type Position, writeAck } from './frames.js'
import type { MessagingConnection } from './ports.js'
import { EPOCHS } from './receive-cursor.js'
import { WINDOW } from './send-window.js'

interface Queue {
  /** In the order of the messages. */
  readonly refusals: { readonly id: number; readonly body: Value }[]
  /** The latest acknowledgement that is due, by epoch; no more than the receiver remembers. */
  readonly acks: Map<string, Position>
  sending: boolean
  /** A refusal was lost: no acknowledgement may follow. */
  mute: boolean
}

/** Refusals that wait: a window of messages, and as many numbers that one of them may have jumped over. */
const MAX_REFUSALS = 2 * WINDOW

/**
 * Refusals and acknowledgements of messages, on their way back over the connection that the message came by. Messages that
 * came in one read are acknowledged together. An acknowledgement never overtakes the refusal of a number it covers, also
 * when the connection takes no more for a while: what is refused would then be taken for stored.
 */
export class AnswerQueue {
  readonly #logger: Logger
  readonly #queues = new WeakMap<MessagingConnection, Queue>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  refuse(connection: MessagingConnection, id: number, body: Value): void {
    const queue = this.#queueOf(connection)
    // No sender that keeps to its window has so many messages without an answer.
    if (queue.refusals.length >= MAX_REFUSALS) queue.mute = true
    else queue.refusals.push({ id, body })
    void this.#send(connection, queue)
  }

  /** `upTo` takes the place of what is due for the same epoch. Goes out when the frames at hand have been looked at. */
  acknowledge(connection: MessagingConnection, epochText: string, upTo: Position): void {
    const queue = this.#queueOf(connection)
    if (queue.mute) return
    queue.acks.set(epochText, upTo)
    if (queue.acks.size > EPOCHS) {
      const [oldest] = queue.acks.keys()
      if (oldest !== undefined) queue.acks.delete(oldest)
    }
    queueMicrotask(() => void this.#send(connection, queue))
  }

  /** All refusals before any acknowledgement, and both before what waits: whoever sends much waits for them. What finds no room goes out with the next answer. */
  async #send(connection: MessagingConnection, queue: Queue): Promise<void> {
    if (queue.sending) return
    queue.sending = true
    try {
      for (;;) {
        const [refusal] = queue.refusals
        const [ack] = queue.acks
        if (refusal !== undefined) {
          await connection.send(Frame.ERROR, refusal.id, refusal.body, 'urgent')
          queue.refusals.shift()
        } else if (ack !== undefined && !queue.mute) {
          const [epochText, position] = ack
          await connection.send(Frame.ACK, connection.nextId(), writeAck(position), 'urgent')
          if (queue.acks.get(epochText) === position) queue.acks.delete(epochText)
        } else break
      }
    } catch (error) {
      this.#logger.debug({ error, peer: connection.peer }, 'an answer to a message could not be sent')
      if (codeOf(error) !== 'SEND_QUEUE_FULL') queue.mute = true // the connection is over
    } finally {
      queue.sending = false
    }
  }

  #queueOf(connection: MessagingConnection): Queue {
    const queue = this.#queues.get(connection) ?? { refusals: [], acks: new Map(), sending: false, mute: false }
    this.#queues.set(connection, queue)
    return queue
  }
}
