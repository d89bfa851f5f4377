/** What a dispatcher asks of those who use it: events, handlers, and how handlers are reached. */
import type { PeerId } from '@pc/identity'
import type { Priority } from './priority.js'

/** Who may reach a handler. `anyone` is every proved peer of the network, `trusted` only those the user trusts. */
export type Access = 'anyone' | 'trusted'

/** What kind of thing a dispatcher hands over; part of the question put to `authorize`. */
export type Verb = 'message' | 'request' | 'service' | 'datagram'

/** Asked before every handler. Only `true` lets the event through; a rule that throws refuses. */
export type Authorize = (question: { peer: PeerId; verb: Verb; header: string; access: Access }) => boolean

/** The least that an event has. */
export interface DispatchedEvent {
  readonly peer: PeerId
  readonly header: string
}

export interface HandlerOptions<Event = unknown> {
  access: Access
  /** Events of this header handled at the same time. @default 16 */
  concurrency?: number
  /** Events of this header that may wait for a free place; beyond it they are refused with BUSY. @default 256 */
  queue?: number
  /** What waits starts in this order, then by arrival. @default Priority.READ */
  priority?: Priority
  /**
   * The priority of one event, instead of `priority`. Called for every event that is let through, so it must be quick; when it
   * throws or returns anything else, `priority` counts.
   */
  classify?: (event: Event) => Priority
}

export interface BatchOptions<Event = unknown> extends HandlerOptions<Event> {
  /** Events handed over together at most. */
  maxBatch: number
  /** Batches handled at the same time; with more than one, events meet fewer others to be handed over with. @default 1 */
  concurrency?: number
}

export interface HandlerContext {
  /** Aborts when the dispatcher is closed abruptly or the signal given to `dispatch` aborts: stop working then. */
  readonly signal: AbortSignal
}

export type Handler<Event, Result> = (event: Event, context: HandlerContext) => Result | Promise<Result>

/**
 * Handles events together; `events` is its own to keep. The results are in the order of the events, one for each. The signal
 * aborts when nobody waits for any of them any more.
 */
export type BatchHandler<Event, Result> = (
  events: Event[],
  context: HandlerContext,
) => readonly Result[] | Promise<readonly Result[]>

/** Something that dispatches, in the place of a handler: another `Dispatcher`, for one. It stays its owner's to close. */
export interface DispatchTarget<Event, Result> {
  dispatch(event: Event, options: { signal: AbortSignal }): Promise<Result>
}

/**
 * Told once what became of an event. `error` is undefined exactly when it was handled. It should not throw: nobody is there to
 * catch it, so that is only logged.
 */
export type Settle<Result> = (error: unknown, result?: Result) => void
