/** Runs the accepted events of a dispatcher: starts them when it is their turn, settles each once, knows when all are over. */
import type { Logger } from '@pc/transport'
import { Batch } from './batch.js'
import { DispatchError } from './errors.js'
import type { BatchHandler, DispatchedEvent, Verb } from './handler.js'
import { isPromise } from './is-promise.js'
import type { Job } from './job.js'
import { MiddlewareChain } from './middleware.js'
import { type Admission, Schedule, type ScheduleOptions } from './schedule.js'
import { textOf } from './text-of.js'
import { isTraced, traced } from './tracing.js'

export interface RunnerOptions extends ScheduleOptions {
  readonly verb: Verb
  readonly logger: Logger
}

export class Runner<Event extends DispatchedEvent, Result> {
  readonly middleware: MiddlewareChain<Event, Result> = new MiddlewareChain()
  readonly #verb: Verb
  readonly #logger: Logger
  readonly #schedule: Schedule<Job<Event, Result>>
  readonly #jobs = new Set<Job<Event, Result>>()
  readonly #onIdle: (() => void)[] = []
  #starting = false

  constructor(options: RunnerOptions) {
    this.#verb = options.verb
    this.#logger = options.logger
    this.#schedule = new Schedule(options)
  }

  /** Events that are not over, waiting ones included. */
  get size(): number {
    return this.#jobs.size
  }

  /** Whether the event may start or wait; then `take` must follow. */
  enter(job: Job<Event, Result>): Admission {
    return this.#schedule.enter(job)
  }

  /** From here on the job is settled exactly once, which may be before this returns. */
  take(job: Job<Event, Result>, admission: 'start' | 'wait'): void {
    this.#jobs.add(job)
    if (admission === 'start') this.#start(job)
  }

  /** Settles a job early. One that runs keeps its place, and `idle` waits for it, until its handler settles. */
  giveUp(job: Job<Event, Result>, error: unknown, reason: unknown): void {
    if (job.settled) return
    const waited = this.#schedule.remove(job)
    this.#settle(job, error)
    if (waited) this.#forget(job)
    else job.abort(reason)
  }

  /** Gives up everything, and waits for nothing. */
  abandon(errorOf: (job: Job<Event, Result>) => unknown, reason: unknown): void {
    for (const job of [...this.#jobs]) {
      this.giveUp(job, errorOf(job), reason)
      this.#forget(job)
    }
  }

  /** Resolves when nothing waits or runs. */
  idle(): Promise<void> {
    if (this.#jobs.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  /** A place has been taken for the job. */
  #start(job: Job<Event, Result>): void {
    const { work } = job.lane
    if ('handleBatch' in work) {
      this.#startBatch(job, work.handleBatch, work.maxBatch)
      return
    }
    let result: Result | Promise<Result>
    try {
      result = this.#isBare()
        ? work.handle(job.event, job.context)
        : this.#around(job, () => work.handle(job.event, job.context))
    } catch (error) {
      this.#finish(job, this.#failure(job, error))
      return
    }
    if (isPromise(result)) {
      result.then(
        (value) => this.#finish(job, undefined, value),
        (error: unknown) => this.#finish(job, this.#failure(job, error)),
      )
    } else this.#finish(job, undefined, result)
  }

  #startBatch(first: Job<Event, Result>, handle: BatchHandler<Event, Result>, maxBatch: number): void {
    const { lane } = first
    const jobs = [first]
    while (jobs.length < maxBatch) {
      const job = this.#schedule.join(lane)
      if (job === undefined) break
      jobs.push(job)
    }
    const batch = new Batch<Event, Result, Job<Event, Result>>(jobs, handle, (members, outcome, over) => {
      if (over) this.#leave(first)
      for (const job of members) this.#forget(job)
      for (const [index, job] of members.entries()) {
        if ('error' in outcome) this.#settle(job, this.#failure(job, outcome.error))
        else this.#settle(job, undefined, outcome.results[index])
      }
    })
    for (const job of jobs) job.shared = batch
    if (this.#isBare()) batch.run()
    else batch.runAround((job, innermost) => this.#around(job, innermost))
  }

  /** Nothing but the handler has to be called. */
  #isBare(): boolean {
    return this.middleware.size === 0 && !isTraced()
  }

  #around(job: Job<Event, Result>, innermost: () => Result | Promise<Result>): Result | Promise<Result> {
    const { event, context } = job
    const run = (): Result | Promise<Result> => this.middleware.run(event, context, innermost)
    return isTraced() ? traced({ verb: this.#verb, header: event.header, peer: event.peer }, run) : run()
  }

  #finish(job: Job<Event, Result>, error: unknown, result?: Result): void {
    this.#leave(job)
    this.#forget(job)
    this.#settle(job, error, result)
  }

  /** The place is free before the caller hears the result, so that its next event cannot meet BUSY because of this one. */
  #leave(job: Job<Event, Result>): void {
    this.#schedule.leave(job.lane)
    this.#startWaiting()
  }

  /** One loop for all lanes, so that handlers that return at once do not pile up on the stack. */
  #startWaiting(): void {
    if (this.#starting) return
    this.#starting = true
    try {
      for (let job = this.#schedule.next(); job !== undefined; job = this.#schedule.next()) this.#start(job)
    } finally {
      this.#starting = false
    }
  }

  #settle(job: Job<Event, Result>, error: unknown, result?: Result): void {
    try {
      job.settle(error, result)
    } catch (thrown) {
      this.#logger.error({ error: thrown, header: job.event.header, verb: this.#verb }, 'a settle callback threw')
    }
  }

  #forget(job: Job<Event, Result>): void {
    if (!this.#jobs.delete(job) || this.#jobs.size > 0) return
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  /** What the caller is told when the handler threw. */
  #failure(job: Job<Event, Result>, cause: unknown): unknown {
    const { header } = job.event
    this.#logger.debug({ error: cause, header, verb: this.#verb }, 'a handler failed')
    const { work } = job.lane
    if (cause !== undefined && 'handle' in work && work.passes?.(cause) === true) return cause
    const text = `the handler of "${header}" failed: ${textOf(cause)}`
    return new DispatchError('HANDLER_FAILED', text, { cause, header })
  }
}
