import type { MessagingConnection } from './ports.js'

/**
 * Connections that this package has used or heard from, each with a number of its own, because frame ids repeat
 * across connections. Bounded by the connections that are open.
 */
export class Links {
  readonly #numbers = new Map<MessagingConnection, number>()
  readonly #onLost: (connection: MessagingConnection, number: number) => void
  #next = 1

  constructor(onLost: (connection: MessagingConnection, number: number) => void) {
    this.#onLost = onLost
  }

  /** Starts to watch a connection that is new here. */
  numberOf(connection: MessagingConnection): number {
    const known = this.#numbers.get(connection)
    if (known !== undefined) return known
    const number = this.#next++
    this.#numbers.set(connection, number)
    void connection.closed.then(() => {
      this.#numbers.delete(connection)
      this.#onLost(connection, number)
    })
    return number
  }

  /** `false` once it has closed, or if it was never used. */
  isOpen(connection: MessagingConnection): boolean {
    return this.#numbers.has(connection)
  }
}
