/**
 * Group commit: one batch is under way at a time; what is written meanwhile goes together into the next, which starts when that one
 * returns. A synced batch costs nearly the same for one write as for a thousand.
 */
import type { StoreChange } from './backend.js'
import { StoreError } from './errors.js'
import { MERGED_BYTES, MERGED_CHANGES } from './limits.js'

export interface GroupCommitLimits {
  readonly maxWaitingWrites: number
  readonly maxWaitingBytes: number
}

interface WaitingWrite {
  readonly changes: readonly StoreChange[]
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (reason: unknown) => void
  /** Stops listening to the write's signal. */
  readonly leave: () => void
}

export class GroupCommit {
  readonly #commit: (changes: readonly StoreChange[]) => Promise<void>
  readonly #limits: GroupCommitLimits
  /** In the order of arrival. */
  readonly #waiting = new Set<WaitingWrite>()
  #waitingBytes = 0
  #running: Promise<void> | undefined

  constructor(commit: (changes: readonly StoreChange[]) => Promise<void>, limits: GroupCommitLimits) {
    this.#commit = commit
    this.#limits = limits
  }

  /**
   * Settles with the batch that the changes went into. The signal counts until that batch begins: then nothing of them
   * was written, and it rejects with the signal's reason.
   * @param bytes what they count against the limit
   */
  add(changes: readonly StoreChange[], bytes: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason)
    const { maxWaitingWrites, maxWaitingBytes } = this.#limits
    const full = this.#waiting.size >= maxWaitingWrites || this.#waitingBytes + bytes > maxWaitingBytes
    // One write always fits: its size has a limit of its own.
    if (full && this.#waiting.size > 0) {
      return Promise.reject(
        new StoreError(
          'STORE_BUSY',
          `${this.#waiting.size} writes with ${this.#waitingBytes} bytes are waiting, limits are ${maxWaitingWrites} and ${maxWaitingBytes}: ` +
            'await earlier writes first',
        ),
      )
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#remove(write)
        reject(signal?.reason)
      }
      const leave = (): void => signal?.removeEventListener('abort', onAbort)
      const write: WaitingWrite = { changes, bytes, resolve, reject, leave }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(write)
      this.#waitingBytes += bytes
      this.#running ??= this.#run()
    })
  }

  /** Settles when nothing is waiting or under way. */
  async drained(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // Writes of the same turn share the first batch.
    await null
    while (this.#waiting.size > 0) {
      const group = this.#take()
      try {
        await this.#commit(group.flatMap((write) => write.changes))
        for (const write of group) write.resolve()
      } catch (error) {
        for (const write of group) write.reject(error)
      }
    }
    this.#running = undefined
  }

  /** The next batch: writes in order, until it is large. */
  #take(): WaitingWrite[] {
    const group: WaitingWrite[] = []
    let bytes = 0
    let changes = 0
    for (const write of this.#waiting) {
      bytes += write.bytes
      changes += write.changes.length
      if (group.length > 0 && (bytes > MERGED_BYTES || changes > MERGED_CHANGES)) break
      group.push(write)
    }
    for (const write of group) {
      write.leave()
      this.#remove(write)
    }
    return group
  }

  #remove(write: WaitingWrite): void {
    if (this.#waiting.delete(write)) this.#waitingBytes -= write.bytes
  }
}
