import { type Agenda, NOTHING_TO_SETTLE } from './agenda.js'
import type { Job, QueuedTimer } from './timer-queue.js'

/** Room for this many jobs that are done is left at the front of the list before it is moved up. */
const MAX_DONE = 1_024

/**
 * What runs the code of one host: one thing at a time, in the order of arrival. While it is busy, paused or asleep,
 * everything waits. What waits is bounded by those who hand it in: sockets by their receive buffer, streams by their
 * window, timers by who set them.
 */
export class Processor implements Job {
  readonly #agenda: Agenda
  #busyUntil = 0
  #stopped = 0
  #dead = false
  #queue: Job[] = []
  #done = 0
  #next: QueuedTimer | undefined

  constructor(agenda: Agenda) {
    this.#agenda = agenda
  }

  get dead(): boolean {
    return this.#dead
  }

  /** From when on what this host sends can leave. */
  get readyAt(): number {
    return Math.max(this.#busyUntil, this.#agenda.now)
  }

  /** Runs a job at once, or when everything before it is done. The result is that of a job. */
  run(job: Job): unknown {
    if (this.#dead) return NOTHING_TO_SETTLE
    if (this.#stopped === 0 && this.#queue.length === 0 && this.#busyUntil <= this.#agenda.now) return job.fire()
    this.#queue.push(job)
    this.#schedule()
    return NOTHING_TO_SETTLE
  }

  /** Makes it busy for `ms` more. */
  spend(ms: number): void {
    if (ms > 0 && !this.#dead) this.#busyUntil = this.readyAt + ms
  }

  /** Runs nothing until `start` was called as often as this. */
  stop(): void {
    this.#stopped++
    this.#cancel()
  }

  start(): void {
    this.#stopped--
    this.#schedule()
  }

  /** Runs nothing any more. */
  kill(): void {
    this.#dead = true
    this.#queue = []
    this.#cancel()
  }

  #schedule(): void {
    if (this.#next !== undefined || this.#stopped > 0 || this.#dead || this.#queue.length === 0) return
    this.#next = this.#agenda.at(this.readyAt, this)
  }

  /** The next job's turn; for the agenda only. */
  fire(): unknown {
    this.#next = undefined
    // Somebody made it busy again in the meantime.
    if (this.#busyUntil > this.#agenda.now) {
      this.#schedule()
      return NOTHING_TO_SETTLE
    }
    const job = this.#queue[this.#done++]
    if (this.#done === this.#queue.length) {
      this.#queue = []
      this.#done = 0
    } else if (this.#done >= MAX_DONE) {
      this.#queue.splice(0, this.#done)
      this.#done = 0
    }
    try {
      return job?.fire()
    } finally {
      this.#schedule()
    }
  }

  #cancel(): void {
    if (this.#next !== undefined) this.#agenda.cancel(this.#next)
    this.#next = undefined
  }
}
