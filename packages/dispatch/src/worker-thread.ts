/**
 * One replaceable thread. It is a pool of one, for only so does piscina tell for certain which task's thread has died; it brings
 * the thread itself, its module cache, transfer, limits and the end of idle threads.
 */
import type { ResourceLimits, TransferListItem } from 'node:worker_threads'
import type { Clock, Logger } from '@pc/transport'
import type { Piscina } from 'piscina'

export interface ThreadOptions {
  /** The real time after which a thread without work ends, ms. */
  readonly idleMs: number
  readonly resourceLimits: ResourceLimits
  /** How long a task whose signal aborted may go on, ms. */
  readonly graceMs: number
  readonly clock: Clock
  readonly logger: Logger
}

export interface ThreadTask {
  /** `file:` URL of the module whose default export is called. */
  readonly module: string
  readonly value: unknown
  readonly transfer: readonly TransferListItem[]
}

/** The thread ended before it had answered. */
export class ThreadDied extends Error {}

export class WorkerThread {
  readonly #options: ThreadOptions
  readonly #pool: Piscina

  /** Starts no thread before the first task. */
  static async create(options: ThreadOptions): Promise<WorkerThread> {
    const { Piscina } = await import('piscina') // those who use no workers never load it
    const pool = new Piscina({
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: options.idleMs,
      resourceLimits: options.resourceLimits,
      atomics: 'disabled', // else timers of a module stand still between two tasks
      recordTiming: false,
    })
    pool.on('error', (error: unknown) => options.logger.warn({ error }, 'a worker thread died while it had no task'))
    return new WorkerThread(options, pool)
  }

  private constructor(options: ThreadOptions, pool: Piscina) {
    this.#options = options
    this.#pool = pool
  }

  /**
   * Resolves with what the module returned; one task at a time. Rejects with what it threw, with ThreadDied, or with the reason
   * of `signal`: then, and with ThreadDied, only when the task has ended or its thread is really gone.
   */
  async run({ module, value, transfer }: ThreadTask, signal: AbortSignal): Promise<unknown> {
    signal.throwIfAborted()
    const { clock, graceMs } = this.#options
    const kill = new AbortController()
    let gone: Promise<unknown> | undefined
    const onDestroyed = (): void => {
      gone = Promise.all(this.#pool.threads.map((thread) => thread.terminate()))
      // A task that was on the thread has been rejected by now. One that the thread never took would wait for ever.
      queueMicrotask(() => kill.abort())
    }
    let timer: unknown
    const onAbort = (): void => {
      timer = clock.setTimeout(() => kill.abort(), graceMs)
    }
    this.#pool.once('workerDestroy', onDestroyed)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const task = { filename: module, transferList: [...transfer], signal: kill.signal }
      return await this.#pool.run(value, task)
    } catch (cause) {
      await gone
      signal.throwIfAborted()
      throw gone === undefined ? cause : new ThreadDied('the thread died before it had answered', { cause })
    } finally {
      this.#pool.off('workerDestroy', onDestroyed)
      signal.removeEventListener('abort', onAbort)
      clock.clearTimeout(timer)
    }
  }

  /** Ends the thread, whatever it does, and resolves when it is gone. A task on it rejects with ThreadDied. */
  close(): Promise<void> {
    return this.#pool.destroy()
  }
}
