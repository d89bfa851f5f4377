/**
 * A store on a simulated disk, on the virtual clock: the backend that `openStore` of a program's tests stands on. A batch is atomic and,
 * once it has resolved, survives every crash; everything else may go wrong, as the faults say and as the seed draws.
 *
 * One object is one life: from opening to `close()` or `crash()`. `reopen()` gives the next life of the same disk.
 */
import { TestkitError } from './errors.js'
import type { SeededRandom } from './seeded-random.js'
import type {
  SimulatedChange,
  SimulatedEntry,
  SimulatedIterator,
  SimulatedRange,
  SimulatedStoreDamage,
} from './simulated-store-backend.js'
import { latin1, SimulatedDisk, type SimulatedStoreCounters } from './simulated-store-disk.js'
import { type SimulatedStoreFaults, storeFaults } from './simulated-store-faults.js'

export interface SimulatedStoreOptions extends Partial<SimulatedStoreFaults> {
  readonly clock: {
    setTimeout(callback: () => void, delayMs: number): unknown
    clearTimeout(timer: unknown): void
  }
  /** All chance comes from streams of it, so nothing else that is drawn changes what happens here. */
  readonly random: SeededRandom
  /** Gets every outcome, so that it counts in a trace's digest. */
  readonly trace?: { add(kind: string, ...fields: (string | number | Uint8Array)[]): void }
  /** For the trace. @default 'store' */
  readonly name?: string
}

/** Entries per chunk of a range read. */
const CHUNK = 64

export class SimulatedStore {
  /** What opening found: batches that `loseBatches` took. */
  readonly damage: readonly SimulatedStoreDamage[]
  readonly #options: SimulatedStoreOptions
  readonly #clock: SimulatedStoreOptions['clock']
  readonly #disk: SimulatedDisk
  /** One stream per life and purpose. */
  readonly #reads: SeededRandom
  readonly #writes: SeededRandom
  readonly #life: number
  readonly #timers = new Set<unknown>()
  /** In the order of keys; replaced, never changed, while a range read looks at it. */
  #entries: [string, Uint8Array][]
  #shared = false
  #faults: SimulatedStoreFaults
  /** The end of the line of batches: one at a time. */
  #last: Promise<void> = Promise.resolve()
  #state: 'open' | 'closed' | 'crashed' = 'open'

  /** Opens an empty disk. @throws TestkitError BAD_ARGUMENT */
  constructor(options: SimulatedStoreOptions)
  /** @internal The next life of a disk: use `reopen()`. */
  constructor(options: SimulatedStoreOptions, disk: SimulatedDisk, life: number)
  constructor(options: SimulatedStoreOptions, disk?: SimulatedDisk, life = 1) {
    this.#faults = storeFaults(options)
    this.#options = options
    this.#clock = options.clock
    this.#life = life
    this.#disk = disk ?? new SimulatedDisk(options.random.stream('disk'))
    this.#reads = options.random.stream(`reads ${life}`)
    this.#writes = options.random.stream(`writes ${life}`)
    const { entries, damage } = this.#disk.open()
    this.#entries = entries
    this.damage = damage
    this.#note('open', entries.length, damage.length)
  }

