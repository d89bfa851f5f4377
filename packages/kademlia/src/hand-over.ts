/**
 * What moves when peers come and go. A newcomer reads the lists that it is now among the first holders of from another holder, page by page, instead
 * of waiting 4 minutes for everybody to announce itself. Records it is given: by the nearest of their holders besides itself, so that one and
 * not twenty send them (Maymounkov and Mazières 2002, §2.5).
 */
import type { Clock, Logger } from '@pc/transport'
import type { Calls } from './calls.js'
import type { Contact } from './contact.js'
import { readPages } from './directory.js'
import { LIST_KEYS } from './list-keys.js'
import { readGetReply, readListReply, readStoreReply } from './messages.js'
import type { PeerLists } from './peer-list.js'
import { compareDistance, type Position } from './position.js'
import type { RecordStore, Replica } from './record-store.js'
import type { RoutingTable } from './routing-table.js'

export interface HandOverParts {
  /** Where this peer stands. */
  readonly position: Position
  /** k: holders of a record. */
  readonly holders: number
  /** Holders of a list. */
  readonly listHolders: number
  readonly clock: Clock
  readonly logger: Logger
  readonly table: RoutingTable
  readonly records: RecordStore
  readonly lists: PeerLists
  readonly calls: Calls
}

/** Newcomers that wait to be given records; of more the one that waits longest gets them within the hour, as everybody does. */
const MAX_NEWCOMERS = 64
/** Records that are looked at in one go: some ms of work. */
const LOOKED_AT_PER_TICK = 256
/** Records that are sent in one go. */
const GIVEN_PER_TICK = 16
/** Holders nearer to a record that are silent, and may be gone. */
const SILENT_NEARER = 2
/** Within this time everybody who is there has announced itself to the new holders. */
const LIST_AGAIN_MS = 270_000
/** Readers ask three holders, so one more may be gone. */
const FIRST_HOLDERS = 4
/** Holders that are asked for a list before it is left to the announcements. */
const HOLDERS_ASKED = 3

export class HandOver {
  readonly #parts: HandOverParts
  readonly #newcomers = new Map<string, Contact>()
  /** Records that the newcomer in hand may have to be given. */
  #waiting: { readonly to: Contact; readonly replicas: Replica[] } | undefined
  /** The lists that others read here, and when this peer took them over. */
  readonly #held = new Map<number, number>()

  constructor(parts: HandOverParts) {
    this.#parts = parts
  }

  /** Somebody is new in the table. */
  arrived(contact: Contact): void {
    if (this.#parts.records.size === 0) return
    this.#newcomers.delete(contact.key)
    this.#newcomers.set(contact.key, contact)
    const [oldest] = this.#newcomers.keys()
    if (this.#newcomers.size > MAX_NEWCOMERS && oldest !== undefined) this.#newcomers.delete(oldest)
  }

  /** Gives newcomers the records that are theirs to hold, so many at a time. */
  give(): void {
    let given = 0
    for (let looked = 0; looked < LOOKED_AT_PER_TICK && given < GIVEN_PER_TICK; looked++) {
      const { to, replicas } = this.#waiting ?? this.#nextNewcomer() ?? {}
      if (to === undefined || replicas === undefined) return
      const replica = replicas.pop()
      if (replica === undefined) this.#waiting = undefined
      else if (this.#isToGive(replica.record.key, to)) {
        given++
        // As old as it is by now, if it has not ended meanwhile.
        const present = this.#parts.records.replica(replica.record.key, this.#parts.clock.now())
        if (present !== undefined) void this.#give(present, to)
      }
    }
  }

  /**
   * Takes over the lists that others will read here since this peer looked last, each from the nearest other holder that answers. Resolves when
   * they are read, or nobody gives them.
   */
  async takeLists(signal?: AbortSignal): Promise<void> {
    const { clock, table } = this.#parts
    const now = clock.now()
    // Cut off, it would seem to be the nearest to everything.
    if (table.closest(this.#parts.position, 1).length === 0) return
    for (const [list, key] of LIST_KEYS.entries()) {
      signal?.throwIfAborted()
      const takenAt = this.#held.get(list)
      if (!this.#isRead(key)) this.#forget(list, now)
      else if (takenAt === undefined) {
        this.#held.set(list, now)
        await this.#takeList(list, key)
      }
    }
  }

  /** After the machine slept: what the lists had has ended, as far as this peer knows. */
  slept(): void {
    this.#held.clear()
  }

  /** A holder that comes and goes does not read the list each time. */
  #forget(list: number, now: number): void {
    const takenAt = this.#held.get(list)
    if (takenAt !== undefined && now - takenAt >= LIST_AGAIN_MS) this.#held.delete(list)
  }

  async #takeList(list: number, key: Position): Promise<void> {
    const { table, calls, lists, clock, logger } = this.#parts
    for (const holder of table.closest(key, HOLDERS_ASKED)) {
      let taken = 0
      const whole = await readPages(
        (cursor) => calls.ask(holder, { type: 'get-list', list, cursor }, readListReply),
        ({ record, ageMs }) => {
          if (lists.takeOver(list, record, ageMs, clock.now()) === 'listed') taken++
        },
      )
      logger.debug({ list, taken, whole }, 'took a list of peers over')
      // One that has nothing may be as new as this peer.
      if (whole && taken > 0) return
    }
  }

  /** Whether this peer is among the first holders of a list, whom readers ask. The others need no copy: whoever is there tells them in 4 minutes. */
  #isRead(key: Position): boolean {
    const { table, position, listHolders } = this.#parts
    const first = Math.min(FIRST_HOLDERS, listHolders)
    // Whoever was only silent for a while counts: else everybody would take over every list where contacts are soon doubted.
    const last = table.closest(key, first, { among: 'unfailed' })[first - 1]
    return last === undefined || compareDistance(key, position, last.position) < 0
  }

  #nextNewcomer(): { to: Contact; replicas: Replica[] } | undefined {
    const { records, clock } = this.#parts
    for (const [key, to] of this.#newcomers) {
      this.#newcomers.delete(key)
      this.#waiting = { to, replicas: [...records.all(clock.now())] }
      return this.#waiting
    }
    return undefined
  }

  /**
   * The newcomer is one of its holders now, and nobody else who may have it is nearer than this peer: nobody verified, and not more than two of
   * those that are only silent, one of which may live.
   */
  #isToGive(key: Position, to: Contact): boolean {
    const { table, position, holders } = this.#parts
    const nearest = table.closest(key, holders, { among: 'unfailed' })
    if (!nearest.some((each) => each.key === to.key)) return false
    const isNearer = (each: Contact): boolean => compareDistance(key, each.position, position) < 0
    const [verified] = table.closest(key, 1, { except: to.key })
    if (verified !== undefined && isNearer(verified)) return false
    return nearest.filter((each) => each.key !== to.key && isNearer(each)).length <= SILENT_NEARER
  }

  /** What gets lost here is passed on within the hour. */
  async #give({ record, ageMs }: Replica, to: Contact): Promise<void> {
    const { calls, logger } = this.#parts
    const { key, bytes } = record
    try {
      const { token } = await calls.ask(to, { type: 'get', key, known: Number.MAX_SAFE_INTEGER }, readGetReply)
      const request = { type: 'store', record: bytes, token, ageMs, expected: undefined } as const
      await calls.ask(to, request, readStoreReply)
    } catch (error) {
      logger.debug({ error }, 'a newcomer was not given a record')
    }
  }
}
