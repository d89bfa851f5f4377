/** The threads of one dispatcher, shared by all its worker handlers: so many at a time, a bounded queue before them. */
import { availableParallelism } from 'node:os'
import type { ResourceLimits } from 'node:worker_threads'
import { type Clock, type Logger, systemClock } from '@pc/transport'
import { DispatchError } from './errors.js'
import { checkLimit } from './lane.js'
import { textOf } from './text-of.js'
import { WorkerPlan } from './worker-plan.js'
import { ThreadDied, type ThreadTask, WorkerThread } from './worker-thread.js'

export interface WorkersOptions {
  /** Threads alive at the same time. @default one less than the machine runs in parallel, at least 1 */
  maxThreads?: number
  /** How long a thread without work stays, in real time, ms: starting one costs some tens of milliseconds. @default 30000 */
  idleMs?: number
  /** Tasks that wait for a thread; one more is refused with BUSY. @default 256 */
  maxQueue?: number
  /** Memory of each thread; one that needs more dies, and its task fails. @default { maxOldGenerationSizeMb: 256 } */
  resourceLimits?: ResourceLimits
  /** How long a task whose signal aborted may go on before its thread is terminated, ms. @default 1000 */
  graceMs?: number
  /** Measures `graceMs` and the pauses after a thread died. @default systemClock */
  clock?: Clock
}

export interface PoolTask extends ThreadTask {
  readonly header: string
}

interface Ticket {
  readonly task: PoolTask
  readonly signal: AbortSignal
  readonly onAbort: () => void
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}

const DEFAULT_IDLE_MS = 30_000
const DEFAULT_QUEUE = 256
const DEFAULT_GRACE_MS = 1_000
const DEFAULT_MEMORY: ResourceLimits = { maxOldGenerationSizeMb: 256 } // several fit into a small machine; a guess

export class WorkerPool {
  readonly maxThreads: number
  readonly #clock: Clock
  readonly #maxQueue: number
  readonly #create: () => Promise<WorkerThread>
  readonly #plan: WorkerPlan
  /** By place in the plan; made when the place is first used. */
  readonly #threads = new Map<number, Promise<WorkerThread>>()
  readonly #waiting = new Set<Ticket>()
  #timer: unknown
  #closed: Promise<void> | undefined

  /** @throws DispatchError INVALID_ARGUMENT */
  constructor(options: WorkersOptions, logger: Logger) {
    const { idleMs = DEFAULT_IDLE_MS, graceMs = DEFAULT_GRACE_MS, resourceLimits = DEFAULT_MEMORY } = options
    this.maxThreads = options.maxThreads ?? Math.max(1, availableParallelism() - 1)
    this.#maxQueue = options.maxQueue ?? DEFAULT_QUEUE
    this.#clock = options.clock ?? systemClock
    checkLimit('workers.maxThreads', this.maxThreads, 1)
    checkLimit('workers.maxQueue', this.#maxQueue, 0)
    checkLimit('workers.idleMs', idleMs, 0)
    checkLimit('workers.graceMs', graceMs, 0)
    this.#plan = new WorkerPlan(this.maxThreads)
    this.#create = () => WorkerThread.create({ idleMs, graceMs, resourceLimits, clock: this.#clock, logger })
  }

  /**
   * Runs the task on a thread. Rejects with DispatchError BUSY, HANDLER_FAILED (`cause` is what it threw, or how its thread
   * ended) or CLOSED. When `signal` aborts: at once with its reason if the task waits, else when its thread is free or gone.
   */
  run(task: PoolTask, signal: AbortSignal): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(closed(task))
    if (signal.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(ticket)
        reject(signal.reason)
      }
      const ticket: Ticket = { task, signal, onAbort, resolve, reject }
      this.#waiting.add(ticket)
      this.#startWaiting()
      if (!this.#waiting.has(ticket)) return
      if (this.#waiting.size > this.#maxQueue) {
        this.#waiting.delete(ticket)
        reject(busy(task, this.#maxQueue))
      } else signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Rejects what waits and what runs with CLOSED, and resolves when all threads are gone. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#end()
    return this.#closed
  }

  async #end(): Promise<void> {
    this.#clock.clearTimeout(this.#timer)
    for (const ticket of this.#waiting) {
      ticket.signal.removeEventListener('abort', ticket.onAbort)
      ticket.reject(closed(ticket.task))
    }
    this.#waiting.clear()
    const opened = await Promise.allSettled(this.#threads.values())
    await Promise.all(opened.map((thread) => (thread.status === 'fulfilled' ? thread.value.close() : undefined)))
  }

  #startWaiting(): void {
    for (const ticket of this.#waiting) {
      const place = this.#plan.take(this.#clock.now())
      if (place === undefined) break
      this.#waiting.delete(ticket)
      ticket.signal.removeEventListener('abort', ticket.onAbort)
      void this.#work(ticket, place)
    }
    this.#wakeLater()
  }

  /** Every free place may be pausing: then nobody else will look again. */
  #wakeLater(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    const readyAt = this.#waiting.size === 0 ? undefined : this.#plan.readyAt()
    if (readyAt === undefined) return
    this.#timer = this.#clock.setTimeout(() => this.#startWaiting(), Math.max(0, readyAt - this.#clock.now()))
  }

  async #work({ task, signal, resolve, reject }: Ticket, place: number): Promise<void> {
    let died = false
    let settle: () => void
    try {
      const thread = await this.#thread(place)
      if (this.#closed !== undefined) throw closed(task)
      const result = await thread.run(task, signal)
      settle = () => resolve(result)
    } catch (error) {
      died = error instanceof ThreadDied
      settle = () =>
        reject(signal.aborted ? signal.reason : this.#closed === undefined ? failed(task, error) : closed(task))
    }
    this.#plan.release(place, this.#clock.now(), died)
    if (this.#closed === undefined) this.#startWaiting()
    settle()
  }

  #thread(place: number): Promise<WorkerThread> {
    const thread = this.#threads.get(place) ?? this.#create()
    this.#threads.set(place, thread)
    return thread
  }
}

function busy({ header }: PoolTask, maxQueue: number): DispatchError {
  return new DispatchError('BUSY', `no thread is free for "${header}", and ${maxQueue} tasks wait: try again later`, {
    header,
  })
}

function closed({ header }: PoolTask): DispatchError {
  return new DispatchError('CLOSED', `the worker threads are closed: "${header}" is not handled`, { header })
}

function failed({ header }: PoolTask, error: unknown): DispatchError {
  const cause = error instanceof ThreadDied ? (error.cause ?? error) : error
  const what = error instanceof ThreadDied ? 'thread of' : 'worker of'
  return new DispatchError('HANDLER_FAILED', `the ${what} "${header}" failed: ${textOf(cause)}`, { cause, header })
}
