import type { PeerId } from '@pc/identity'
import { type Logger, silentLogger } from '@pc/transport'
import { DispatchError } from './errors.js'

/** Who may reach a handler. `anyone` is every proved peer of the network, `trusted` only those the user trusts. */
export type Access = 'anyone' | 'trusted'

/** What kind of thing a dispatcher hands over; part of the question put to `authorize`. */
export type Verb = 'message' | 'request' | 'service'

/** Asked before every handler. Only `true` lets the event through; a rule that throws refuses. */
export type Authorize = (question: { peer: PeerId; verb: Verb; header: string; access: Access }) => boolean

export interface HandlerOptions {
  access: Access
  /** Events of this header handled at the same time. @default 16 */
  concurrency?: number
  /** Events of this header that may wait for a free place; beyond it `dispatch` rejects with BUSY. @default 256 */
  queue?: number
}

export interface HandlerContext {
  /** Aborts when the dispatcher is closed abruptly or the signal given to `dispatch` aborts: stop working then. */
  readonly signal: AbortSignal
}

export type Handler<Event, Result> = (event: Event, context: HandlerContext) => Result | Promise<Result>

export interface DispatcherOptions {
  verb: Verb
  authorize: Authorize
  /** @default silentLogger */
  logger?: Logger
}

interface DispatchedEvent {
  readonly peer: PeerId
  readonly header: string
}

/** One accepted event, from `dispatch` until its handler has settled. */
interface Job<Event, Result> {
  readonly event: Event
  readonly lane: Lane<Event, Result>
  readonly controller: AbortController
  /** Settle the caller's promise; only the first call counts. */
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/** A registered handler with its own bounded queue, so that one that hangs or throws hurts nobody else. */
interface Lane<Event, Result> {
  readonly handle: Handler<Event, Result>
  readonly access: Access
  readonly concurrency: number
  readonly limit: number
  readonly waiting: Set<Job<Event, Result>>
  running: number
}

const DEFAULT_CONCURRENCY = 16 // enough to overlap disk and network waits; a guess until measured
const DEFAULT_QUEUE = 256 // events: a burst of one busy second at a few hundred a second

/**
 * Events to handlers, by header. A free handler is called before `dispatch` returns; events of one header start in
 * the order they were dispatched.
 */
export class Dispatcher<Event extends DispatchedEvent, Result = void> {
  readonly #verb: Verb
  readonly #authorize: Authorize
  readonly #logger: Logger
  readonly #lanes = new Map<string, Lane<Event, Result>>()
  readonly #jobs = new Set<Job<Event, Result>>()
  #closing = false
  readonly #drained: (() => void)[] = []

  constructor(options: DispatcherOptions) {
    this.#verb = options.verb
    this.#authorize = options.authorize
    this.#logger = options.logger ?? silentLogger
  }

