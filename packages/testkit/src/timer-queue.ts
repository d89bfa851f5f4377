/** What happens at a moment. The result says whether code under test ran: see `NOTHING_TO_SETTLE`. */
export interface Job {
  fire(): unknown
}

/** A job that waits for its moment. Opaque to users of the clock. */
export interface QueuedTimer {
  due: number
  /** Breaks ties: of two timers due at the same moment the one set first fires first. */
  order: number
  /** Whose timer it is: the timers of one owner can be dropped together. */
  readonly owner: object | undefined
  /** Undefined once it has fired or was cancelled, so that a handle that is kept keeps nothing else alive. */
  job: Job | undefined
}

/** Fewer cancelled timers than this are not worth a clean-up. */
const MIN_CLEAN_UP = 256
const FIRST_CAPACITY = 256
/** Children of a node: with four the heap is half as deep as with two, and the moments of siblings share a line of the cache. */
const ARITY = 4

/**
 * Min-heap of timers by due time, then insertion. Cancelled timers are skipped when they surface, and cleaned up
 * when they are the majority: most time-outs are cancelled long before they are due.
 */
export class TimerQueue {
  #heap: QueuedTimer[] = []
  /** The moments of the timers of the heap, by index: comparing them there touches no timer. */
  #dues = new Float64Array(FIRST_CAPACITY)
  #order = 0
  #live = 0

  /** Number of timers that are neither fired nor cancelled. */
  get size(): number {
    return this.#live
  }

  add(due: number, job: Job, owner: object | undefined): QueuedTimer {
    const timer: QueuedTimer = { due, order: this.#order++, owner, job }
    this.#insert(timer)
    return timer
  }

  /** As `add`, for a timer of the caller's own that does not wait here: one that has fired, or is new. */
  put(timer: QueuedTimer, due: number): void {
    timer.due = due
    timer.order = this.#order++
    this.#insert(timer)
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

  #insert(timer: QueuedTimer): void {
    const index = this.#heap.length
    if (index === this.#dues.length) this.#grow()
    this.#heap.push(timer)
    this.#siftUp(timer, index)
    this.#live++
  }

  #cleanUp(): void {
    const heap = this.#heap.filter((waiting) => waiting.job !== undefined)
    this.#heap = heap
    for (let index = 0; index < heap.length; index++) this.#dues[index] = (heap[index] as QueuedTimer).due
    for (let index = Math.floor((heap.length - 2) / ARITY); index >= 0; index--) {
      this.#siftDown(heap[index] as QueuedTimer, index)
    }
  }

  #grow(): void {
    const dues = new Float64Array(2 * this.#dues.length)
    dues.set(this.#dues)
    this.#dues = dues
  }

  #removeTop(): void {
    const last = this.#heap.pop()
    if (last !== undefined && this.#heap.length > 0) this.#siftDown(last, 0)
  }

  #siftUp(timer: QueuedTimer, from: number): void {
    const heap = this.#heap
    const dues = this.#dues
    const { due } = timer
    let index = from
    while (index > 0) {
      const parentIndex = Math.floor((index - 1) / ARITY)
      // Timers come in the order of insertion: of two due at the same moment the one above is the earlier.
      if (due >= (dues[parentIndex] as number)) break
      heap[index] = heap[parentIndex] as QueuedTimer
      dues[index] = dues[parentIndex] as number
      index = parentIndex
    }
    heap[index] = timer
    dues[index] = due
  }

  #siftDown(timer: QueuedTimer, from: number): void {
    const heap = this.#heap
    const dues = this.#dues
    const { length } = heap
    const { due, order } = timer
    let index = from
    for (let first = ARITY * index + 1; first < length; first = ARITY * index + 1) {
      const end = Math.min(first + ARITY, length)
      let least = first
      for (let child = first + 1; child < end; child++) if (this.#before(child, least)) least = child
      const leastDue = dues[least] as number
      if (leastDue > due || (leastDue === due && (heap[least] as QueuedTimer).order > order)) break
      heap[index] = heap[least] as QueuedTimer
      dues[index] = leastDue
      index = least
    }
    heap[index] = timer
    dues[index] = due
  }

  #before(a: number, b: number): boolean {
    const dueA = this.#dues[a] as number
    const dueB = this.#dues[b] as number
    if (dueA !== dueB) return dueA < dueB
    return (this.#heap[a] as QueuedTimer).order < (this.#heap[b] as QueuedTimer).order
  }
}
