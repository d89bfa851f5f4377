import type { Message } from '@pc/wire'

interface Held {
  readonly receiver: { readonly bytes: number }
  /** What the receiver had counted when the first of the messages came. */
  readonly from: number
  readonly messages: Message[]
}

/** Frames that wait until those of another connection of the pair are through: see `PairState`. Pure. */
export class HeldFrames {
  readonly #byLink = new Map<number, Held>()

  get empty(): boolean {
    return this.#byLink.size === 0
  }

  /** What has come in, over all connections that are held, since they are: the caller bounds it. */
  get bytes(): number {
    let bytes = 0
    for (const { receiver, from } of this.#byLink.values()) bytes += receiver.bytes - from
    return bytes
  }

  /** @param receiver the meter of the connection that `link` names */
  add(link: number, receiver: { readonly bytes: number }, message: Message): void {
    const held = this.#byLink.get(link)
    if (held === undefined) this.#byLink.set(link, { receiver, from: receiver.bytes, messages: [message] })
    else held.messages.push(message)
  }

  /** The messages of one connection, in order; they are held no more. */
  take(link: number): Message[] {
    const messages = this.#byLink.get(link)?.messages ?? []
    this.#byLink.delete(link)
    return messages
  }

  /** Forgets all of them. */
  clear(): void {
    this.#byLink.clear()
  }
}