  /**
   * Names the one handler of a header. The returned function takes it away again: what was accepted before is still
   * handled, and the header is free for another handler at once.
   * @throws DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED
   */
  register(header: string, options: HandlerOptions, handle: Handler<Event, Result>): () => void {
    if (this.#closing) throw this.#closedError(header)
    if (this.#lanes.has(header)) {
      throw new DispatchError('HANDLER_EXISTS', `"${header}" already has a handler: unregister it first`, { header })
    }
    const concurrency = options.concurrency ?? DEFAULT_CONCURRENCY
    const limit = options.queue ?? DEFAULT_QUEUE
    checkLimit('concurrency', concurrency, 1)
    checkLimit('queue', limit, 0)
    if (options.access !== 'anyone' && options.access !== 'trusted') {
      throw new DispatchError('INVALID_ARGUMENT', `expected access "anyone" or "trusted", got ${options.access}`)
    }
    const lane: Lane<Event, Result> = {
      handle,
      access: options.access,
      concurrency,
      limit,
      waiting: new Set(),
      running: 0,
    }
    this.#lanes.set(header, lane)
    return () => {
      if (this.#lanes.get(header) === lane) this.#lanes.delete(header)
    }
  }

  /** The headers that have a handler, in the order of registration. */
  headers(): string[] {
    return [...this.#lanes.keys()]
  }

  /** Events accepted and not settled yet, waiting ones included. */
  get size(): number {
    return this.#jobs.size
  }

  /**
   * Hands an event to the handler of its header and settles with what the handler returns.
   *
   * When `signal` aborts the promise rejects with its reason at once: a waiting event is never handled, a handler
   * that runs is told through its own signal and keeps its place until it settles.
   *
   * Rejects with DispatchError NO_HANDLER, DENIED, BUSY (queue full), HANDLER_FAILED (`cause` is what it threw) or
   * CLOSED.
   */
  dispatch(event: Event, options: { signal?: AbortSignal } = {}): Promise<Result> {
    const { signal } = options
    if (signal?.aborted) return Promise.reject(signal.reason)
    let lane: Lane<Event, Result>
    try {
      lane = this.#admit(event)
    } catch (error) {
      return Promise.reject(error)
    }
    return new Promise<Result>((resolve, reject) => {
      const onAbort = (): void => this.#giveUp(job, signal?.reason, signal?.reason)
      const settle = (action: () => void): void => {
        signal?.removeEventListener('abort', onAbort)
        action()
      }
      const job: Job<Event, Result> = {
        event,
        lane,
        controller: new AbortController(),
        resolve: (result) => settle(() => resolve(result)),
        reject: (error) => settle(() => reject(error)),
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#jobs.add(job)
      if (lane.running < lane.concurrency) this.#start(job)
      else lane.waiting.add(job)
    })
  }

  /**
   * Takes nothing new and resolves when everything accepted has been handled. When `signal` aborts, now or later,
   * waiting events and running handlers are given up: their dispatches reject with CLOSED, the handlers' signals
   * abort, and `close` resolves without waiting for handlers that do not listen. May be called again, with a signal
   * too. A handler that awaits `close` of its own dispatcher waits for itself.
   */
  close(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#closing = true
    this.#lanes.clear()
    const { signal } = options
    if (signal?.aborted) this.#abandon(signal.reason)
    if (this.#jobs.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      const onAbort = (): void => this.#abandon(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#drained.push(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Every reason not to take the event, cheapest first. */
  #admit(event: Event): Lane<Event, Result> {
    const { header, peer } = event
    if (this.#closing) throw this.#closedError(header)
    const lane = this.#lanes.get(header)
    if (lane === undefined) {
      throw new DispatchError('NO_HANDLER', `no handler for the ${this.#verb} "${header}"`, { header })
    }
    if (!this.#allowed(peer, header, lane.access)) {
      throw new DispatchError('DENIED', `this peer may not reach the ${this.#verb} "${header}"`, { header })
    }
    if (lane.running >= lane.concurrency && lane.waiting.size >= lane.limit) {
      const load = `${lane.running} running, ${lane.waiting.size} waiting`
      throw new DispatchError('BUSY', `the handler of "${header}" is full (${load}): try again later`, { header })
    }
    return lane
  }

  #allowed(peer: PeerId, header: string, access: Access): boolean {
    try {
      return this.#authorize({ peer, verb: this.#verb, header, access }) === true
    } catch (error) {
      this.#logger.error({ error, header, verb: this.#verb }, 'authorize threw: the event is refused')
      return false
    }
  }

  #start(job: Job<Event, Result>): void {
    job.lane.running++
    void this.#run(job).then(
      (result) => {
        this.#leave(job)
        job.resolve(result)
      },
      (error: unknown) => {
        this.#leave(job)
        job.reject(error)
      },
    )
  }

  /** The place is free before the caller hears the result, so that its next event cannot meet BUSY because of this one. */
  #leave(job: Job<Event, Result>): void {
    const { lane } = job
    lane.running--
    const [next] = lane.waiting
    if (next !== undefined) {
      lane.waiting.delete(next)
      this.#start(next)
    }
    this.#forget(job)
  }

  async #run({ lane, event, controller }: Job<Event, Result>): Promise<Result> {
    try {
      return await lane.handle(event, { signal: controller.signal })
    } catch (cause) {
      const { header } = event
      this.#logger.debug({ error: cause, header, verb: this.#verb }, 'a handler failed')
      throw new DispatchError('HANDLER_FAILED', `the handler of "${header}" failed: ${textOf(cause)}`, {
        cause,
        header,
      })
    }
  }

  /** Settles a job early. One that runs keeps its place, and `close` waits for it, until its handler settles. */
  #giveUp(job: Job<Event, Result>, error: unknown, reason: unknown): void {
    job.reject(error)
    if (job.lane.waiting.delete(job)) this.#forget(job)
    else job.controller.abort(reason)
  }

  #abandon(reason: unknown): void {
    for (const job of [...this.#jobs]) {
      this.#giveUp(job, this.#closedError(job.event.header, reason), reason)
      this.#forget(job)
    }
  }

  #forget(job: Job<Event, Result>): void {
    if (!this.#jobs.delete(job) || this.#jobs.size > 0 || !this.#closing) return
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  #closedError(header: string, cause?: unknown): DispatchError {
    const options = cause === undefined ? { header } : { header, cause }
    return new DispatchError('CLOSED', `the ${this.#verb} dispatcher is closed: "${header}" is not handled`, options)
  }
}

function checkLimit(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return
  throw new DispatchError('INVALID_ARGUMENT', `expected ${name} to be an integer of at least ${least}, got ${value}`)
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
