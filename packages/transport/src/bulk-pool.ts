import type { PeerId } from '@pc/identity'
import { whenAborted } from './abort.js'
import type { Connection } from './connection.js'
import { TransportError } from './errors.js'
import { goAway } from './greeting.js'
import { sameBoot } from './hello.js'
import type { Clock } from './ports.js'
import type { Watcher } from './watcher.js'

/** Callers that wait for a place; whoever has more has lost control over its calls. */
const MAX_WAITERS = 1_024
/** Kept for the next use, per peer: every further one would take up a place of the other side, which may want to dial as well. */
const MAX_IDLE = 2
/** What a caller that is turned away hears of how long to wait: at least, at most, and before any use has ended. */
const MIN_RETRY_MS = 100
const MAX_RETRY_MS = 30_000
const FIRST_GUESS_MS = 1_000
/** Weight of the latest use in the smoothed length of a use. */
const SMOOTHING = 0.25

export interface BulkPoolOptions {
  readonly peer: PeerId
  /** Connections with that peer at most, both ways together, those being dialled included. */
  readonly limit: number
  readonly clock: Clock
  /** Unused connections of all peers together; whatever it tells must come back through {@link BulkPool.retire}. */
  readonly watcher: Watcher<Connection>
  /** Opens a connection that is ready for its first service frame. */
  readonly dial: (signal: AbortSignal | undefined) => Promise<Connection>
  /** The size has shrunk. */
  readonly onShrink: () => void
}

interface Waiter {
  /** A connection, or undefined for a place that is kept for this caller. */
  readonly grant: (connection: Connection | undefined) => void
  readonly fail: (error: unknown) => void
}

/**
 * The bulk connections with one other peer: in use, or waiting to be used again. A connection has one user at a time. Who finds no
 * place waits in line; each end of a use serves the one that waited longest.
 */
export class BulkPool {
  readonly #options: BulkPoolOptions
  /** Every connection from its dial or its acceptance to its end. */
  #size = 0
  /** In use, with the moment when that began. */
  readonly #used = new Map<Connection, number>()
  /** Used last at the end: it is the one most likely to be alive. */
  readonly #idle: Connection[] = []
  readonly #waiting = new Set<Waiter>()
  /** Of the process at the other end, as HELLO named it. */
  readonly #boots = new Map<Connection, Uint8Array>()
  #usualMs = FIRST_GUESS_MS

  constructor(options: BulkPoolOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#size
  }

