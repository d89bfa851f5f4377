/** How something gets to the peers nearest to its key: they are looked for, give their tokens, and are asked to keep it. */
import type { Clock } from '@pc/transport'
import type { Calls } from './calls.js'
import type { Contact } from './contact.js'
import { KademliaError } from './errors.js'
import type { FindOptions, LookupRun, Lookups } from './lookups.js'
import { readGetReply, readStoreReply, Status } from './messages.js'
import { compareDistance, type Position } from './position.js'
import type { RecordStore } from './record-store.js'
import { type DhtRecord, readRecord, type SignedRecord, verifyRecord } from './value-record.js'

export interface PutOptions extends FindOptions {
  /** Compare and set: not in place of a record of another sequence. Holders of older ones, or none, count as having missed it. */
  readonly expectedSequence?: number
  /** Published again every hour until `forget` or `close`. @default true */
  readonly keep?: boolean
}

export interface PutReport {
  /** Peers that have it now, this one included if it is among the nearest. */
  readonly holders: number
}

export interface PublisherParts {
  /** Where this peer stands. */
  readonly position: Position
  /** The key of this peer's own contact. */
  readonly selfKey: string
  readonly clock: Clock
  readonly lookups: Lookups
  readonly calls: Calls
  /** What this peer holds itself. */
  readonly records: RecordStore
}

/** The nearest to a key. */
export interface Holders {
  /** Those of the k nearest that are others. */
  readonly contacts: readonly Contact[]
  /** What lets this peer store there, by the keys of their contacts. */
  readonly tokens: ReadonlyMap<string, Uint8Array>
  /** Whether this peer is one of the k. */
  readonly holds: boolean
}

export class Publisher {
  readonly #parts: PublisherParts

  constructor(parts: PublisherParts) {
    this.#parts = parts
  }

  /** The k nearest to a key: the others of them, with what lets this peer store there, and whether it is one of them. */
  async holders(key: Position, options: LookupRun): Promise<Holders> {
    const tokens = new Map<string, Uint8Array>()
    const { contacts } = await this.#parts.lookups.run(key, options, async (contact, _lookup, read) => {
      const request = { type: 'get', key, known: Number.MAX_SAFE_INTEGER } as const
      const reply = await this.#parts.calls.ask(contact, request, (answer) => readGetReply(answer, read))
      tokens.set(contact.key, reply.token)
      return reply.contacts
    })
    const last = contacts[(options.count ?? this.#parts.lookups.count) - 1]
    const holds = last === undefined || compareDistance(key, this.#parts.position, last.position) < 0
    return { tokens, contacts: holds && last !== undefined ? contacts.slice(0, -1) : contacts, holds }
  }

  /** Stores a record at the nearest to its key, `ageMs` after its author published it. Rejects as `Kademlia.put`. */
  async publish(record: DhtRecord, ageMs: number, options: PutOptions): Promise<PutReport> {
    const { key } = record
    const { expectedSequence: expected } = options
    const { tokens, contacts, holds } = await this.holders(key, options)
    let newer: DhtRecord | undefined
    const stored = contacts.map(async (contact) => {
      const token = tokens.get(contact.key)
      if (token === undefined) return false
      const request = { type: 'store', record: record.bytes, token, ageMs, expected } as const
      let { status, newer: there } = await this.#parts.calls.ask(contact, request, readStoreReply)
      let held = there === undefined ? undefined : recordThere(there, key)
      if (status === Status.CONFLICT && held !== undefined && isBehind(held, expected)) {
        // It has missed the one that is to be replaced: what it holds instead says nothing against this one.
        const again = { ...request, expected: held.sequence }
        ;({ status, newer: there } = await this.#parts.calls.ask(contact, again, readStoreReply))
        held = there === undefined ? undefined : recordThere(there, key)
      }
      if (status === Status.OLDER || status === Status.CONFLICT) newer ??= held
      return status === Status.OK
    })
    let holders = (await Promise.allSettled(stored)).filter((each) => each.status === 'fulfilled' && each.value).length
    if (newer !== undefined) throw conflict(record, newer)
    if (holds && this.#storeHere(record, ageMs, expected)) holders += 1
    if (holders > 0) return { holders }
    throw new KademliaError('NOT_STORED', `none of the ${contacts.length} peers that were asked took the record`)
  }

  #storeHere(record: DhtRecord, ageMs: number, expected: number | undefined): boolean {
    const outcome = this.#parts.records.store(record, {
      from: this.#parts.selfKey,
      now: this.#parts.clock.now(),
      ageMs,
      ...(expected === undefined ? {} : { expectedSequence: expected }),
    })
    if (typeof outcome === 'string') return true
    const held = 'newer' in outcome ? outcome.newer : undefined
    if (held === undefined) return false
    if (outcome.refused === 'conflict' && isBehind(held, expected)) {
      return this.#storeHere(record, ageMs, held.sequence)
    }
    throw conflict(record, held)
  }
}

/** What a holder says it has under a key. Undefined if it is not that: nobody may keep others from storing by a word alone. */
function recordThere(bytes: Uint8Array, key: Position): DhtRecord | undefined {
  try {
    const record = readRecord(bytes)
    return compareDistance(key, record.key, key) === 0 && verifyRecord(record) ? record : undefined
  } catch {
    return undefined
  }
}

/** Whether it is older than the record that was expected. */
function isBehind(held: DhtRecord, expected: number | undefined): held is SignedRecord {
  return held.type === 'signed' && expected !== undefined && held.sequence < expected
}

function conflict(record: DhtRecord, there: DhtRecord): KademliaError {
  const sequence = there.type === 'signed' ? ` with sequence ${there.sequence}` : ''
  const own = record.type === 'signed' ? ` ${record.sequence}` : ''
  return new KademliaError(
    'CONFLICT',
    `there is a record${sequence} in place of the one${own} that was to be stored: read it, and decide anew`,
  )
}
