/**
 * The records that this peer holds for others, by key: what is taken, what is kept when there is no room, when it ends, and when it is
 * given to others. Pure. Nothing of it is kept over a restart: it expires, or other holders give it back.
 *
 * After Maymounkov and Mazières 2002, §2.5: holders pass a record on every hour, unless somebody stored it within the hour. Here each
 * waits 60 to 72 minutes after the last store; the author publishes again after 54 to 60, and so while it lives nobody else has to.
 *
 * Where we differ: a record ends 2 hours after its author published it last, not after anybody stored it last. Whoever passes it on says
 * how old it is, because otherwise holders would keep each other's records alive for ever. Whoever lies keeps a record alive that anybody
 * may fetch and publish again; nothing more.
 */
import type { Random } from '@pc/transport'
import { keyOf } from './contact.js'
import { Expiry, type Slot } from './expiry.js'
import { NearestFirst } from './nearest-first.js'
import type { Position } from './position.js'
import { RecordQuota } from './record-quota.js'
import { compareRecords, type DhtRecord, MAX_RECORD, namespaceOf } from './value-record.js'

/** Why a record must not be stored, in a sentence; undefined when it may. It has not been proved to be its author's yet. */
export type Validator = (record: DhtRecord) => string | undefined

export interface RecordStoreOptions {
  /** Where this peer stands: of a full store what is farthest from it goes first. */
  readonly position: Position
  /** Whether a record is its author's: `verifyRecord`, or what knows some authors already. Asked last, because it is what costs. */
  readonly verify: (record: DhtRecord) => boolean
  readonly random: Random
  /** By the first segment of the salt, see `namespaceOf`; what has none is not checked. @default none */
  readonly validators?: ReadonlyMap<string, Validator>
  /** @default 4,096 */
  readonly maxRecords?: number
  /** Encoded bytes of all records. @default 8,388,608 */
  readonly maxBytes?: number
  /** Signed records of one author. @default 16 */
  readonly maxPerAuthor?: number
  /** Plain records that one peer brought: they have no author, and keys near this peer can be searched for. @default 256 */
  readonly maxPerGiver?: number
}

export interface StoreRequest {
  /** Who brings it: the `key` of its contact. */
  readonly from: string
  readonly now: number
  /** Compare and set: only in place of a record of this sequence. A holder that has none takes it too. */
  readonly expectedSequence?: number
  /** How long ago its author published it, as the giver says. @default 0, the author itself */
  readonly ageMs?: number
}

/** In the order in which they are looked for. */
export type StoreRefusal =
  /** More than 1,130 bytes. */
  | 'oversized'
  /** Its author published it 2 hours ago or longer. */
  | 'expired'
  /** A record that counts for more is held: `newer`. */
  | 'older'
  /** It was to replace another record than the one that is held: `newer`. */
  | 'conflict'
  /** Its author, or of a plain one its giver, has as many records here as are allowed. */
  | 'quota'
  /** No room, and everything that is held is at least as near to this peer. */
  | 'full'
  /** Its validator says no: `why`. */
  | 'invalid'
  | 'bad-signature'

export type StoreOutcome =
  | 'stored'
  /** It was there, and lives longer now. */
  | 'renewed'
  | { readonly refused: StoreRefusal; readonly newer?: DhtRecord; readonly why?: string }

/** A record to be passed on. */
export interface Replica {
  readonly record: DhtRecord
  /** Since its author published it. */
  readonly ageMs: number
}

export const RECORD_TTL_MS = 7_200_000
const REPLICATE_MS = 3_600_000
const REPLICATE_JITTER_MS = 720_000

interface Held {
  readonly key: string
  readonly record: DhtRecord
  readonly giver: string
  readonly expiry: Slot<string>
  readonly replication: Slot<string>
}

export class RecordStore {
  readonly #options: RecordStoreOptions
  readonly #maxRecords: number
  readonly #maxBytes: number
  readonly #quota: RecordQuota
  readonly #held = new Map<string, Held>()
  readonly #nearestFirst: NearestFirst<Held>
  readonly #expiry = new Expiry<string>()
  readonly #replication = new Expiry<string>()
  #bytes = 0

  constructor(options: RecordStoreOptions) {
    this.#options = options
    this.#nearestFirst = new NearestFirst(options.position)
    this.#maxRecords = options.maxRecords ?? 4_096
    this.#maxBytes = options.maxBytes ?? 8_388_608
    this.#quota = new RecordQuota(options.maxPerAuthor ?? 16, options.maxPerGiver ?? 256)
  }

  get size(): number {
    return this.#held.size
  }

  /** Encoded bytes of all records. */
  get bytes(): number {
    return this.#bytes
  }

