/**
 * The directory that nobody runs: every peer holds a part of it, and finds the rest. This is the part that owns timers and requests; the rules are
 * in the table, the lookup, the stores and the responder.
 */
import { type PeerId, readPeerRecord, type SignedPeerRecord } from '@pc/identity'
import { type Clock, type Random, silentLogger, systemClock, systemRandom } from '@pc/transport'
import type { Value } from '@pc/wire'
import { Calls, closed } from './calls.js'
import { type Contact, contactOf } from './contact.js'
import { readLists } from './directory.js'
import { KademliaError } from './errors.js'
import { HandOver } from './hand-over.js'
import { KnownRecords } from './known-records.js'
import { LIST_COUNT, LIST_HOLDERS, LIST_KEYS, listOf } from './list-keys.js'
import { signLeave, verifyLeave } from './list-leave.js'
import { type FindOptions, type LookupReport, Lookups } from './lookups.js'
import { Maintenance } from './maintenance.js'
import { readFindPeerReply, readListReply, readRequest, readStatus, Status } from './messages.js'
import type { KademliaOptions } from './options.js'
import { OwnRecords } from './own-records.js'
import { PeerLists } from './peer-list.js'
import { compareDistance, type Position, positionOf } from './position.js'
import { Publisher, type PutOptions, type PutReport } from './publisher.js'
import { searchRecord } from './record-search.js'
import { RecordStore } from './record-store.js'
import { Responder } from './responder.js'
import { type BucketView, RoutingTable } from './routing-table.js'
import { fillTable } from './table-fill.js'
import { Tokens } from './tokens.js'
import { type DhtRecord, verifyRecord } from './value-record.js'

/** Who asks. */
export interface RequestOrigin {
  readonly id: PeerId
  readonly address: Contact['address']
  /**
   * The request came before that peer was proved to be at that address: somebody may have copied it and sent it from there. It is
   * answered, but nobody gets into the table by it, and nothing is stored; when the peer is proved after all, say so with `prove`. @default false
   */
  readonly early?: boolean
}

export interface KademliaStatus {
  readonly contacts: number
  /** A contact that was silent for so long is doubted, ms: as experience has it, see `RoutingTableLimits`. */
  readonly doubtedAfterMs: number
  readonly records: number
  readonly recordBytes: number
  /** Peers on the lists that are held here. */
  readonly listed: number
  readonly published: number
  readonly lookups: number
  readonly requestsSent: number
}

export class Kademlia implements AsyncDisposable {
  readonly position: Position
  readonly #options: KademliaOptions
  readonly #clock: Clock
  readonly #read: (bytes: Uint8Array, of?: PeerId) => SignedPeerRecord | undefined
  readonly #table: RoutingTable
  readonly #records: RecordStore
  readonly #lists: PeerLists
  readonly #own: OwnRecords
  readonly #known = new KnownRecords()
  readonly #calls: Calls
  readonly #lookups: Lookups
  readonly #publisher: Publisher
  readonly #responder: Responder
  readonly #handOver: HandOver
  readonly #maintenance: Maintenance
  readonly #self: Contact
  readonly #random: Random
  readonly #listHolders: number
  #closed = false

  /** Asks nobody yet: give it contacts with `join` and `prove`, and requests of others with `handle`. @throws KademliaError BAD_OPTION */
  static create(options: KademliaOptions): Kademlia {
    return new Kademlia(options)
  }

