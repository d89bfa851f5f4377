/** What may wait to be sent over many connections together: one count that their queues share. */
export class SendBudget {
  /** In bytes. */
  readonly limit: number
  #used = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Bytes that wait. */
  get used(): number {
    return this.#used
  }

  /** So many bytes more, or fewer. */
  add(bytes: number): void {
    this.#used += bytes
  }
}
