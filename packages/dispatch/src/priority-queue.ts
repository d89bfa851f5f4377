/**
 * What waits, in order of priority, then arrival. The links are in what waits, so that joining, leaving from the middle and
 * taking the first cost the same whatever the length. Pure.
 */
import type { Priority } from './priority.js'

/** What can wait in one queue at a time. The queue alone changes `before` and `after`. */
export interface Waiting {
  readonly priority: Priority
  before: Waiting | undefined
  after: Waiting | undefined
}

export class PriorityQueue<T extends Waiting> {
  /** By class, as `#last`. */
  readonly #first: (T | undefined)[] = []
  readonly #last: (T | undefined)[] = []
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Joins behind everything of its class. `item` waits nowhere else. */
  add(item: T): void {
    const last = this.#last[item.priority]
    item.before = last
    item.after = undefined
    if (last === undefined) this.#first[item.priority] = item
    else last.after = item
    this.#last[item.priority] = item
    this.#size++
  }

  /** Who is next; it stays. */
  first(): T | undefined {
    if (this.#size === 0) return undefined
    return this.#first.find((item) => item !== undefined)
  }

  /** `false`: it does not wait here. */
  delete(item: T): boolean {
    const { priority } = item
    const before = item.before as T | undefined
    const after = item.after as T | undefined
    if (before === undefined && this.#first[priority] !== item) return false
    if (before === undefined) this.#first[priority] = after
    else before.after = after
    if (after === undefined) this.#last[priority] = before
    else after.before = before
    item.before = undefined
    item.after = undefined
    this.#size--
    return true
  }
}
