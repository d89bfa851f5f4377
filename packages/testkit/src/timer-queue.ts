/** What happens at a moment. The result says whether code under test ran: see `NOTHING_TO_SETTLE`. */
export interface Job {
  fire(): unknown
}

/** A job that waits for its moment. Opaque to users of the clock. */
export interface QueuedTimer {
  readonly due: number
  /** Breaks ties: of two timers due at the same moment the one set first fires first. */
  readonly order: number
  /** Whose timer it is: the timers of one owner can be dropped together. */
  readonly owner: object | undefined
  /** Undefined once it has fired or was cancelled, so that a handle that is kept keeps nothing else alive. */
  job: Job | undefined
}

/** Fewer cancelled timers than this are not worth a clean-up. */
const MIN_CLEAN_UP = 256

/**
 * Binary min-heap of timers by due time, then insertion. Cancelled timers are skipped when they surface, and cleaned up
 * when they are the majority: most time-outs are cancelled long before they are due.
 */
export class TimerQueue {
  #heap: QueuedTimer[] = []
  #order = 0
  #live = 0

  /** Number of timers that are neither fired nor cancelled. */
  get size(): number {
    return this.#live
  }

  add(due: number, job: Job, owner: object | undefined): QueuedTimer {
    const timer: QueuedTimer = { due, order: this.#order++, owner, job }
    const heap = this.#heap
    heap.push(timer)
    if (heap.length > 1) this.#siftUp(timer, heap.length - 1)
    this.#live++
    return timer
  }

  /** Cancels a waiting timer. One that has fired or was cancelled before is left alone. */
  cancel(timer: QueuedTimer): void {
    if (timer.job === undefined) return
    timer.job = undefined
    this.#live--
    if (this.#heap.length >= MIN_CLEAN_UP && this.#live < this.#heap.length / 2) this.#cleanUp()
  }

  /** Cancels all timers of an owner: one pass over everything that waits. */
  cancelOwned(owner: object): void {
    for (const timer of this.#heap) {
      if (timer.owner !== owner || timer.job === undefined) continue
      timer.job = undefined
      this.#live--
    }
    this.#cleanUp()
  }

  /** The first timer, which stays. */
  peek(): QueuedTimer | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.job !== undefined) return first
      this.#removeTop()
    }
    return undefined
  }

  /** Removes the first timer if it is due by `until`. The caller takes its job out, which marks it as fired. */
  take(until: number): QueuedTimer | undefined {
    const timer = this.peek()
    if (timer === undefined || timer.due > until) return undefined
    this.#removeTop()
    this.#live--
    return timer
  }

  #cleanUp(): void {
    const heap = this.#heap.filter((waiting) => waiting.job !== undefined)
    this.#heap = heap
    for (let index = (heap.length >> 1) - 1; index >= 0; index--) this.#siftDown(heap[index] as QueuedTimer, index)
  }

  #removeTop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last !== undefined && heap.length > 0) this.#siftDown(last, 0)
  }

  #siftUp(timer: QueuedTimer, from: number): void {
    const heap = this.#heap
    let index = from
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex] as QueuedTimer
      if (!before(timer, parent)) break
      heap[index] = parent
      index = parentIndex
    }
    heap[index] = timer
  }

  #siftDown(timer: QueuedTimer, from: number): void {
    const heap = this.#heap
    const length = heap.length
    let index = from
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= length) break
      const right = childIndex + 1
      if (right < length && before(heap[right] as QueuedTimer, heap[childIndex] as QueuedTimer)) childIndex = right
      const child = heap[childIndex] as QueuedTimer
      if (!before(child, timer)) break
      heap[index] = child
      index = childIndex
    }
    heap[index] = timer
  }
}

function before(a: QueuedTimer, b: QueuedTimer): boolean {
  return a.due === b.due ? a.order < b.order : a.due < b.due
}
