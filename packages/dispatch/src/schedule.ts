/**
 * Who may start and who must wait: places of each lane, places in total, bounds of what waits. Pure: it starts nothing itself.
 *
 * Without a total limit a lane depends on itself alone. With one, what waits starts in order of priority, then arrival, across
 * all lanes; a lane without a free place is passed over.
 */
import type { PriorityQueue, Waiting } from './priority-queue.js'

/** What the schedule keeps of a lane. */
export interface LaneLoad<J extends Waiting> {
  /** Runs of this lane at the same time. */
  readonly concurrency: number
  /** Jobs of this lane that may wait. */
  readonly queue: number
  readonly waiting: PriorityQueue<J>
  /** Places taken. */
  running: number
}

export interface Scheduled<J extends Waiting> extends Waiting {
  readonly lane: LaneLoad<J>
  /** Written by the schedule when the job has to wait. */
  arrival: number
}

export type Admission = 'start' | 'wait' | 'laneFull' | 'classFull'

export interface ScheduleOptions {
  /** Runs of all lanes together; `Infinity`: as many as the lanes allow. */
  readonly concurrency: number
  /** Jobs of one class that may wait, of all lanes together; in force only with a total limit. */
  readonly queuePerPriority: number
}

export class Schedule<J extends Scheduled<J>> {
  readonly #concurrency: number
  readonly #queuePerPriority: number
  /** Lanes with something that waits and a place for it: whatever is in here waits for the total limit only. */
  readonly #ready = new Set<LaneLoad<J>>()
  readonly #waitingByClass: number[] = []
  #running = 0
  #arrivals = 0

  constructor(options: ScheduleOptions) {
    this.#concurrency = options.concurrency
    this.#queuePerPriority = options.concurrency === Infinity ? Infinity : options.queuePerPriority
  }

  /** Places taken. */
  get running(): number {
    return this.#running
  }

  /** `start`: a place is taken for it. `wait`: `next` will give it. Else it is refused, and forgotten. */
  enter(job: J): Admission {
    const { lane, priority } = job
    if (lane.waiting.size === 0 && this.#hasPlace(lane)) {
      this.#occupy(lane)
      return 'start'
    }
    if (lane.waiting.size >= lane.queue) return 'laneFull'
    const ofClass = this.#waitingByClass[priority] ?? 0
    if (ofClass >= this.#queuePerPriority) return 'classFull'
    this.#waitingByClass[priority] = ofClass + 1
    job.arrival = this.#arrivals++
    lane.waiting.add(job)
    if (lane.running < lane.concurrency) this.#ready.add(lane)
    return 'wait'
  }

  /** Takes a place for the job whose turn it is. `undefined`: nothing can start now. */
  next(): J | undefined {
    if (this.#running >= this.#concurrency) return undefined
    let best: J | undefined
    for (const lane of this.#ready) {
      const first = lane.waiting.first()
      if (first !== undefined && (best === undefined || precedes(first, best))) best = first
    }
    if (best === undefined) return undefined
    this.remove(best)
    this.#occupy(best.lane)
    return best
  }

  /** What waits next in this lane, to share a place that is taken already. */
  join(lane: LaneLoad<J>): J | undefined {
    const job = lane.waiting.first()
    if (job !== undefined) this.remove(job)
    return job
  }

  /** `true`: it waited, and never starts. */
  remove(job: J): boolean {
    const { lane, priority } = job
    if (!lane.waiting.delete(job)) return false
    this.#waitingByClass[priority] = (this.#waitingByClass[priority] ?? 0) - 1
    if (lane.waiting.size === 0) this.#ready.delete(lane)
    return true
  }

  /** A place of this lane is free again. */
  leave(lane: LaneLoad<J>): void {
    lane.running--
    this.#running--
    if (lane.waiting.size > 0) this.#ready.add(lane)
  }

  /** With a total limit a newcomer must not overtake what waits for a place in total. */
  #hasPlace(lane: LaneLoad<J>): boolean {
    if (lane.running >= lane.concurrency) return false
    return this.#concurrency === Infinity || (this.#running < this.#concurrency && this.#ready.size === 0)
  }

  #occupy(lane: LaneLoad<J>): void {
    lane.running++
    this.#running++
    if (lane.running >= lane.concurrency && lane.waiting.size > 0) this.#ready.delete(lane)
  }
}

function precedes<J extends Scheduled<J>>(one: J, other: J): boolean {
  return one.priority < other.priority || (one.priority === other.priority && one.arrival < other.arrival)
}
