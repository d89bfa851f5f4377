import type { Connection } from './connection.js'

/**
 * A bulk connection for one user alone. Exactly one of two things ends the use: `release`, when everything that belongs to it has been
 * sent and read, which keeps the connection for the next one; or the end of the connection, which is also what disposing does.
 */
export class BulkLease {
  readonly connection: Connection
  readonly #release: () => void
  #released = false

  constructor(connection: Connection, release: () => void) {
    this.connection = connection
    this.#release = release
  }

  /**
   * Gives the connection back; it must not be touched any more. Whoever is not sure that the other side is through with the use closes it
   * instead: what is left of it would be taken for the next one. A second call does nothing.
   */
  release(): void {
    if (this.#released) return
    this.#released = true
    this.#release()
  }

  /** Closes the connection, unless it was released. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#released) await this.connection.close()
  }
}
