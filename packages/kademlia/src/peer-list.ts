/**
 * The lists of peers that this peer holds: who is in the network, at 20 places (`list-keys.ts`) instead of everywhere. An entry is a peer's
 * own signed record, so it proves itself whoever passes it on. Pure.
 *
 * A peer puts itself on its list every 4 minutes ± 10 %, at whoever is nearest to the list then. So entries are not passed on regularly: a
 * newcomer reads the list of another holder, page by page, and takes it over. What its peer has not renewed for 5 minutes is to be asked
 * whether it is there still, and after 10 it ends. A peer that leaves by its signature leaves a mark in its place, which until it ends
 * keeps out records that others pass on and that are no newer. Marks count as entries, and so there are no more of them.
 */
import type { PeerId } from '@pc/identity'
import { keyOf } from './contact.js'
import { Expiry, type Slot } from './expiry.js'
import { LIST_COUNT, listOf } from './list-keys.js'
import { type ListPage, ListPages } from './list-pages.js'
import { positionOf } from './position.js'

/** What is kept of a peer's record: `SignedPeerRecord` is one. */
export interface ListedRecord {
  readonly id: PeerId
  readonly sequence: number
  readonly bytes: Uint8Array
}

export interface PeerListsOptions {
  /** `readPeerRecord`, signature and all; undefined for what it refuses. With `of` only that peer's will do. The result owns its bytes. */
  readonly readRecord: (bytes: Uint8Array, of?: PeerId) => ListedRecord | undefined
  readonly verifyLeave: (id: PeerId, sequence: number, signature: Uint8Array) => boolean
  /** Entries and marks of one list; more are refused until some end. @default 1,000 */
  readonly maxPerList?: number
  /** Of all lists together. @default 8,000 */
  readonly maxEntries?: number
}

/** In the order in which they are looked for. */
export type ListRefusal =
  /** There is no such list, or the peer belongs on another. */
  | 'wrong-list'
  /** More than 300 bytes. */
  | 'oversized'
  /** As old as entries get, or older. */
  | 'expired'
  | 'full'
  /** No record, not signed by its peer, or not that of the peer that brings it. */
  | 'bad-record'
  /** The peer has left with this sequence or a greater one. */
  | 'left'
  /** A record with a greater sequence is listed: `newer`. */
  | 'older'

export type ListOutcome =
  | 'listed'
  /** It was there, and lives longer now. */
  | 'renewed'
  /** It was there, and renewed later than this says. */
  | 'known'
  | { readonly refused: ListRefusal; readonly newer?: Uint8Array }

export type LeaveOutcome = 'removed' | { readonly refused: 'unknown' | 'older' | 'bad-signature' }

export const LIST_TTL_MS = 600_000
/** One renewal was missed. */
export const LIST_SILENT_MS = 300_000
const MAX_ENTRY_BYTES = 300

interface Entry {
  readonly key: string
  readonly list: number
  readonly id: PeerId
  sequence: number
  /** Of a mark, that its peer left: undefined. */
  bytes: Uint8Array | undefined
  renewedAt: number
  /** When it falls silent; then when it ends. */
  readonly slot: Slot<string>
}

export class PeerLists {
  readonly #options: PeerListsOptions
  readonly #maxPerList: number
  readonly #maxEntries: number
  /** A peer is on one list only. */
  readonly #entries = new Map<string, Entry>()
  readonly #lists: readonly ListPages<Entry>[] = Array.from({ length: LIST_COUNT }, () => new ListPages<Entry>())
  readonly #schedule = new Expiry<string>()
  /** Those to be asked whether they are there still. */
  readonly #silent = new Set<Entry>()
  readonly #asked = new Set<Entry>()

  constructor(options: PeerListsOptions) {
    this.#options = options
    this.#maxPerList = options.maxPerList ?? 1_000
    this.#maxEntries = options.maxEntries ?? 8_000
  }

  /** Entries and marks. */
  get size(): number {
    return this.#entries.size
  }

  /** When `silent` or `expire` will have something to do; infinite when all lists are empty. */
  get dueAt(): number {
    return this.#schedule.nextAt
  }