  /** When `expire` or `dueForReplication` will have something to do; infinite when nothing is held. */
  get dueAt(): number {
    return Math.min(this.#expiry.nextAt, this.#replication.nextAt)
  }

  /** The token was accepted. What is refused changes nothing. */
  store(record: DhtRecord, request: StoreRequest): StoreOutcome {
    const { now, from } = request
    this.expire(now)
    const publishedAt = now - Math.max(0, request.ageMs ?? 0)
    if (record.bytes.length > MAX_RECORD) return { refused: 'oversized' }
    if (publishedAt + RECORD_TTL_MS <= now) return { refused: 'expired' }
    const held = this.#held.get(keyOf(record.key))
    // The same bytes were verified when they came first. So a compare-and-set whose answer was lost can be sent again.
    if (held !== undefined && Buffer.compare(held.record.bytes, record.bytes) === 0) {
      this.#renew(held, publishedAt, now)
      return 'renewed'
    }
    const refused = this.#refuse(record, request, held)
    if (refused !== undefined) return refused
    const victims = this.#victims(record, held)
    if (victims === undefined) return { refused: 'full' }
    const why = this.#complaint(record)
    if (why !== undefined) return { refused: 'invalid', why }
    if (!this.#options.verify(record)) return { refused: 'bad-signature' }
    for (const victim of victims) this.#remove(victim)
    if (held !== undefined) this.#remove(held)
    this.#add(record, from, publishedAt, now)
    return 'stored'
  }

  get(key: Position, now: number): DhtRecord | undefined {
    const held = this.#held.get(keyOf(key))
    return held !== undefined && held.expiry.at > now ? held.record : undefined
  }

  /** A record with its age, as it is passed on. */
  replica(key: Position, now: number): Replica | undefined {
    const held = this.#held.get(keyOf(key))
    return held !== undefined && held.expiry.at > now ? replicaOf(held, now) : undefined
  }

  /** Forgets what has ended, and says how many that were. */
  expire(now: number): number {
    let count = 0
    for (let slot = this.#expiry.due(now); slot !== undefined; slot = this.#expiry.due(now)) {
      const held = this.#held.get(slot.item)
      if (held !== undefined) this.#remove(held)
      count++
    }
    return count
  }

  /** Those that nobody stored here for an hour, at most `limit`, to be stored at the peers nearest to them; they count as stored now. */
  dueForReplication(now: number, limit: number): Replica[] {
    this.expire(now)
    const replicas: Replica[] = []
    while (replicas.length < limit) {
      const slot = this.#replication.due(now)
      if (slot === undefined) break
      this.#replication.move(slot, this.#replicateAt(now))
      const held = this.#held.get(slot.item)
      if (held !== undefined) replicas.push(replicaOf(held, now))
    }
    return replicas
  }

  /** Everything, nearest to this peer first: what newcomers are given is chosen from it, see `hand-over.ts`. Nothing may be stored while this is walked. */
  *all(now: number): Generator<Replica, void, undefined> {
    for (const held of this.#nearestFirst) if (held.expiry.at > now) yield replicaOf(held, now)
  }

  #refuse(
    record: DhtRecord,
    { expectedSequence, from }: StoreRequest,
    held: Held | undefined,
  ): StoreOutcome | undefined {
    if (held === undefined) return this.#quota.allows(record, from) ? undefined : { refused: 'quota' }
    const newer = held.record
    if (compareRecords(record, newer) <= 0) return { refused: 'older', newer }
    if (expectedSequence === undefined || newer.type === 'plain' || newer.sequence === expectedSequence)
      return undefined
    return { refused: 'conflict', newer }
  }

  #complaint(record: DhtRecord): string | undefined {
    if (record.type === 'plain' || this.#options.validators === undefined) return undefined
    return this.#options.validators.get(namespaceOf(record.salt))?.(record)
  }

  /** Whom to evict for it; undefined when that makes no room. */
  #victims(record: DhtRecord, replaced: Held | undefined): Held[] | undefined {
    const items = this.#held.size + (replaced === undefined ? 1 : 0) - this.#maxRecords
    const bytes = this.#bytes + record.bytes.length - (replaced?.record.bytes.length ?? 0) - this.#maxBytes
    return this.#nearestFirst.victims(record.key, items, bytes)
  }

  #add(record: DhtRecord, giver: string, publishedAt: number, now: number): void {
    const key = keyOf(record.key)
    const expiry = this.#expiry.add(key, publishedAt + RECORD_TTL_MS)
    const held = { key, record, giver, expiry, replication: this.#replication.add(key, this.#replicateAt(now)) }
    this.#held.set(key, held)
    this.#nearestFirst.add(held)
    this.#quota.count(record, giver, 1)
    this.#bytes += record.bytes.length
  }

  #remove(held: Held): void {
    this.#held.delete(held.key)
    this.#nearestFirst.remove(held)
    this.#expiry.remove(held.expiry)
    this.#replication.remove(held.replication)
    this.#quota.count(held.record, held.giver, -1)
    this.#bytes -= held.record.bytes.length
  }

  #renew({ expiry, replication }: Held, publishedAt: number, now: number): void {
    this.#expiry.move(expiry, Math.max(expiry.at, publishedAt + RECORD_TTL_MS))
    this.#replication.move(replication, this.#replicateAt(now))
  }

  #replicateAt(now: number): number {
    return now + REPLICATE_MS + REPLICATE_JITTER_MS * this.#options.random.float()
  }
}

function replicaOf({ record, expiry }: Held, now: number): Replica {
  return { record, ageMs: now + RECORD_TTL_MS - expiry.at }
}
