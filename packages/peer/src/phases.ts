/** The start order by name: what waits, runs, is done or has failed, and how long each took. Stops in reverse order. */
import type { Clock } from '@pc/transport'
import { PeerError } from './errors.js'

export type PhaseState = 'waiting' | 'running' | 'done' | 'failed'

export interface PhaseReport {
  readonly name: string
  readonly state: PhaseState
  /** Blocking phases are over before `createPeer` returns; the others go on behind it. */
  readonly blocking: boolean
  /** Milliseconds it took, once over. */
  readonly ms?: number
  /** Why it failed. */
  readonly error?: string
}

/** How a part is stopped; an aborted signal makes it abrupt. */
export type Stop<T> = (part: T, options: { signal?: AbortSignal }) => Promise<void> | void

export class Phases {
  readonly #clock: Clock
  readonly #signal: AbortSignal | undefined
  readonly #onChange: (report: PhaseReport) => void
  readonly #reports = new Map<string, PhaseReport>()
  /** In start order. */
  readonly #stops: ((options: { signal?: AbortSignal }) => Promise<void> | void)[] = []
  readonly #behind = new Set<Promise<void>>()
  #stopping: Promise<void> | undefined

  /** @param names every phase in start order, so that those to come can be shown as waiting */
  constructor(clock: Clock, names: readonly string[], onChange: (report: PhaseReport) => void, signal?: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
    this.#onChange = onChange
    for (const name of names) this.#reports.set(name, { name, blocking: true, state: 'waiting' })
  }

  reports(): PhaseReport[] {
    return [...this.#reports.values()]
  }

  /**
   * Starts one part and remembers how to stop it.
   * @throws PeerError START_FAILED with the cause, or the reason of the signal
   */
  async run<T>(name: string, start: () => Promise<T> | T, stop?: Stop<T>): Promise<T> {
    try {
      return await this.#attempt(name, true, start, stop)
    } catch (error) {
      if (this.#signal?.aborted) throw this.#signal.reason
      if (error instanceof PeerError) throw error
      throw new PeerError('START_FAILED', `Could not start (${name}): ${messageOf(error)}`, {
        phase: name,
        cause: error,
      })
    }
  }

  /** Starts a part without waiting for it. When it fails the peer works on without it, and its report says why. */
  runBehind<T>(name: string, start: () => Promise<T> | T, stop?: Stop<T>): void {
    const running = this.#attempt(name, false, start, stop).then(
      () => {},
      () => {}, // reported by #attempt
    )
    this.#behind.add(running)
    void running.finally(() => this.#behind.delete(running))
  }

  /** Idempotent. A part that fails to stop does not keep the others from stopping; the first failure is thrown at the end. */
  stop(options: { signal?: AbortSignal } = {}): Promise<void> {
    this.#stopping ??= this.#stopAll(options)
    return this.#stopping
  }

  async #stopAll(options: { signal?: AbortSignal }): Promise<void> {
    await Promise.all(this.#behind)
    const failures: unknown[] = []
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) {
      try {
        await stop(options)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  async #attempt<T>(name: string, blocking: boolean, start: () => Promise<T> | T, stop?: Stop<T>): Promise<T> {
    this.#signal?.throwIfAborted()
    if (this.#stopping !== undefined) throw new PeerError('CLOSED', `The peer was closed before "${name}" had started.`)
    const startedAt = this.#clock.now()
    this.#report({ name, blocking, state: 'running' })
    try {
      const part = await start()
      if (stop !== undefined) this.#stops.push((options) => stop(part, options))
      this.#report({ name, blocking, state: 'done', ms: this.#clock.now() - startedAt })
      return part
    } catch (error) {
      this.#report({ name, blocking, state: 'failed', ms: this.#clock.now() - startedAt, error: messageOf(error) })
      throw error
    }
  }

  #report(report: PhaseReport): void {
    this.#reports.set(report.name, report)
    this.#onChange(report)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
