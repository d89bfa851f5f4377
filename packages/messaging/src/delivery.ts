import type { PeerId } from '@pc/identity'
import type { Value } from '@pc/wire'
import type { Deadline } from './deadline.js'

/** Stands for a message that was accepted for sending. */
export interface Receipt {
  /** The same text as the receiver's `message.id`; no two messages share one. */
  readonly id: string
  /**
   * Resolves when the receiver has the message in its inbox; rejects with MessagingError CONNECTION_LOST,
   * NOT_ACKNOWLEDGED, CLOSED, or the code with which the receiver refused it. Need not be awaited.
   */
  readonly acknowledged: Promise<void>
}

export interface DeliveryFields {
  readonly peer: PeerId
  readonly type: string
  readonly payload: Value
  /** Bytes it occupies while it waits. */
  readonly memory: number
  /** Unix ms. */
  readonly sentAt: number
  readonly deadline: Deadline
}

/** One message on its way out: settles `send()` and `receipt.acknowledged`, each exactly once. */
export class Delivery {
  readonly fields: DeliveryFields
  readonly receipt: Promise<Receipt>
  /** Its number in the stream; set when it goes on the wire. */
  sequence: number | undefined
  readonly #giveReceipt: (receipt: Receipt) => void
  readonly #refuseReceipt: (error: unknown) => void
  #acknowledge: (() => void) | undefined
  #refuse: ((error: unknown) => void) | undefined
  #issued = false
  #settled = false
  readonly #onSettled: (delivery: Delivery) => void

  /** `onSettled` is called once, as soon as nothing more can happen to it. */
  constructor(fields: DeliveryFields, onSettled: (delivery: Delivery) => void) {
    this.fields = fields
    this.#onSettled = onSettled
    let give: (receipt: Receipt) => void = () => {}
    let refuse: (error: unknown) => void = () => {}
    this.receipt = new Promise((resolve, reject) => {
      give = resolve
      refuse = reject
    })
    this.#giveReceipt = give
    this.#refuseReceipt = refuse
  }

  /** It is with the connection: `send()` resolves. */
  issue(id: string): void {
    if (this.#issued || this.#settled) return
    this.#issued = true
    const acknowledged = new Promise<void>((resolve, reject) => {
      this.#acknowledge = resolve
      this.#refuse = reject
    })
    acknowledged.catch(() => {}) // whoever keeps only the receipt must not end the process by it
    this.#giveReceipt({ id, acknowledged })
  }

  /** The receiver has it. */
  acknowledged(id: string): void {
    this.issue(id)
    this.#settle(() => this.#acknowledge?.())
  }

  /** It will not be acknowledged: rejects `send()` if there is no receipt yet, else `acknowledged`. */
  fail(error: unknown): void {
    this.#settle(() => (this.#issued ? this.#refuse?.(error) : this.#refuseReceipt(error)))
  }

  #settle(action: () => void): void {
    if (this.#settled) return
    this.#settled = true
    this.fields.deadline.release()
    action()
    this.#onSettled(this)
  }
}