  /**
   * A connection for this caller alone: one that waits, or a new one. `waitMs`: how long to wait for a place, 0 not at all.
   * @throws TransportError RESOURCE_BUSY with `retryAfterMs`; whatever `dial` throws; the signal's reason
   */
  async acquire(signal: AbortSignal | undefined, waitMs: number): Promise<Connection> {
    signal?.throwIfAborted()
    // While somebody waits there is no room: what becomes free is given to the first of them in the same turn.
    const connection = this.#hasRoom() ? this.#takeIdle() : await this.#wait(signal, waitMs)
    return connection ?? (await this.#dial(signal))
  }

  /** The use is over, with everything read that belongs to it. Nothing happens if the connection is closed, or not in use. */
  release(connection: Connection): void {
    if (!this.#endUse(connection) || !connection.open) return
    connection.sender.resume()
    connection.receiver.resume()
    // It has to be read to see it end. A peer that says something unasked has not understood where the use ended.
    connection.onMessage(({ header }) => {
      const text = `Expected nothing on a bulk connection that is not in use, but '${header}' came.`
      connection.destroy('PROTOCOL_ERROR', new TransportError('PROTOCOL_ERROR', text))
    })
    this.#idle.push(connection)
    this.#options.watcher.add(connection)
    this.#serve()
    const [oldest] = this.#idle
    if (oldest !== undefined && this.#idle.length > MAX_IDLE) void this.retire(oldest)
  }

  /** Counts a connection that the peer dialled. False: there is no room. */
  admit(connection: Connection, boot: Uint8Array): boolean {
    if (this.#size >= this.#options.limit) return false
    this.#size += 1
    this.#own(connection, boot)
    return true
  }

  /** What HELLO said of the process at the other end of a connection that was dialled here. */
  noteBoot(connection: Connection, boot: Uint8Array): void {
    this.#boots.set(connection, boot)
  }

  /** Nobody pings a bulk connection: those that led to a process before would take up their places until TCP notices. */
  endFormer(boot: Uint8Array): void {
    for (const [connection, known] of [...this.#boots]) {
      if (!sameBoot(known, boot)) connection.destroy('RESTARTED')
    }
  }

  /** The control connection broke: what waits here would disappoint its next user. */
  dropIdle(): void {
    for (const connection of [...this.#idle]) connection.destroy('FAILED')
  }

  /**
   * Nothing is heard from the peer any more: ends what has moved nothing since then either, monotonic ms, in use or not. Of what sends,
   * the connection itself sees whether it gets on.
   */
  endSilent(since: number): void {
    for (const connection of [...this.#boots.keys()]) {
      const { receiver, sender } = connection
      if (Math.max(receiver.lastActivityAt, sender.lastActivityAt) < since) connection.destroy('PING_TIMEOUT')
    }
  }

  /** Ends a connection that is not in use, and says why. Resolves when it is gone. */
  retire(connection: Connection): Promise<void> {
    this.#forgetIdle(connection)
    connection.sendLast(goAway('IDLE'))
    return connection.close('IDLE')
  }

  /** Everybody who waits gets `error`. */
  fail(error: unknown): void {
    for (const waiter of [...this.#waiting]) waiter.fail(error)
  }

  #hasRoom(): boolean {
    return this.#idle.some(({ open }) => open) || this.#size < this.#options.limit
  }

  /** Undefined: there is none, and the caller has a place for a dial. */
  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      this.#options.watcher.delete(connection)
      // One that has ended is still here in the moment before its `closed` is heard.
      if (!connection.open) continue
      connection.onMessage(undefined)
      this.#used.set(connection, this.#options.clock.now())
      return connection
    }
    this.#size += 1
    return undefined
  }

  /** The place for it is counted already. */
  async #dial(signal: AbortSignal | undefined): Promise<Connection> {
    let connection: Connection
    try {
      connection = await this.#options.dial(signal)
    } catch (error) {
      this.#leave()
      throw error
    }
    this.#own(connection)
    this.#used.set(connection, this.#options.clock.now())
    return connection
  }

  #own(connection: Connection, boot?: Uint8Array): void {
    if (boot !== undefined) this.#boots.set(connection, boot)
    void connection.closed.then(() => {
      this.#boots.delete(connection)
      this.#endUse(connection)
      this.#forgetIdle(connection)
      this.#leave()
    })
  }

  #endUse(connection: Connection): boolean {
    const since = this.#used.get(connection)
    if (since === undefined) return false
    this.#used.delete(connection)
    this.#usualMs += SMOOTHING * (this.#options.clock.now() - since - this.#usualMs)
    return true
  }

  #forgetIdle(connection: Connection): void {
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#options.watcher.delete(connection)
  }

  #leave(): void {
    this.#size -= 1
    this.#serve()
    this.#options.onShrink()
  }

  #serve(): void {
    while (this.#hasRoom()) {
      const [first] = this.#waiting
      if (first === undefined) return
      first.grant(this.#takeIdle())
    }
  }

  #wait(signal: AbortSignal | undefined, waitMs: number): Promise<Connection | undefined> {
    if (waitMs <= 0 || this.#waiting.size >= MAX_WAITERS) return Promise.reject(this.#full())
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.delete(waiter)
        this.#options.clock.clearTimeout(timer)
        stopWaiting()
      }
      const waiter: Waiter = {
        grant: (connection) => {
          leave()
          resolve(connection)
        },
        fail: (error) => {
          leave()
          reject(error)
        },
      }
      this.#waiting.add(waiter)
      const timer = this.#options.clock.setTimeout(() => waiter.fail(this.#full(waitMs)), waitMs)
      const stopWaiting = whenAborted(signal, () => waiter.fail(signal?.reason))
    })
  }

  #full(waitedMs = 0): TransportError {
    const { peer, limit } = this.#options
    const rounds = Math.ceil((this.#waiting.size + 1) / limit)
    const retryAfterMs = Math.round(Math.min(MAX_RETRY_MS, Math.max(MIN_RETRY_MS, rounds * this.#usualMs)))
    const waited = waitedMs > 0 ? `, and none became free within ${waitedMs} ms` : ''
    const text = `${this.#size} bulk connections with ${peer.short} are open, and the limit is ${limit}${waited}; try again in ${retryAfterMs} ms, or close one.`
    return new TransportError('RESOURCE_BUSY', text, { retryAfterMs })
  }
}
