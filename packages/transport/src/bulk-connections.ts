import { untilAborted } from './abort.js'
import { BulkPool } from './bulk-pool.js'
import type { Connection } from './connection.js'
import type { Dialler } from './dialler.js'
import type { Greeter } from './greeter.js'
import type { PeerBook } from './peer-book.js'
import type { PeerSlot } from './peer-slot.js'
import type { Clock } from './ports.js'
import { Watcher } from './watcher.js'

/** How long a bulk connection that is not in use is kept. */
const KEEP_MS = 30_000

export interface BulkConnectionsOptions {
  readonly perPeer: number
  readonly clock: Clock
  readonly dialler: Pick<Dialler, 'dialKnown'>
  readonly greeter: Greeter
  readonly peerBook: PeerBook
  /** Something of that peer's has ended. */
  readonly onShrink: (slot: PeerSlot) => void
}

/** The bulk connections with all peers: a pool for each, and one watcher for what is not in use. */
export class BulkConnections {
  readonly #options: BulkConnectionsOptions
  readonly #unused: Watcher<Connection>
  readonly #pools = new WeakMap<Connection, BulkPool>()

  constructor(options: BulkConnectionsOptions) {
    this.#options = options
    this.#unused = new Watcher({
      afterMs: KEEP_MS,
      clock: options.clock,
      onIdle: (connection) => void this.#retire(connection),
    })
  }

  poolOf(slot: PeerSlot): BulkPool {
    const { perPeer, clock, onShrink } = this.#options
    const pool: BulkPool = new BulkPool({
      peer: slot.peer,
      limit: perPeer,
      clock,
      watcher: this.#unused,
      dial: async (signal) => {
        const connection = await this.#dial(slot, signal)
        this.#pools.set(connection, pool)
        return connection
      },
      onShrink: () => onShrink(slot),
    })
    return pool
  }

  /** Ends the one that has been unused for longest, whoever the peer. Resolves when it is gone; undefined: all are in use. */
  makeRoom(): Promise<void> | undefined {
    const { longest } = this.#unused
    return longest === undefined ? undefined : this.#retire(longest)
  }

  /** Unused ones are watched no more; whoever closes the connector ends them. */
  close(): void {
    this.#unused.clear()
  }

  async #dial(slot: PeerSlot, signal: AbortSignal | undefined): Promise<Connection> {
    const { dialler, greeter, peerBook } = this.#options
    const connection = await dialler.dialKnown(slot.peer, signal)
    try {
      const greeting = greeter.greet(connection)
      greeting.say(greeter.hello('bulk', slot.number, connection))
      const hello = await untilAborted(greeting.hello, signal)
      peerBook.upsert(hello.record)
      slot.bulk.noteBoot(connection, hello.boot)
    } catch (error) {
      connection.destroy()
      throw error
    }
    connection.proceed('bulk')
    return connection
  }

  async #retire(connection: Connection): Promise<void> {
    await this.#pools.get(connection)?.retire(connection)
  }
}
