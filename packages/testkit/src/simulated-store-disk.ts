/**
 * The disk under a simulated store: what stays when the power goes. It has the shape of a log-structured database: batches are
 * appended to a log; when it is opened, or has grown, what the log says becomes part of the entries.
 */
import type { SeededRandom } from './seeded-random.js'
import type { SimulatedChange, SimulatedStoreDamage } from './simulated-store-backend.js'
import type { SimulatedStoreFaults } from './simulated-store-faults.js'

/** What one entry takes beside its key and value. */
const ENTRY_BYTES = 16

/** Beyond this the log is folded into the entries: bounds what is kept twice. */
const LOG_RECORDS = 1_024

export interface SimulatedStoreCounters {
  /** Batches that were synced and acknowledged. */
  readonly synced: number
  /** Batches that were rejected. */
  readonly failed: number
  /** Batches that were never acknowledged and are on the disk all the same. */
  readonly survived: number
  /** Batches that had begun, were never acknowledged, and are gone. */
  readonly lost: number
  /** Those of them that left a broken tail, which the reader of the log drops. */
  readonly torn: number
  /** Bits flipped, at rest and on read. */
  readonly flips: number
  readonly crashes: number
}

/** One batch in the log. */
export interface LogRecord {
  readonly changes: readonly SimulatedChange[]
  readonly bytes: number
  synced: boolean
}

export class SimulatedDisk {
  readonly counters = { synced: 0, failed: 0, survived: 0, lost: 0, torn: 0, flips: 0, crashes: 0 }
  readonly #random: SeededRandom
  /** Keys as Latin-1 text, one character per byte: they compare like the bytes. */
  readonly #entries = new Map<string, Uint8Array>()
  #log: LogRecord[] = []
  #usedBytes = 0
  #damage: SimulatedStoreDamage[] = []

  constructor(random: SeededRandom) {
    this.#random = random
  }

  /** Bytes in use, the log included. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Appends a batch that is not synced yet; `undefined` when there is no room. */
  append(changes: readonly SimulatedChange[], capacityBytes: number): LogRecord | undefined {
    let bytes = 0
    for (const change of changes) bytes += entryBytes(change.key, change.type === 'put' ? change.value : undefined)
    if (this.#log.length >= LOG_RECORDS || this.#usedBytes + bytes > capacityBytes) this.#fold()
    if (this.#usedBytes + bytes > capacityBytes) return undefined
    const record: LogRecord = { changes, bytes, synced: false }
    this.#log.push(record)
    this.#usedBytes += bytes
    return record
  }

  synced(record: LogRecord): void {
    record.synced = true
    this.counters.synced++
  }

  /** What becomes of records without a sync, when their sync failed or the power did. */
  decide(faults: SimulatedStoreFaults): void {
    this.#log = this.#log.filter((record) => {
      if (record.synced) return true
      record.synced = this.#random.float() < faults.survival
      if (record.synced) {
        this.counters.survived++
        return true
      }
      this.counters.lost++
      if (this.#random.float() < faults.tornWrites) this.counters.torn++
      this.#usedBytes -= record.bytes
      return false
    })
  }

  /** Begins a life: the entries in the order of keys, and what was found damaged. */
  open(): { entries: [string, Uint8Array][]; damage: readonly SimulatedStoreDamage[] } {
    this.#fold()
    const damage = this.#damage
    this.#damage = []
    return { entries: [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1)), damage }
  }

  /** Flips one bit of a value at rest, of this key or any; what it was and is, or `undefined` when there is none. */
  flip(key: string | undefined): { key: string; before: Uint8Array; after: Uint8Array } | undefined {
    this.#fold()
    const filled = (one: string): boolean => this.#entries.get(one)?.length !== 0
    const keys = key === undefined ? [...this.#entries.keys()].filter(filled).sort() : [key]
    const chosen = keys.length === 0 ? undefined : this.#random.pick(keys)
    const before = chosen === undefined ? undefined : this.#entries.get(chosen)
    if (chosen === undefined || before === undefined || before.length === 0) return undefined
    const after = this.flipped(before)
    this.#entries.set(chosen, after)
    return { key: chosen, before, after }
  }

  /** A copy with one bit wrong; of nothing, nothing. */
  flipped(value: Uint8Array): Uint8Array {
    const copy = value.slice()
    if (copy.length === 0) return copy
    const bit = this.#random.integer(0, 8 * copy.length - 1)
    copy[bit >> 3] = (copy[bit >> 3] as number) ^ (1 << (bit & 7))
    this.counters.flips++
    return copy
  }

  /** Takes batches that follow each other out of the log, as its reader does that meets a flipped bit and drops the rest of a block. */
  lose(count: number): number {
    const synced = this.#log.filter((record) => record.synced)
    if (synced.length === 0) return 0
    const first = this.#random.integer(0, Math.max(0, synced.length - count))
    const lost = new Set(synced.slice(first, first + count))
    this.#log = this.#log.filter((record) => !lost.has(record))
    let bytes = 0
    for (const record of lost) bytes += record.bytes
    this.#usedBytes -= bytes
    this.#damage.push({ file: 'log', text: `${bytes} bytes do not match their checksum: writes are lost` })
    return lost.size
  }

  /** What is certain goes into the entries; batches keep their order. */
  #fold(): void {
    const uncertain = this.#log.findIndex((record) => !record.synced)
    for (const record of this.#log.splice(0, uncertain === -1 ? this.#log.length : uncertain)) {
      this.#usedBytes -= record.bytes
      for (const change of record.changes) this.#apply(change)
    }
  }

  #apply(change: SimulatedChange): void {
    const key = latin1(change.key)
    const old = this.#entries.get(key)
    if (old !== undefined) this.#usedBytes -= entryBytes(change.key, old)
    if (change.type === 'put') {
      this.#entries.set(key, change.value)
      this.#usedBytes += entryBytes(change.key, change.value)
    } else this.#entries.delete(key)
  }
}

export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

function entryBytes(key: Uint8Array, value: Uint8Array | undefined): number {
  return ENTRY_BYTES + key.length + (value?.length ?? 0)
}
