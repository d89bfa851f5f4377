import type { PeerId } from '@pc/identity'
import { type Logger, silentLogger } from '@pc/transport'
import { type DispatcherCounters, noDispatcherCounters } from './dispatcher-counters.js'
import { DispatchError } from './errors.js'
import type {
  Access,
  Authorize,
  BatchHandler,
  BatchOptions,
  DispatchedEvent,
  DispatchTarget,
  Handler,
  HandlerOptions,
  Settle,
  Verb,
} from './handler.js'
import { Job } from './job.js'
import { checkLimit, createLane, type Lane, priorityOf, type Work } from './lane.js'
import type { Middleware } from './middleware.js'
import { refusal } from './refusal.js'
import { Runner } from './runner.js'
import { traceRefusal } from './tracing.js'
import { type WorkerHandlerOptions, workerHandler } from './worker-handler.js'
import { WorkerPool, type WorkersOptions } from './worker-pool.js'

export type { Access, Authorize, Handler, HandlerContext, HandlerOptions, Verb } from './handler.js'

export interface DispatcherOptions {
  verb: Verb
  authorize: Authorize
  /**
   * Handlers running at once, all headers together; then what waits starts in order of priority, then arrival. A batch counts
   * once. @default Infinity
   */
  concurrency?: number
  /** Events of one priority that may wait, all headers together; in force only with `concurrency`. @default 256 */
  queuePerPriority?: number
  /** The threads of worker handlers; none is started before the first event for one. */
  workers?: WorkersOptions
  /** @default silentLogger */
  logger?: Logger
}

export interface DispatchOptions {
  /** When it aborts nobody waits for the result any more. */
  signal?: AbortSignal
}

const DEFAULT_QUEUE_PER_PRIORITY = 256 // events; as one header
const NO_OPTIONS: DispatchOptions = {}

/**
 * Events to handlers, by header. A free handler is called before `dispatch` returns; events of one header and priority start
 * in the order they were dispatched.
 */
export class Dispatcher<Event extends DispatchedEvent, Result = void> {
  /** Live: read it whenever you like, change nothing. */
  readonly counters: Readonly<DispatcherCounters>
  readonly #counters: DispatcherCounters = noDispatcherCounters()
  readonly #verb: Verb
  readonly #authorize: Authorize
  readonly #logger: Logger
  readonly #lanes = new Map<string, Lane<Event, Result>>()
  readonly #runner: Runner<Event, Result>
  readonly #workersOptions: WorkersOptions
  #workers: WorkerPool | undefined
  #closing = false

  constructor(options: DispatcherOptions) {
    const { concurrency = Infinity, queuePerPriority = DEFAULT_QUEUE_PER_PRIORITY } = options
    if (concurrency !== Infinity) checkLimit('concurrency', concurrency, 1)
    checkLimit('queuePerPriority', queuePerPriority, 0)
    this.counters = this.#counters
    this.#verb = options.verb
    this.#authorize = options.authorize
    this.#logger = options.logger ?? silentLogger
    this.#workersOptions = options.workers ?? {}
    this.#runner = new Runner({ verb: this.#verb, logger: this.#logger, concurrency, queuePerPriority })
  }

