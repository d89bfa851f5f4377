/** A callback waiting for its moment. Opaque to callers. */
export interface QueuedTimer {
  readonly due: number
  /** Breaks ties: of two timers due at the same moment the one set first fires first. */
  readonly order: number
  readonly callback: () => void
  cancelled: boolean
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

  add(due: number, callback: () => void): QueuedTimer {
    const timer: QueuedTimer = { due, order: this.#order++, callback, cancelled: false }
    this.#heap.push(timer)
    this.#siftUp(this.#heap.length - 1)
    this.#live++
    return timer
  }

  /** Cancels a waiting timer. One that has fired or was cancelled before is left alone. */
  cancel(timer: QueuedTimer): void {
    if (timer.cancelled) return
    timer.cancelled = true
    this.#live--
    if (this.#heap.length >= MIN_CLEAN_UP && this.#live < this.#heap.length / 2) {
      // A sorted list is a valid heap.
      this.#heap = this.#heap.filter((waiting) => !waiting.cancelled).sort((a, b) => (before(a, b) ? -1 : 1))
    }
  }

  peek(): QueuedTimer | undefined {
    while (this.#heap[0]?.cancelled) this.#removeTop()
    return this.#heap[0]
  }

  /** Removes and returns the first timer; it counts as fired from here on. */
  take(): QueuedTimer | undefined {
    const timer = this.peek()
    if (timer === undefined) return undefined
    this.#removeTop()
    this.cancel(timer)
    return timer
  }

  #removeTop(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#siftDown(0)
  }

  #siftUp(from: number): void {
    const heap = this.#heap
    const timer = heap[from] as QueuedTimer
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

  #siftDown(from: number): void {
    const heap = this.#heap
    const timer = heap[from] as QueuedTimer
    let index = from
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= heap.length) break
      const right = childIndex + 1
      if (right < heap.length && before(heap[right] as QueuedTimer, heap[childIndex] as QueuedTimer)) childIndex = right
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
