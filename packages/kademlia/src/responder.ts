/**
 * What this peer answers to others: from its table, its records and its lists. Pure. Whoever wants something to be kept here is proved to be
 * where it asks from, has asked for the key before, and shows the token.
 */
import type { PeerId } from '@pc/identity'
import type { Value } from '@pc/wire'
import type { Contact } from './contact.js'
import { LIST_KEYS } from './list-keys.js'
import { encodeContacts, type Request, Status, seconds } from './messages.js'
import type { ListRefusal, PeerLists } from './peer-list.js'
import { type Position, positionOf } from './position.js'
import type { RecordStore, StoreOutcome, StoreRefusal } from './record-store.js'
import type { RoutingTable } from './routing-table.js'
import type { Tokens } from './tokens.js'
import { readRecord } from './value-record.js'

export interface ResponderParts {
  readonly table: RoutingTable
  readonly records: RecordStore
  readonly lists: PeerLists
  readonly tokens: Tokens
  /** The signed record of a peer, if it is at hand. */
  readonly recordOf: (id: Uint8Array) => Uint8Array | undefined
}

/** Who asks. */
export interface Asker {
  readonly contact: Contact
  readonly peerId: PeerId
  /** Not proved yet to be at that address: see `RequestOrigin`. */
  readonly early: boolean
}

/** Contacts in an answer. */
const HINTS = 20
/** What a contact takes with an IPv6 address and its head, so that a count of them surely fits. */
const HINT_BYTES = 52
/** Bytes of an answer, less its head and a token. */
const ROOM = 1_100

export class Responder {
  readonly #parts: ResponderParts

  constructor(parts: ResponderParts) {
    this.#parts = parts
  }

  answer(request: Request, asker: Asker, now: number): Value {
    switch (request.type) {
      case 'ping':
        return []
      case 'find-node':
        return [this.#contacts(request.target, asker, HINTS)]
      case 'get':
        return this.#get(request.key, request.known, asker, now)
      case 'store':
        return this.#store(request, asker, now)
      case 'get-list': {
        const { entries, next } = this.#parts.lists.page(request.list, request.cursor, HINTS, now)
        return [entries.map(({ bytes, ageMs }) => [bytes, seconds(ageMs)]), next ?? null]
      }
      case 'add-to-list':
        return this.#addToList(request, asker, now)
      case 'leave-list':
        return [this.#leave(request, now)]
      case 'find-peer': {
        const record = this.#parts.recordOf(request.id)
        return [record ?? null, this.#contacts(positionOf(request.id), asker, roomFor(record))]
      }
      default:
        return request satisfies never
    }
  }

  #get(key: Position, known: number | undefined, asker: Asker, now: number): Value {
    const { records, tokens } = this.#parts
    const held = records.get(key, now)
    const isNews = held !== undefined && (held.type === 'plain' || known === undefined || held.sequence > known)
    const record = isNews ? held.bytes : undefined
    return [record ?? null, tokens.issue(asker.contact, key, now), this.#contacts(key, asker, roomFor(record))]
  }

  #store(request: Request & { type: 'store' }, asker: Asker, now: number): Value {
    const { records, tokens } = this.#parts
    const record = readRecord(request.record)
    if (asker.early || !tokens.accepts(request.token, asker.contact, record.key, now)) return [Status.BAD_TOKEN, null]
    const { ageMs, expected } = request
    const outcome = records.store(record, {
      from: asker.contact.key,
      now,
      ageMs,
      ...(expected === undefined ? {} : { expectedSequence: expected }),
    })
    return [statusOfStore(outcome), newerOf(outcome)]
  }

  #addToList({ list, record, token }: Request & { type: 'add-to-list' }, asker: Asker, now: number): Value {
    const { lists, tokens } = this.#parts
    if (asker.early || !tokens.accepts(token, asker.contact, LIST_KEYS[list] as Position, now))
      return [Status.BAD_TOKEN]
    const outcome = lists.add(list, record, asker.peerId, now)
    return [typeof outcome === 'string' ? Status.OK : LIST_STATUS[outcome.refused]]
  }

  #leave({ id, sequence, signature }: Request & { type: 'leave-list' }, now: number): Status {
    const outcome = this.#parts.lists.remove(id, sequence, signature, now)
    // Nobody listed is as good as nobody listed any more.
    if (outcome === 'removed' || outcome.refused === 'unknown') return Status.OK
    return outcome.refused === 'older' ? Status.OLDER : Status.INVALID
  }

  /** Verified ones. Where they are too few, such as have been silent for somewhat longer, as everybody has in a network that has just come up. */
  #contacts(target: Position, { contact: { key: except } }: Asker, most: number): Value {
    if (most <= 0) return []
    const { table } = this.#parts
    // One more, as the asker may be among them.
    const among = table.hasVerified(most + 1) ? 'verified' : 'likely'
    return encodeContacts(table.closest(target, most, { except, among }), most)
  }
}

function roomFor(record: Uint8Array | undefined): number {
  return Math.min(HINTS, Math.floor((ROOM - (record?.length ?? 0)) / HINT_BYTES))
}

function statusOfStore(outcome: StoreOutcome): Status {
  return typeof outcome === 'string' ? Status.OK : STORE_STATUS[outcome.refused]
}

function newerOf(outcome: StoreOutcome): Value {
  return typeof outcome === 'object' && 'newer' in outcome && outcome.newer !== undefined ? outcome.newer.bytes : null
}

const STORE_STATUS: Readonly<Record<StoreRefusal, Status>> = {
  oversized: Status.INVALID,
  expired: Status.INVALID,
  older: Status.OLDER,
  conflict: Status.CONFLICT,
  quota: Status.NO_ROOM,
  full: Status.NO_ROOM,
  invalid: Status.INVALID,
  'bad-signature': Status.INVALID,
}

const LIST_STATUS: Readonly<Record<ListRefusal, Status>> = {
  'wrong-list': Status.INVALID,
  oversized: Status.INVALID,
  expired: Status.INVALID,
  full: Status.NO_ROOM,
  'bad-record': Status.INVALID,
  left: Status.OLDER,
  older: Status.OLDER,
}
