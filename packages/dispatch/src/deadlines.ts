/**
 * Many moments with one timer: a heap of what is due when. What is not needed any more is marked by its own `dueAt` and skipped when
 * it surfaces, because most deadlines are met long before. Pure.
 */
import TinyQueue from 'tinyqueue'

/** Something that waits. `dueAt` is its present deadline; infinite for none. */
export interface Waiting {
  dueAt: number
}

interface Entry<T extends Waiting> {
  readonly at: number
  readonly order: number
  readonly item: T
}

/** Entries that may be out of date before the heap is built anew: with fewer it is not worth the work. */
const FEW = 64

export class Deadlines<T extends Waiting> {
  #queue = newQueue<T>([])
  #order = 0
  /** Entries that are out of date, about: whoever waits for an hour and is called off must not stay for an hour. */
  #stale = 0

  /** Entries kept, those out of date included: at most twice as many as items wait, but for a few. */
  get size(): number {
    return this.#queue.length
  }

  /** Sets, or moves, the deadline of an item. */
  set(item: T, at: number): void {
    if (item.dueAt === at) return
    this.clear(item)
    item.dueAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#order += 1
    this.#queue.push({ at, order: this.#order, item })
  }

  clear(item: T): void {
    if (item.dueAt === Number.POSITIVE_INFINITY) return
    item.dueAt = Number.POSITIVE_INFINITY
    this.#stale += 1
    if (this.#stale <= FEW || this.#stale * 2 <= this.#queue.length) return
    this.#queue = newQueue(this.#queue.data.filter(isPresent))
    this.#stale = 0
  }

  /** When to look again; infinite if nothing waits. */
  get nextAt(): number {
    for (let first = this.#queue.peek(); first !== undefined; first = this.#queue.peek()) {
      if (isPresent(first)) return first.at
      this.#queue.pop()
      this.#stale -= 1
    }
    return Number.POSITIVE_INFINITY
  }

  /** The next item that is due, its deadline cleared; undefined when none is left. */
  take(now: number): T | undefined {
    if (this.nextAt > now) return undefined
    const item = this.#queue.pop()?.item
    if (item !== undefined) item.dueAt = Number.POSITIVE_INFINITY
    return item
  }
}

function newQueue<T extends Waiting>(entries: Entry<T>[]): TinyQueue<Entry<T>> {
  return new TinyQueue(entries, (a, b) => a.at - b.at || a.order - b.order)
}

function isPresent<T extends Waiting>({ at, item }: Entry<T>): boolean {
  return item.dueAt === at
}
