/** How many records each author has in a store, and of plain ones, which have no author, each giver. As large as the store. */
import { keyOf } from './contact.js'
import type { DhtRecord } from './value-record.js'

export class RecordQuota {
  readonly #perAuthor: number
  readonly #perGiver: number
  readonly #authors = new Map<string, number>()
  readonly #givers = new Map<string, number>()

  constructor(perAuthor: number, perGiver: number) {
    this.#perAuthor = perAuthor
    this.#perGiver = perGiver
  }

  /** Whether one more is within the quota. */
  allows(record: DhtRecord, giver: string): boolean {
    return record.type === 'signed'
      ? (this.#authors.get(keyOf(record.author)) ?? 0) < this.#perAuthor
      : (this.#givers.get(giver) ?? 0) < this.#perGiver
  }

  /** One more, or one less. */
  count(record: DhtRecord, giver: string, change: 1 | -1): void {
    if (record.type === 'signed') add(this.#authors, keyOf(record.author), change)
    else add(this.#givers, giver, change)
  }
}

function add(counts: Map<string, number>, who: string, change: 1 | -1): void {
  const count = (counts.get(who) ?? 0) + change
  if (count > 0) counts.set(who, count)
  else counts.delete(who)
}
