import type { PeerId } from '@pc/identity'
import { whenAborted } from './abort.js'
import type { BulkPool } from './bulk-pool.js'
import { TransportError } from './errors.js'
import type { Pair } from './pair.js'

/** Callers that wait for one dial; whoever has more has lost control over its calls. */
const MAX_WAITERS = 1_024

interface Waiter {
  resolve(pair: Pair): void
  reject(error: unknown): void
}

/** Everything that is going on with one other peer; it exists as long as something does. */
export class PeerSlot {
  readonly peer: PeerId
  live: Pair | undefined
  /** Cuts the dial that `waiters` wait for. */
  dial: AbortController | undefined
  /** The dialler's HELLO that is under way. */
  saying: Promise<unknown> | undefined
  /** The number that our HELLO named on it, while the other side's HELLO is not there yet. */
  dialled: number | undefined
  /** Of our next, or present, pair with that peer: see {@link Hello.pair}. */
  number: number
  readonly bulk: BulkPool
  /** HELLOs under way, in both directions. */
  greetings = 0
  readonly #waiters = new Set<Waiter>()
  #whenGreeted: (() => void)[] = []

  /** @param bulk makes the pool; what it is told of is called when the pool has become smaller */
  constructor(peer: PeerId, number: number, bulk: (slot: PeerSlot) => BulkPool) {
    this.peer = peer
    this.number = number
    this.bulk = bulk(this)
  }

  /** Nothing is going on. */
  get empty(): boolean {
    return this.live === undefined && this.dial === undefined && this.bulk.size === 0 && this.greetings === 0
  }

  /** The end of the dial under way. The last one that leaves by its signal cuts the dial. */
  wait(signal?: AbortSignal): Promise<Pair> {
    if (this.#waiters.size >= MAX_WAITERS) {
      const text = `${MAX_WAITERS} callers wait for the connection to ${this.peer.short} already.`
      return Promise.reject(new TransportError('RESOURCE_BUSY', text))
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter)
        stopWaiting()
      }
      const waiter: Waiter = {
        resolve: (pair) => {
          leave()
          resolve(pair)
        },
        reject: (error) => {
          leave()
          reject(error)
        },
      }
      this.#waiters.add(waiter)
      const stopWaiting = whenAborted(signal, () => {
        waiter.reject(signal?.reason)
        if (this.#waiters.size === 0) this.#cutDial()
      })
    })
  }

  /** Whatever way it came about: everybody has what they waited for, and a dial under way is cut. */
  succeed(pair: Pair): void {
    for (const waiter of [...this.#waiters]) waiter.resolve(pair)
    this.#cutDial()
  }

  fail(error: unknown): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error)
  }

  /** Counts a HELLO under way until the function that is returned is called. */
  startGreeting(): () => void {
    this.greetings += 1
    return () => {
      this.greetings -= 1
      if (this.greetings > 0) return
      const waiting = this.#whenGreeted
      this.#whenGreeted = []
      for (const resolve of waiting) resolve()
    }
  }

  /** Resolves when no HELLO is under way: each has its deadline, so this is soon. */
  async greeted(): Promise<void> {
    if (this.greetings > 0) await new Promise<void>((resolve) => this.#whenGreeted.push(resolve))
  }

  #cutDial(): void {
    const dial = this.dial
    this.dial = undefined
    dial?.abort(new TransportError('CONNECTION_CLOSED', `Nobody waits for the dial to ${this.peer.short} any more.`))
  }
}
