import type { Logger } from '@pc/transport'
import { Frame, writeAck } from './frames.js'
import type { MessagingConnection } from './ports.js'

interface Due {
  readonly connection: MessagingConnection
  readonly epochText: string
  readonly epoch: Uint8Array
}

/**
 * Acknowledgements that are due. Messages that came in one read are acknowledged together: what is due goes out when
 * the frames at hand have been looked at. It goes over the connection that the message came by, behind every refusal
 * that was sent there before: an acknowledgement must never overtake the refusal of a number it covers.
 */
export class AckQueue {
  readonly #logger: Logger
  readonly #highest: (peer: string, epochText: string) => number
  #due: Due[] = []

  /** `highest` gives the number to acknowledge at the moment of sending. */
  constructor(logger: Logger, highest: (peer: string, epochText: string) => number) {
    this.#logger = logger
    this.#highest = highest
  }

  add(connection: MessagingConnection, epochText: string, epoch: Uint8Array): void {
    if (this.#due.some((due) => due.connection === connection && due.epochText === epochText)) return
    if (this.#due.length === 0) queueMicrotask(() => this.#flush())
    this.#due.push({ connection, epochText, epoch: Uint8Array.from(epoch) })
  }

  #flush(): void {
    const due = this.#due
    this.#due = []
    for (const { connection, epochText, epoch } of due) {
      const sequence = this.#highest(connection.peer.toString(), epochText)
      connection.send(Frame.ACK, connection.nextId(), writeAck({ epoch, sequence })).catch((error: unknown) => {
        this.#logger.debug({ error, peer: connection.peer.short }, 'an acknowledgement could not be sent')
      })
    }
  }
}