  /** A peer puts itself on its list; the token was accepted. What is refused changes nothing. */
  add(list: number, bytes: Uint8Array, from: PeerId, now: number): ListOutcome {
    this.expire(now)
    const refused = this.#refuse(list, bytes, from, 0)
    if (refused !== undefined) return { refused }
    const held = this.#entries.get(keyOf(from.bytes))
    // Its session proves that it is the peer, and the same bytes were verified when they came first.
    if (held?.bytes !== undefined && Buffer.compare(held.bytes, bytes) === 0) return this.#renew(held, now, now)
    if (held === undefined && this.#isFull(list)) return { refused: 'full' }
    const record = this.#options.readRecord(bytes, from)
    if (record === undefined || keyOf(record.id.bytes) !== keyOf(from.bytes)) return { refused: 'bad-record' }
    return this.#take(list, record, now, now)
  }

  /** Takes over an entry that another holder has, renewed `ageMs` ago as that says. */
  takeOver(list: number, bytes: Uint8Array, ageMs: number, now: number): ListOutcome {
    this.expire(now)
    const age = Math.max(0, ageMs)
    const refused = this.#refuse(list, bytes, undefined, age)
    if (refused !== undefined) return { refused }
    const record = this.#options.readRecord(bytes)
    if (record === undefined) return { refused: 'bad-record' }
    if (listOf(positionOf(record.id.bytes)) !== list) return { refused: 'wrong-list' }
    if (!this.#entries.has(keyOf(record.id.bytes)) && this.#isFull(list)) return { refused: 'full' }
    return this.#take(list, record, now - age, now)
  }

  /** A peer leaves by its signature, whoever passes that on. Once more is once. */
  remove(id: Uint8Array, sequence: number, signature: Uint8Array, now: number): LeaveOutcome {
    this.expire(now)
    const held = this.#entries.get(keyOf(id))
    if (held === undefined) return { refused: 'unknown' }
    if (sequence < held.sequence) return { refused: 'older' }
    if (held.bytes === undefined && sequence === held.sequence) return 'removed'
    if (!this.#options.verifyLeave(held.id, sequence, signature)) return { refused: 'bad-signature' }
    held.bytes = undefined
    this.#set(held, sequence, now)
    this.#schedule.move(held.slot, now + LIST_TTL_MS)
    return 'removed'
  }

  /** See {@link ListPages.page}. */
  page(list: number, cursor: Uint8Array | undefined, limit: number, now: number): ListPage {
    this.expire(now)
    const page = this.#lists[list]?.page(cursor === undefined ? undefined : keyOf(cursor), limit, now)
    return page ?? { entries: [], next: undefined }
  }

  /** The record of a listed peer. */
  recordOf(id: Uint8Array): Uint8Array | undefined {
    return this.#entries.get(keyOf(id))?.bytes
  }

  /** All records of one list. */
  recordsOf(list: number, now: number): Uint8Array[] {
    this.expire(now)
    return this.#lists[list]?.records() ?? []
  }

  /** Peers to be asked whether they are there still, at most `limit`: each once, until it renews its entry. */
  silent(now: number, limit: number): PeerId[] {
    this.expire(now)
    const ids: PeerId[] = []
    for (const entry of this.#silent) {
      if (ids.length >= limit) break
      this.#silent.delete(entry)
      this.#asked.add(entry)
      ids.push(entry.id)
    }
    return ids
  }

  /** A peer that `silent` gave did not answer. False, and the entry stays, when it has renewed its entry since. */
  drop(id: PeerId): boolean {
    const entry = this.#entries.get(keyOf(id.bytes))
    if (entry === undefined || !this.#asked.has(entry)) return false
    this.#forget(entry)
    return true
  }

  /** Forgets what has ended, and says how many entries and marks that were. */
  expire(now: number): number {
    const before = this.#entries.size
    for (let slot = this.#schedule.due(now); slot !== undefined; slot = this.#schedule.due(now)) {
      const entry = this.#entries.get(slot.item)
      if (entry === undefined) break
      const endsAt = entry.renewedAt + LIST_TTL_MS
      if (endsAt <= now) this.#forget(entry)
      else {
        this.#silent.add(entry)
        this.#schedule.move(slot, endsAt)
      }
    }
    return before - this.#entries.size
  }

  #refuse(list: number, bytes: Uint8Array, from: PeerId | undefined, ageMs: number): ListRefusal | undefined {
    if (this.#lists[list] === undefined) return 'wrong-list'
    if (from !== undefined && listOf(positionOf(from.bytes)) !== list) return 'wrong-list'
    if (bytes.length > MAX_ENTRY_BYTES) return 'oversized'
    return ageMs >= LIST_TTL_MS ? 'expired' : undefined
  }

  #isFull(list: number): boolean {
    return this.#entries.size >= this.#maxEntries || (this.#lists[list]?.size ?? 0) >= this.#maxPerList
  }

  #take(list: number, record: ListedRecord, renewedAt: number, now: number): ListOutcome {
    const held = this.#entries.get(keyOf(record.id.bytes))
    if (held === undefined) {
      this.#insert(list, record, renewedAt)
    } else if (held.bytes === undefined) {
      if (record.sequence <= held.sequence) return { refused: 'left' }
    } else if (record.sequence === held.sequence) {
      return this.#renew(held, renewedAt, now)
    } else if (record.sequence < held.sequence) {
      return { refused: 'older', newer: held.bytes }
    }
    if (held !== undefined) {
      held.bytes = record.bytes
      this.#set(held, record.sequence, Math.max(renewedAt, held.renewedAt))
    }
    this.expire(now)
    return 'listed'
  }

  #insert(list: number, { id, sequence, bytes }: ListedRecord, renewedAt: number): void {
    const key = keyOf(id.bytes)
    const slot = this.#schedule.add(key, renewedAt + LIST_SILENT_MS)
    const entry = { key, list, id, sequence, bytes, renewedAt, slot }
    this.#entries.set(key, entry)
    this.#lists[list]?.add(entry)
  }

  #renew(entry: Entry, renewedAt: number, now: number): ListOutcome {
    if (renewedAt <= entry.renewedAt && renewedAt < now) return 'known'
    this.#set(entry, entry.sequence, renewedAt)
    this.expire(now)
    return 'renewed'
  }

  #set(entry: Entry, sequence: number, renewedAt: number): void {
    entry.sequence = sequence
    entry.renewedAt = renewedAt
    this.#silent.delete(entry)
    this.#asked.delete(entry)
    this.#schedule.move(entry.slot, renewedAt + LIST_SILENT_MS)
  }

  #forget(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#lists[entry.list]?.remove(entry)
    this.#schedule.remove(entry.slot)
    this.#silent.delete(entry)
    this.#asked.delete(entry)
  }
}