  /**
   * Names the one handler of a header. The returned function takes it away again: what was accepted before is still
   * handled, and the header is free for another handler at once.
   *
   * With something that dispatches in the place of a handler, the error that it rejects with reaches the caller unchanged.
   * @throws DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED
   */
  register(
    header: string,
    options: HandlerOptions<Event>,
    handler: Handler<Event, Result> | DispatchTarget<Event, Result>,
  ): () => void {
    if (typeof handler === 'function') return this.#add(header, options, { handle: handler })
    return this.#add(header, options, {
      handle: (event, { signal }) => handler.dispatch(event, { signal }),
      passes: () => true,
    })
  }

  /**
   * As `register`, for a handler that takes events together: what waits when its turn comes, up to `maxBatch`. When it throws,
   * or does not return one result for each event, all of them are rejected with HANDLER_FAILED.
   * @throws DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED
   */
  registerBatch(header: string, options: BatchOptions<Event>, handleBatch: BatchHandler<Event, Result>): () => void {
    return this.#add(header, options, { handleBatch, maxBatch: options.maxBatch })
  }

  /**
   * As `register`, for a handler in a module of its own that runs on a thread. A task whose event is given up is terminated
   * with its thread if it has not ended after `workers.graceMs`; a thread that dies fails its task with HANDLER_FAILED and is
   * replaced after a pause.
   * @throws DispatchError HANDLER_EXISTS, INVALID_ARGUMENT, CLOSED
   */
  registerWorker(header: string, options: WorkerHandlerOptions<Event>): () => void {
    this.#requireFree(header)
    const pool = this.#workers ?? new WorkerPool(this.#workersOptions, this.#logger)
    const work: Work<Event, Result> = {
      handle: workerHandler<Event, Result>(options, pool),
      passes: (error) => error instanceof DispatchError,
    }
    const unregister = this.#add(header, { concurrency: pool.maxThreads, ...options }, work)
    this.#workers = pool
    return unregister
  }

  /**
   * Puts `middleware` around every handler, inside those added before. The returned function takes it away again; events under
   * way keep it. At most 32.
   * @throws DispatchError TOO_MANY_MIDDLEWARES
   */
  use(middleware: Middleware<Event, Result>): () => void {
    return this.#runner.middleware.use(middleware)
  }

  /** The headers that have a handler, in the order of registration. */
  headers(): string[] {
    return [...this.#lanes.keys()]
  }

  /** Events accepted and not settled yet, waiting ones included. */
  get size(): number {
    return this.#runner.size
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
  dispatch(event: Event, options: DispatchOptions = NO_OPTIONS): Promise<Result> {
    return new Promise((resolve, reject) => {
      const settle: Settle<Result> = (error, result) => {
        if (error === undefined) resolve(result as Result)
        else reject(error)
      }
      this.offer(event, settle, options)
    })
  }

  /**
   * As `dispatch`, for many events a second: `settle` is called exactly once, and before this returns if the event is refused
   * or its handler starts at once and returns no promise. Nothing is allocated for a signal that neither side uses.
   */
  offer(event: Event, settle: Settle<Result>, options: DispatchOptions = NO_OPTIONS): void {
    const { signal } = options
    if (signal?.aborted) {
      this.#tell(event, settle, signal.reason)
      return
    }
    const lane = this.#admit(event)
    if (lane instanceof DispatchError) {
      this.#refuse(event, settle, lane)
      return
    }
    const job = new Job(event, lane, priorityOf(lane, event), settle)
    const admission = this.#runner.enter(job)
    if (admission === 'laneFull' || admission === 'classFull') {
      this.#refuse(event, settle, this.#busyError(job, admission))
      return
    }
    if (signal !== undefined) job.listen(signal, () => this.#runner.giveUp(job, signal.reason, signal.reason))
    this.#counters.accepted++
    this.#runner.take(job, admission)
  }

  /**
   * Takes nothing new and resolves when everything accepted has been handled. When `signal` aborts, now or later,
   * waiting events and running handlers are given up: their dispatches reject with CLOSED, the handlers' signals
   * abort, and `close` resolves without waiting for handlers that do not listen. May be called again, with a signal
   * too. A handler that awaits `close` of its own dispatcher waits for itself.
   *
   * Threads of worker handlers are gone when it resolves. Dispatchers registered as handlers stay open.
   */
  close(options: DispatchOptions = NO_OPTIONS): Promise<void> {
    this.#closing = true
    this.#lanes.clear()
    const drained = this.#drain(options.signal)
    return this.#workers === undefined ? drained : drained.then(() => this.#workers?.close())
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #add(header: string, options: HandlerOptions<Event>, work: Work<Event, Result>): () => void {
    this.#requireFree(header)
    const lane = createLane(options, work)
    this.#lanes.set(header, lane)
    return () => {
      if (this.#lanes.get(header) === lane) this.#lanes.delete(header)
    }
  }

  #requireFree(header: string): void {
    if (this.#closing) throw this.#closedError(header)
    if (!this.#lanes.has(header)) return
    throw new DispatchError('HANDLER_EXISTS', `"${header}" already has a handler: unregister it first`, { header })
  }

  /** The lane, or the first reason not to take the event, cheapest first. */
  #admit(event: Event): Lane<Event, Result> | DispatchError {
    const { header, peer } = event
    if (this.#closing) return this.#closedError(header)
    const lane = this.#lanes.get(header)
    if (lane === undefined) {
      this.#counters.noHandler++
      return refusal('NO_HANDLER', `no handler for the ${this.#verb} "${header}"`, header)
    }
    if (this.#allowed(peer, header, lane.access)) return lane
    this.#counters.denied++
    return refusal('DENIED', `this peer may not reach the ${this.#verb} "${header}"`, header)
  }

  #allowed(peer: PeerId, header: string, access: Access): boolean {
    try {
      return this.#authorize({ peer, verb: this.#verb, header, access }) === true
    } catch (error) {
      this.#logger.error({ error, header, verb: this.#verb }, 'authorize threw: the event is refused')
      return false
    }
  }

  #refuse(event: Event, settle: Settle<Result>, error: DispatchError): void {
    traceRefusal(this.#verb, event.header, error.code)
    this.#tell(event, settle, error)
  }

  #tell(event: Event, settle: Settle<Result>, error: unknown): void {
    try {
      settle(error)
    } catch (thrown) {
      this.#logger.error({ error: thrown, header: event.header, verb: this.#verb }, 'a settle callback threw')
    }
  }

  #drain(signal: AbortSignal | undefined): Promise<void> {
    const onAbort = (): void => {
      const reason: unknown = signal?.reason
      this.#runner.abandon(({ event }) => this.#closedError(event.header, reason), reason)
    }
    if (signal?.aborted) onAbort()
    if (signal === undefined || this.#runner.size === 0) return this.#runner.idle()
    signal.addEventListener('abort', onAbort, { once: true })
    return this.#runner.idle().then(() => signal.removeEventListener('abort', onAbort))
  }

  #busyError({ lane, priority, event }: Job<Event, Result>, full: 'laneFull' | 'classFull'): DispatchError {
    const { header } = event
    if (full === 'classFull') {
      this.#counters.classFull[priority] = (this.#counters.classFull[priority] ?? 0) + 1
      const text = `too many events of priority ${priority} wait, "${header}" among them: try again later`
      return refusal('BUSY', text, header)
    }
    this.#counters.laneFull++
    const load = `${lane.running} running, ${lane.waiting.size} waiting`
    return refusal('BUSY', `the handler of "${header}" is full (${load}): try again later`, header)
  }

  #closedError(header: string, cause?: unknown): DispatchError {
    const options = cause === undefined ? { header } : { header, cause }
    return new DispatchError('CLOSED', `the ${this.#verb} dispatcher is closed: "${header}" is not handled`, options)
  }
}
