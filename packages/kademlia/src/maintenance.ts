/**
 * What keeps the directory alive while nobody asks anything: buckets are refreshed, this peer stays on its list, records are passed on, lists are
 * rid of who is gone, and after the machine slept everything is doubted.
 */
import type { Clock, Logger, Random } from '@pc/transport'
import type { Calls } from './calls.js'
import { type Contact, keyOf } from './contact.js'
import type { HandOver } from './hand-over.js'
import type { OwnRecords } from './own-records.js'
import type { PeerLists } from './peer-list.js'
import type { Position } from './position.js'
import type { RecordStore } from './record-store.js'
import type { RoutingTable } from './routing-table.js'
import type { DhtRecord } from './value-record.js'

export interface MaintenanceParts {
  /** Where this peer stands. */
  readonly position: Position
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly table: RoutingTable
  readonly records: RecordStore
  readonly lists: PeerLists
  readonly own: OwnRecords
  readonly calls: Calls
  readonly handOver: HandOver
  readonly lookup: (target: Position) => Promise<unknown>
  /** Puts this peer on its list. */
  readonly announce: () => Promise<unknown>
  readonly publish: (record: DhtRecord, ageMs: number) => Promise<unknown>
  readonly contactOf: (id: Uint8Array) => Contact | undefined
}

const TICK_MS = 5_000
/** A clock that has gone on so far between two ticks was asleep with its machine. */
const SLEPT_MS = 3 * TICK_MS
/** 4 minutes ± 10 %: an entry of a list lives for 10, so two in a row may get lost. */
const ANNOUNCE_MS = 240_000
const ANNOUNCE_JITTER = 0.1
/** Of each kind of work in one tick, so that what has become due at one moment does not all go out at one moment. */
const PER_TICK = 4
/** Contacts that are asked in one tick whether they are there still. */
const CHECKS_PER_TICK = 2
/** Where peers were seen to go so soon that a contact is doubted again by the tick after the next, asking is of no use: lookups tell as much. */
const DOUBTED_SOON_MS = 1.5 * TICK_MS
/** Whether this peer has become a holder of other lists is looked at so often. */
const LISTS_MS = 60_000

export class Maintenance {
  readonly #parts: MaintenanceParts
  #timer: unknown
  #tickedAt = 0
  #announceAt = 0
  #listsAt = 0
  #started = false
  #left = false
  #closed = false

  constructor(parts: MaintenanceParts) {
    this.#parts = parts
  }

  /** Begins to tick. Idempotent. */
  start(): void {
    if (this.#started || this.#closed) return
    this.#started = true
    this.#tickedAt = this.#parts.clock.now()
    this.#planAnnouncement(this.#tickedAt)
    this.#listsAt = this.#tickedAt + LISTS_MS
    this.#schedule()
  }

  /** This peer is put on its list no more. */
  leave(): void {
    this.#left = true
  }

  close(): void {
    this.#closed = true
    this.#parts.clock.clearTimeout(this.#timer)
  }

  #schedule(): void {
    this.#timer = this.#parts.clock.setTimeout(() => this.#tick(), TICK_MS)
  }

  #tick(): void {
    const now = this.#parts.clock.now()
    const slept = now - this.#tickedAt > SLEPT_MS
    this.#tickedAt = now
    if (slept) this.#wakeUp(now)
    this.#refresh(now)
    this.#passOn(now)
    this.#checkLists(now)
    this.#parts.handOver.give()
    if (now >= this.#listsAt) {
      this.#listsAt = now + LISTS_MS
      this.#attempt('take lists over', this.#parts.handOver.takeLists())
    }
    if (now >= this.#announceAt && !this.#left) {
      this.#planAnnouncement(now)
      this.#attempt('announce', this.#parts.announce())
    }
    this.#schedule()
  }

  /** Others have taken this peer for gone, and it may be somewhere else by now. */
  #wakeUp(now: number): void {
    const { table, lookup, logger, position, handOver } = this.#parts
    logger.info({}, 'the machine slept: every contact is doubted until it is heard of again')
    table.doubtAll()
    this.#announceAt = now
    handOver.slept()
    this.#attempt(
      'refresh',
      lookup(position).then(() => handOver.takeLists()),
    )
  }

  #refresh(now: number): void {
    const { table, lookup, random, calls } = this.#parts
    if (table.silenceMs >= DOUBTED_SOON_MS) {
      for (const contact of table.dueForCheck(now, CHECKS_PER_TICK)) void calls.ping(contact)
    }
    for (const target of table.dueForRefresh(random, now, PER_TICK)) this.#attempt('refresh', lookup(target))
  }

  #passOn(now: number): void {
    const { own, records, publish } = this.#parts
    for (const record of own.due(now, PER_TICK)) this.#attempt('publish', publish(record, 0))
    for (const { record, ageMs } of records.dueForReplication(now, PER_TICK))
      this.#attempt('pass on', publish(record, ageMs))
  }

  /** Whoever has not renewed its entry is asked whether it is there still. */
  #checkLists(now: number): void {
    const { lists, calls, table, contactOf } = this.#parts
    for (const id of lists.silent(now, PER_TICK)) {
      const contact = table.get(keyOf(id.bytes)) ?? contactOf(id.bytes)
      if (contact === undefined) continue
      void calls.ping(contact).then((answers) => {
        if (!answers) lists.drop(id)
      })
    }
  }

  #planAnnouncement(now: number): void {
    const jitter = 1 + ANNOUNCE_JITTER * (2 * this.#parts.random.float() - 1)
    this.#announceAt = now + ANNOUNCE_MS * jitter
  }

  /** What fails is tried again in its time. */
  #attempt(what: string, work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      if (!this.#closed) this.#parts.logger.debug({ error, what }, 'maintenance of the directory failed')
    })
  }
}
