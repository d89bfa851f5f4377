/**
 * What this peer has published, wherever it is stored: published again within the hour, so that it outlives its holders (Maymounkov and
 * Mazières 2002, §2.5). For ever, until it is forgotten.
 */
import type { Random } from '@pc/transport'
import { keyOf } from './contact.js'
import { Expiry, type Slot } from './expiry.js'
import type { Position } from './position.js'
import type { DhtRecord } from './value-record.js'

/** Records published by one peer; more are refused. */
export const MAX_OWN_RECORDS = 1_024
/** Published again after 54 to 60 minutes: before its holders would think of doing it, see `record-store.ts`. */
const REPUBLISH_MS = 3_240_000
const REPUBLISH_JITTER_MS = 360_000

export class OwnRecords {
  readonly #random: Random
  readonly #max: number
  readonly #slots = new Map<string, Slot<DhtRecord>>()
  readonly #schedule = new Expiry<DhtRecord>()

  constructor(options: { random: Random; max?: number }) {
    this.#random = options.random
    this.#max = options.max ?? MAX_OWN_RECORDS
  }

  get size(): number {
    return this.#slots.size
  }

  /** When `due` will have something; infinite when there is nothing. */
  get dueAt(): number {
    return this.#schedule.nextAt
  }

  /** The record was published at `now`, in place of an earlier one of its key. False, and not kept, when there are 1,024 others. */
  keep(record: DhtRecord, now: number): boolean {
    const key = keyOf(record.key)
    const former = this.#slots.get(key)
    if (former === undefined && this.#slots.size >= this.#max) return false
    if (former !== undefined) this.#schedule.remove(former)
    this.#slots.set(key, this.#schedule.add(record, this.#again(now)))
    return true
  }

  get(key: Position): DhtRecord | undefined {
    return this.#slots.get(keyOf(key))?.item
  }

  /** False when there was none. What its holders have of it lives on for 2 hours. */
  forget(key: Position): boolean {
    const slot = this.#slots.get(keyOf(key))
    if (slot === undefined) return false
    this.#schedule.remove(slot)
    return this.#slots.delete(keyOf(key))
  }

  /** Those to be published again now, at most `limit`; each counts as published at `now`. */
  due(now: number, limit: number): DhtRecord[] {
    const records: DhtRecord[] = []
    while (records.length < limit) {
      const slot = this.#schedule.due(now)
      if (slot === undefined) break
      this.#schedule.move(slot, this.#again(now))
      records.push(slot.item)
    }
    return records
  }

  #again(now: number): number {
    return now + REPUBLISH_MS + REPUBLISH_JITTER_MS * this.#random.float()
  }
}