  private constructor(options: KademliaOptions) {
    const { identity, rpc, clock = systemClock, random = systemRandom, logger = silentLogger, lookups = {} } = options
    this.#options = options
    this.#read = options.readRecord ?? readOrNothing
    this.#clock = clock
    this.#random = random
    this.#self = contactOf(identity.id.bytes, { host: '0.0.0.0', port: 0 })
    this.position = this.#self.position
    const now = clock.now()
    this.#table = RoutingTable.create({ own: this.position, now, ...(options.table && { limits: options.table }) })
    this.#records = new RecordStore({
      position: this.position,
      verify: verifyRecord,
      random,
      ...(options.validators && { validators: options.validators }),
    })
    this.#lists = new PeerLists({ readRecord: this.#read, verifyLeave })
    this.#own = new OwnRecords({ random })
    const tokens = Tokens.create(random, now)
    this.#calls = new Calls({ rpc, table: this.#table, clock, onArrival: (contact) => this.#handOver.arrived(contact) })
    this.#lookups = new Lookups({
      settings: { ...lookups, count: lookups.count ?? DEFAULT_COUNT, self: this.#self.key },
      table: this.#table,
      calls: this.#calls,
      clock,
    })
    this.#listHolders = Math.min(LIST_HOLDERS, this.#lookups.count)
    this.#publisher = new Publisher({
      position: this.position,
      selfKey: this.#self.key,
      clock,
      lookups: this.#lookups,
      calls: this.#calls,
      records: this.#records,
    })
    this.#handOver = new HandOver({
      position: this.position,
      holders: this.#lookups.count,
      listHolders: this.#listHolders,
      clock,
      logger,
      table: this.#table,
      records: this.#records,
      lists: this.#lists,
      calls: this.#calls,
    })
    this.#responder = new Responder({
      table: this.#table,
      records: this.#records,
      lists: this.#lists,
      tokens,
      recordOf: (id) => this.#recordOf(id),
    })
    this.#maintenance = new Maintenance({
      position: this.position,
      clock,
      random,
      logger,
      table: this.#table,
      records: this.#records,
      lists: this.#lists,
      own: this.#own,
      calls: this.#calls,
      handOver: this.#handOver,
      lookup: (target) => this.lookup(target),
      announce: () => this.announce(),
      publish: (record, ageMs) => this.#publisher.publish(record, ageMs, {}),
      contactOf: (id) => this.#contactOf(id),
    })
  }

  /**
   * Answers a request of another peer, whom the transport has proved to be at that address.
   * @throws KademliaError BAD_MESSAGE for what is no request, CLOSED
   */
  handle(request: Value, from: RequestOrigin): Value {
    if (this.#closed) throw closed()
    const { id, address, early = false } = from
    const asker = this.#table.at(id.bytes, address) ?? contactOf(id.bytes, address)
    const read = readRequest(request)
    if (!early) this.#calls.prove(asker)
    return this.#responder.answer(read, { contact: asker, peerId: id, early }, this.#clock.now())
  }

  /** Somebody was proved to be at an address, in whatever way. */
  prove(contact: Contact): void {
    if (contact.key !== this.#self.key) this.#calls.prove(contact)
  }

  /** A peer is gone, by its own signed word. */
  remove(id: Uint8Array): void {
    this.#table.remove(contactOf(id, this.#self.address), this.#clock.now())
    this.#known.forget(id)
  }

  /** Asks hints whether they are there: whoever answers becomes a contact. Resolves with how many did; never rejects. */
  async meet(hints: Iterable<Contact>): Promise<number> {
    return this.#calls.meet([...hints].filter(({ key }) => key !== this.#self.key))
  }

  /**
   * Takes part: asks these contacts, learns from them who is near, fills the table, puts this peer on its list, and takes over the lists
   * that it holds from now on. Resolves when that is done, with how many contacts there are. May be called again, whenever there are new hints. Maintenance begins with the first call.
   *
   * Rejects with KademliaError NO_CONTACTS when none of them answers and nobody else is known, CLOSED, or the signal's reason.
   */
  async join(hints: Iterable<Contact>, options: FindOptions = {}): Promise<{ contacts: number }> {
    this.#requireOpen()
    this.#maintenance.start()
    const asked = [...hints]
    // The lookup asks them all when they are few.
    const few = asked.length <= FEW_HINTS
    if (!few) await this.meet(asked)
    options.signal?.throwIfAborted()
    await this.#lookups.findNodes(this.position, { ...options, hints: few ? asked : [] })
    if (this.#table.size === 0) {
      throw new KademliaError('NO_CONTACTS', `none of ${asked.length} contacts answered: others have to be found first`)
    }
    // Before the table is filled: whoever is met on the way need not be looked for.
    await this.announce(options)
    await fillTable(
      { position: this.position, random: this.#random, table: this.#table, calls: this.#calls },
      options.signal,
    )
    await this.#handOver.takeLists(options.signal)
    this.#requireOpen()
    return { contacts: this.#table.size }
  }

  /** The peers nearest to a position. Rejects with KademliaError BUSY, CLOSED, or the signal's reason. */
  async lookup(target: Position, options: FindOptions = {}): Promise<LookupReport> {
    return this.#lookups.findNodes(target, options)
  }

  /**
   * Looks for a record. Gives out the first that is found, and after it each that counts for more, until all the nearest peers have answered; a plain
   * one is found once. Leave it as soon as what came will do.
   *
   * Throws KademliaError NOT_FOUND at its end when there was none, BUSY, CLOSED, or the signal's reason.
   */
  async *find(key: Position, options: FindOptions = {}): AsyncGenerator<DhtRecord, void, undefined> {
    const found: DhtRecord[] = []
    let wake = (): void => {}
    const parts = { lookups: this.#lookups, calls: this.#calls }
    const held = this.#own.get(key) ?? this.#records.get(key, this.#clock.now())
    const search = searchRecord(parts, key, held, options, (record) => {
      found.push(record)
      wake()
    })
    const over = search.done.then(
      () => undefined,
      (error: unknown) => ({ error }),
    )
    let any = false
    try {
      for (;;) {
        for (let record = found.shift(); record !== undefined; record = found.shift()) {
          any = true
          yield record
        }
        const more = new Promise<'more'>((resolve) => {
          wake = () => resolve('more')
        })
        const next = found.length > 0 ? 'more' : await Promise.race([more, over])
        if (next === 'more') continue
        if (next !== undefined) throw next.error
        if (found.length === 0) break
      }
    } finally {
      search.stop()
    }
    if (!any) throw notFound('record')
  }

  /**
   * The record of a key: a plain one as soon as it is found, of a signed one the one that counts for most among what the nearest peers have.
   *
   * Rejects with KademliaError NOT_FOUND, BUSY, CLOSED, or the signal's reason.
   */
  async get(key: Position, options: FindOptions = {}): Promise<DhtRecord> {
    let best: DhtRecord | undefined
    for await (const record of this.find(key, options)) best = record
    return best ?? Promise.reject(notFound('record'))
  }

  /**
   * Stores a record at the peers nearest to its key. Resolves when all of them have answered or failed.
   *
   * Rejects with KademliaError CONFLICT when a newer one is there, or another than the expected one; NOT_STORED when nobody took it; BAD_RECORD
   * when it is not its author's or cannot be published beside 1,024 others; BUSY, CLOSED, or the signal's reason.
   */
  async put(record: DhtRecord, options: PutOptions = {}): Promise<PutReport> {
    if (!verifyRecord(record)) throw new KademliaError('BAD_RECORD', 'the record is not signed by its author')
    const report = await this.#publisher.publish(record, 0, options)
    if (options.keep !== false && !this.#own.keep(record, this.#clock.now())) {
      throw new KademliaError('BAD_RECORD', 'this peer publishes as many records as it may: forget one first')
    }
    return report
  }

  /** Publishes a record no more; what its holders have of it ends within 2 hours. False when this peer did not publish it. */
  forget(key: Position): boolean {
    return this.#own.forget(key)
  }

  /**
   * The signed record of a peer: what is at hand, or the first that is found.
   *
   * Rejects with KademliaError NOT_FOUND, BUSY, CLOSED, or the signal's reason.
   */
  async findPeer(id: PeerId, options: FindOptions = {}): Promise<SignedPeerRecord> {
    const known = this.#known.get(id.bytes)
    if (known !== undefined) return known
    let found: SignedPeerRecord | undefined
    await this.#lookups.run(positionOf(id.bytes), options, async (contact, lookup, known) => {
      const request = { type: 'find-peer', id: id.bytes } as const
      const reply = await this.#calls.ask(contact, request, (answer) => readFindPeerReply(answer, known))
      if (reply.record !== undefined && found === undefined) {
        found = readPeerRecord(reply.record, id)
        this.#known.note(found)
        lookup.stop()
      }
      return reply.contacts
    })
    return found ?? Promise.reject(notFound('peer'))
  }

  /**
   * Everybody in the network, as the lists have it: page by page, each peer once, in no particular order; this peer is among them.
   *
   * Throws KademliaError CLOSED, BUSY, or the signal's reason.
   */
  async *directory(options: FindOptions = {}): AsyncGenerator<readonly SignedPeerRecord[], void, undefined> {
    this.#requireOpen()
    const lists = Array.from({ length: LIST_COUNT }, (_, list) => list)
    const { signal } = options
    const pages = readLists(lists, {
      holdersOf: (list) => this.#holdersOf(list, options),
      page: (holder, list, cursor) => {
        signal?.throwIfAborted()
        return this.#calls.ask(holder, { type: 'get-list', list, cursor }, readListReply)
      },
      own: (list) => this.#lists.recordsOf(list, this.#clock.now()),
      isNearer: (list, { position }) => compareDistance(LIST_KEYS[list] as Position, this.position, position) < 0,
      read: this.#read,
    })
    for await (const { peers } of pages) {
      signal?.throwIfAborted()
      for (const peer of peers) this.#known.note(peer)
      if (peers.length > 0) yield peers
    }
  }

  /**
   * Puts this peer on its list, at the peers nearest to that. Happens by itself every 4 minutes; call it when the own record has changed. Resolves
   * with how many took it.
   */
  async announce(options: FindOptions = {}): Promise<number> {
    const list = listOf(this.position)
    const record = this.#options.record().bytes
    const key = LIST_KEYS[list] as Position
    const { tokens, contacts, holds } = await this.#publisher.holders(key, { ...options, count: this.#listHolders })
    const taken = contacts.map(async (contact) => {
      const token = tokens.get(contact.key)
      if (token === undefined) return false
      return (await this.#calls.ask(contact, { type: 'add-to-list', list, record, token }, readStatus)) === Status.OK
    })
    if (holds) this.#lists.add(list, record, this.#options.identity.id, this.#clock.now())
    return (await Promise.allSettled(taken)).filter((each) => each.status === 'fulfilled' && each.value).length
  }

  /** Takes this peer off its list for good, by its signature. Resolves when the holders have heard it, or do not answer. */
  async leave(options: FindOptions = {}): Promise<void> {
    this.#maintenance.leave()
    const { identity, record } = this.#options
    const { sequence } = record()
    const signature = signLeave(identity, sequence)
    const contacts = await this.#holdersOf(listOf(this.position), options)
    const request = { type: 'leave-list', id: identity.id.bytes, sequence, signature } as const
    await Promise.allSettled(contacts.map((contact) => this.#calls.ask(contact, request, readStatus)))
  }

  /** Contacts worth keeping over a restart, for `join`: at most 64. */
  contacts(): readonly Contact[] {
    return this.#table.best(KEPT_CONTACTS)
  }

  /** The routing table, for people. */
  buckets(): readonly BucketView[] {
    return this.#table.buckets()
  }

  status(): KademliaStatus {
    return {
      contacts: this.#table.size,
      doubtedAfterMs: this.#table.silenceMs,
      records: this.#records.size,
      recordBytes: this.#records.bytes,
      listed: this.#lists.size,
      published: this.#own.size,
      lookups: this.#lookups.running,
      requestsSent: this.#calls.sent,
    }
  }

  /** Answers and asks no more; lookups under way reject with CLOSED. Tells nobody: see `leave`. Idempotent. */
  close(): Promise<void> {
    this.#closed = true
    this.#maintenance.close()
    this.#calls.close()
    this.#lookups.close()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #recordOf(id: Uint8Array): Uint8Array | undefined {
    const { identity, record, recordOf } = this.#options
    if (Buffer.compare(id, identity.id.bytes) === 0) return record().bytes
    return recordOf?.(id) ?? this.#known.get(id)?.bytes ?? this.#lists.recordOf(id)
  }

  async #holdersOf(list: number, options: FindOptions): Promise<readonly Contact[]> {
    const { contacts } = await this.#lookups.findNodes(LIST_KEYS[list] as Position, {
      ...options,
      count: this.#listHolders,
    })
    return contacts
  }

  /** Where a peer is, as far as this one knows. */
  #contactOf(id: Uint8Array): Contact | undefined {
    const bytes = this.#recordOf(id)
    const [address] = (bytes === undefined ? undefined : this.#read(bytes))?.addresses ?? []
    return address === undefined ? undefined : contactOf(id, address)
  }

  #requireOpen(): void {
    if (this.#closed) throw closed()
  }
}

const KEPT_CONTACTS = 64
/** Hints that a lookup asks at once. */
const FEW_HINTS = 3
const DEFAULT_COUNT = 20

function readOrNothing(bytes: Uint8Array, of?: PeerId): SignedPeerRecord | undefined {
  try {
    return readPeerRecord(bytes, of)
  } catch {
    return undefined
  }
}

function notFound(what: string): KademliaError {
  return new KademliaError('NOT_FOUND', `no ${what} was found, as far as peers could be asked`)
}
