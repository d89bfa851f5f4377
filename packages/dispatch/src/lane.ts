/** A registered handler with its own places and its own bounded queue, so that one that hangs or throws hurts nobody else. */
import { DispatchError } from './errors.js'
import type { Access, BatchHandler, Handler, HandlerOptions } from './handler.js'
import type { Job } from './job.js'
import { isPriority, PRIORITIES, Priority } from './priority.js'
import { PriorityQueue } from './priority-queue.js'
import type { LaneLoad } from './schedule.js'

/** How a lane's events are handled: one by one, or those that wait together. */
export type Work<Event, Result> =
  | {
      readonly handle: Handler<Event, Result>
      /** Errors that reach the caller as they are, not as the cause of HANDLER_FAILED. */
      readonly passes?: (error: unknown) => boolean
    }
  | { readonly handleBatch: BatchHandler<Event, Result>; readonly maxBatch: number }

export interface Lane<Event, Result> extends LaneLoad<Job<Event, Result>> {
  readonly access: Access
  readonly priority: Priority
  readonly classify: ((event: Event) => Priority) | undefined
  readonly work: Work<Event, Result>
}

const DEFAULT_CONCURRENCY = 16 // enough to overlap disk and network waits; a guess until measured
const DEFAULT_BATCHES = 1 // while one is handled the next one gathers
const DEFAULT_QUEUE = 256 // events: a burst of one busy second at a few hundred a second

/** @throws DispatchError INVALID_ARGUMENT */
export function createLane<Event, Result>(
  options: HandlerOptions<Event>,
  work: Work<Event, Result>,
): Lane<Event, Result> {
  const { access, classify, priority = Priority.READ, queue = DEFAULT_QUEUE } = options
  const concurrency = options.concurrency ?? ('handleBatch' in work ? DEFAULT_BATCHES : DEFAULT_CONCURRENCY)
  checkLimit('concurrency', concurrency, 1)
  checkLimit('queue', queue, 0)
  if ('handleBatch' in work) checkLimit('maxBatch', work.maxBatch, 1)
  if (access !== 'anyone' && access !== 'trusted') {
    throw new DispatchError('INVALID_ARGUMENT', `expected access "anyone" or "trusted", got ${access}`)
  }
  if (!isPriority(priority)) {
    throw new DispatchError('INVALID_ARGUMENT', `expected a priority of 0 to ${PRIORITIES - 1}, got ${priority}`)
  }
  return { access, priority, classify, work, concurrency, queue, waiting: new PriorityQueue(), running: 0 }
}

/** The class of one event; a rule that fails must not cost the event its place. */
export function priorityOf<Event, Result>(lane: Lane<Event, Result>, event: Event): Priority {
  if (lane.classify === undefined) return lane.priority
  try {
    const priority = lane.classify(event)
    return isPriority(priority) ? priority : lane.priority
  } catch {
    return lane.priority
  }
}

/** @throws DispatchError INVALID_ARGUMENT */
export function checkLimit(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new DispatchError('INVALID_ARGUMENT', `expected ${name} to be an integer of at least ${least}, got ${value}`)
}
