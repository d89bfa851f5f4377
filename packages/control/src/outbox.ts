import type { Writable } from 'node:stream'
import type { Clock } from '@pc/transport'

export interface OutboxOptions {
  readonly socket: Writable
  readonly clock: Clock
  /** Bytes that may wait for the client; a single larger frame still goes out when nothing else waits. */
  readonly limit: number
  /** Milliseconds without progress while somebody waits for room. */
  readonly slowMs: number
  /** Called once, when the client has not taken a byte for `slowMs` although the outbox is full. */
  readonly onSlow: () => void
}

interface Waiter {
  /** Written when its turn comes; undefined for somebody who only waits for room. */
  readonly frame: Uint8Array | undefined
  readonly done: (open: boolean) => void
}

/** What one client still has to read: bounded, in order. */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #waiters: Waiter[] = []
  #unsent = 0
  #timer: unknown
  #closed = false

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  /** Whether the next frame would have to wait. */
  get full(): boolean {
    return this.#waiters.length > 0 || this.#unsent >= this.#options.limit
  }

  /** Bytes handed to the socket that the client has not taken yet. */
  get unsent(): number {
    return this.#unsent
  }

  /** Writes behind everything that waits. Resolves to false when the outbox was closed before the frame went out. */
  async send(frame: Uint8Array): Promise<boolean> {
    if (this.#waiters.length > 0 || !this.#fits(frame.length)) return this.#wait(frame)
    this.write(frame)
    return !this.#closed
  }

  /** Resolves to true once there is room for something small, to false when the outbox closes first. */
  async room(): Promise<boolean> {
    return this.full ? this.#wait(undefined) : !this.#closed
  }

  /** Writes at once, whatever waits: for frames that are few by their nature (hello, the last errors of a session). */
  write(frame: Uint8Array): void {
    if (this.#closed) return
    this.#unsent += frame.length
    this.#options.socket.write(frame, () => this.#progress(frame.length))
  }

  /** Writes nothing any more; everybody who waits is told. Idempotent. */
  close(): void {
    this.#closed = true
    this.#options.clock.clearTimeout(this.#timer)
    for (const waiter of this.#waiters.splice(0)) waiter.done(false)
  }

  #fits(bytes: number): boolean {
    return this.#unsent === 0 || this.#unsent + Math.max(bytes, 1) <= this.#options.limit
  }

  #wait(frame: Uint8Array | undefined): Promise<boolean> {
    if (this.#closed) return Promise.resolve(false)
    return new Promise((done) => {
      this.#waiters.push({ frame, done })
      if (this.#waiters.length === 1) this.#watch()
    })
  }

  /** A write's callback also comes when the socket broke: then the session closes the outbox a moment later. */
  #progress(bytes: number): void {
    this.#unsent -= bytes
    if (this.#closed || this.#waiters.length === 0) return
    this.#watch()
    for (;;) {
      const waiter = this.#waiters[0]
      if (waiter === undefined) break
      if (!this.#fits(waiter.frame?.length ?? 0)) return
      this.#waiters.shift()
      if (waiter.frame !== undefined) this.write(waiter.frame)
      waiter.done(true)
    }
    this.#options.clock.clearTimeout(this.#timer)
  }

  #watch(): void {
    const { clock, slowMs, onSlow } = this.#options
    clock.clearTimeout(this.#timer)
    this.#timer = clock.setTimeout(onSlow, slowMs)
  }
}
