/** One accepted event, from `offer` until its handler has settled. */
import type { HandlerContext, Settle } from './handler.js'
import type { Lane } from './lane.js'
import type { Priority } from './priority.js'
import type { Scheduled } from './schedule.js'

/** Most handlers never look at their signal, and an AbortController for each event costs more than all the rest. */
export class LazyContext implements HandlerContext {
  #controller: AbortController | undefined
  #given: { readonly reason: unknown } | undefined

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#given !== undefined) this.#controller.abort(this.#given.reason)
    }
    return this.#controller.signal
  }

  /** Only the first reason counts. */
  abort(reason: unknown): void {
    this.#given ??= { reason }
    this.#controller?.abort(this.#given.reason)
  }
}

/** A run of several jobs together. */
export interface SharedRun {
  /** Nobody waits for one of its jobs any more. */
  giveUp(reason: unknown): void
}

export class Job<Event, Result> implements Scheduled<Job<Event, Result>> {
  readonly event: Event
  readonly lane: Lane<Event, Result>
  readonly priority: Priority
  readonly context: LazyContext = new LazyContext()
  arrival = 0
  before: Job<Event, Result> | undefined = undefined
  after: Job<Event, Result> | undefined = undefined
  /** Set while it is handled together with others. */
  shared: SharedRun | undefined = undefined
  #settle: Settle<Result> | undefined
  #stopListening: (() => void) | undefined = undefined

  constructor(event: Event, lane: Lane<Event, Result>, priority: Priority, settle: Settle<Result>) {
    this.event = event
    this.lane = lane
    this.priority = priority
    this.#settle = settle
  }

  /** Whether the caller has been told. */
  get settled(): boolean {
    return this.#settle === undefined
  }

  /** Calls `onAbort` when `signal` aborts before the job is settled. */
  listen(signal: AbortSignal, onAbort: () => void): void {
    signal.addEventListener('abort', onAbort, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', onAbort)
  }

  /** Tells the caller; only the first call counts. What the caller throws passes through. */
  settle(error: unknown, result?: Result): void {
    const settle = this.#settle
    if (settle === undefined) return
    this.#settle = undefined
    this.#stopListening?.()
    settle(error, result)
  }

  /** Tells the handler that nobody waits for the result any more. */
  abort(reason: unknown): void {
    this.context.abort(reason)
    this.shared?.giveUp(reason)
  }
}