  /** All lives of this disk together. */
  get counters(): SimulatedStoreCounters {
    return { ...this.#disk.counters }
  }

  /** Bytes of the disk in use. */
  get usedBytes(): number {
    return this.#disk.usedBytes
  }

  get faults(): SimulatedStoreFaults {
    return { ...this.#faults }
  }

  /** Changes how the store behaves from here on; what is left out stays. @throws TestkitError BAD_ARGUMENT */
  change(faults: Partial<SimulatedStoreFaults>): void {
    this.#faults = storeFaults(faults, this.#faults)
  }

  async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    this.#checkOpen()
    const wanted = latin1(key)
    await this.#readTime()
    const found = this.#entries[this.#lowerBound(wanted)]
    const value = found?.[0] === wanted ? this.#readValue(found[1]) : undefined
    this.#note('get', wanted, value ?? 'none')
    return value
  }

  /** A walk over the state as it is now. */
  entries(range: SimulatedRange): SimulatedIterator {
    this.#checkOpen()
    this.#shared = true
    const entries = this.#entries
    const low = range.from === undefined ? 0 : this.#lowerBound(latin1(range.from))
    const high = range.before === undefined ? entries.length : this.#lowerBound(latin1(range.before))
    let left = Math.min(Math.max(0, high - low), range.limit ?? Number.POSITIVE_INFINITY)
    let position = range.reverse ? high - 1 : low
    const take = (): SimulatedEntry => {
      const [key, value] = entries[position] as [string, Uint8Array]
      position += range.reverse ? -1 : 1
      return { key: Uint8Array.from(Buffer.from(key, 'latin1')), value: this.#readValue(value) }
    }
    return {
      next: async () => {
        this.#checkOpen()
        await this.#readTime()
        const count = Math.min(left, CHUNK)
        left -= count
        this.#note('entries', count)
        return Array.from({ length: count }, take)
      },
      close: async () => {
        left = 0
      },
    }
  }

  /**
   * All changes or none. Batches wait for each other. Resolves when synced; rejects with STORE_FULL, STORE_FAILED or STORE_CLOSED; with
   * a failed sync it shows after the next opening whether it is there. After a crash it never settles.
   */
  batch(changes: readonly SimulatedChange[]): Promise<void> {
    const copies = changes.map(copyChange)
    const done = this.#last.then(() => this.#batch(copies))
    this.#last = done.catch(() => {})
    return done
  }

  /** Waits for the batches that were given; then reads and batches reject with STORE_CLOSED. Idempotent. */
  async close(): Promise<void> {
    await this.#last
    if (this.#state !== 'open') return
    this.#state = 'closed'
    this.#note('close')
  }

  /**
   * The power fails: no promise of this life settles any more, and of a batch that was not synced the faults and the seed decide
   * whether it is on the disk, whole, or not.
   */
  crash(): void {
    if (this.#state !== 'open') return
    this.#state = 'crashed'
    for (const timer of this.#timers) this.#clock.clearTimeout(timer)
    this.#timers.clear()
    this.#disk.counters.crashes++
    this.#disk.decide(this.#faults)
    this.#note('crash')
  }

  /**
   * The next life of the disk, with the same faults. On the clock of a host that has been restarted give the new host's: the old one
   * is dead. @throws TestkitError STORE_LOCKED before `close()` or `crash()`
   */
  reopen(options: Pick<SimulatedStoreOptions, 'clock'> = this.#options): SimulatedStore {
    if (this.#state === 'open') {
      throw new TestkitError('STORE_LOCKED', 'the simulated store is still open: close() or crash() it before reopen()')
    }
    return new SimulatedStore({ ...this.#options, ...this.#faults, clock: options.clock }, this.#disk, this.#life + 1)
  }

  /** Flips a bit of a value at rest, of `key` or of any; the key, or `undefined` when there is no value to flip. */
  flipBit(key?: Uint8Array): Uint8Array | undefined {
    const flip = this.#disk.flip(key === undefined ? undefined : latin1(key))
    if (flip === undefined) return undefined
    const entry = this.#entries[this.#lowerBound(flip.key)]
    // A range read under way has read ahead what it has: it sees the bit too, as a real one may.
    if (entry?.[0] === flip.key && entry[1] === flip.before) entry[1] = flip.after
    this.#note('flip', flip.key)
    return Uint8Array.from(Buffer.from(flip.key, 'latin1'))
  }

  /**
   * Damages the log at rest: up to `count` acknowledged batches that follow each other, of those since the last opening, will be gone
   * at the next one, and `damage` says that something is. Returns how many.
   */
  loseBatches(count: number): number {
    const lost = this.#disk.lose(count)
    this.#note('lose', lost)
    return lost
  }

  async #batch(changes: readonly SimulatedChange[]): Promise<void> {
    this.#checkOpen()
    const faults = this.#faults
    // Drawn whether needed or not, so that one fault does not shift all later ones.
    const [time, slow, write, sync] = [0, 0, 0, 0].map(() => this.#writes.float()) as [number, number, number, number]
    const duration = -faults.syncMs * Math.log(1 - time) + (slow < faults.slowSyncs ? faults.slowSyncMs : 0)
    const failsToWrite = write < faults.writeErrors
    const record = failsToWrite ? undefined : this.#disk.append(changes, faults.capacityBytes)
    await this.#passes(duration)
    if (failsToWrite) throw this.#failed('STORE_FAILED', 'the simulated disk failed to write')
    if (record === undefined) {
      const room = `${faults.capacityBytes} bytes, ${this.#disk.usedBytes} in use`
      throw this.#failed('STORE_FULL', `the simulated disk is full: ${room}`)
    }
    if (sync < faults.syncErrors) {
      this.#disk.decide(faults)
      throw this.#failed('STORE_FAILED', 'the simulated disk failed to sync')
    }
    this.#disk.synced(record)
    this.#apply(changes)
    this.#note('batch', changes.length, record.bytes)
  }

  #apply(changes: readonly SimulatedChange[]): void {
    if (this.#shared) this.#entries = this.#entries.map(([key, value]) => [key, value])
    this.#shared = false
    for (const change of changes) {
      const key = latin1(change.key)
      const index = this.#lowerBound(key)
      const replaced = this.#entries[index]?.[0] === key ? 1 : 0
      this.#entries.splice(
        index,
        replaced,
        ...(change.type === 'put' ? [[key, change.value] as [string, Uint8Array]] : []),
      )
    }
  }

  #failed(code: 'STORE_FULL' | 'STORE_FAILED', text: string): TestkitError {
    this.#disk.counters.failed++
    this.#note('failed', code)
    return new TestkitError(code, text)
  }

  async #readTime(): Promise<void> {
    const [time, error] = [this.#reads.float(), this.#reads.float()]
    const fails = error < this.#faults.readErrors
    await this.#passes(-this.#faults.readMs * Math.log(1 - time))
    if (fails) throw new TestkitError('STORE_FAILED', 'the simulated disk failed to read')
  }

  #readValue(value: Uint8Array): Uint8Array {
    return this.#reads.float() < this.#faults.flipsOnRead ? this.#disk.flipped(value) : value.slice()
  }

  /** Never settles when the power fails meanwhile. */
  #passes(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#state === 'crashed') return
      const timer = this.#clock.setTimeout(() => {
        this.#timers.delete(timer)
        resolve()
      }, ms)
      this.#timers.add(timer)
    })
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new TestkitError('STORE_CLOSED', 'the simulated store is closed')
    if (this.#state === 'crashed') throw new TestkitError('STORE_CLOSED', 'the simulated store crashed: use reopen()')
  }

  /** The index of the first entry whose key is not less. */
  #lowerBound(key: string): number {
    let low = 0
    let high = this.#entries.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle] as [string, Uint8Array])[0] < key) low = middle + 1
      else high = middle
    }
    return low
  }

  #note(what: string, ...fields: (string | number | Uint8Array)[]): void {
    this.#options.trace?.add('store', this.#options.name ?? 'store', this.#life, what, ...fields)
  }
}

function copyChange(change: SimulatedChange): SimulatedChange {
  const key = Uint8Array.from(change.key)
  return change.type === 'put' ? { type: 'put', key, value: Uint8Array.from(change.value) } : { type: 'delete', key }
}
