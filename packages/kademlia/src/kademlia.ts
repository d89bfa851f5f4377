/**
 * The directory that nobody runs: every peer holds a part of it, and finds the rest. This is the part that owns timers and requests; the rules are
 * in the table, the lookup, the stores and the responder.
 */
import { type PeerId, readPeerRecord, type SignedPeerRecord } from '@pc/identity'
import { type Clock, silentLogger, systemClock, systemRandom } from '@pc/transport'
import type { Value } from '@pc/wire'
import { Calls, closed } from './calls.js'
import { type Contact, contactOf, keyOf, type ReadContacts } from './contact.js'
import { readLists } from './directory.js'
import { KademliaError } from './errors.js'
import { HandOver } from './hand-over.js'
import { KnownRecords } from './known-records.js'
import { LIST_COUNT, LIST_KEYS, listOf } from './list-keys.js'
import { signLeave, verifyLeave } from './list-leave.js'
import { Lookup, type LookupProgress } from './lookup.js'
import type { LookupOptions } from './lookup-options.js'
import { Maintenance } from './maintenance.js'
import {
  readFindNodeReply,
  readFindPeerReply,
  readGetReply,
  readListReply,
  readRequest,
  readStatus,
  readStoreReply,
  Status,
} from './messages.js'
import type { KademliaOptions } from './options.js'
import { OwnRecords } from './own-records.js'
import { PeerLists } from './peer-list.js'
import { commonPrefix, compareDistance, type Position, positionOf } from './position.js'
import { runLookup } from './query.js'
import { RecordStore } from './record-store.js'
import { Responder } from './responder.js'
import { type BucketView, RoutingTable } from './routing-table.js'
import { Tokens } from './tokens.js'
import { compareRecords, type DhtRecord, readRecord, type SignedRecord, verifyRecord } from './value-record.js'

export interface FindOptions {
  /** Rejects with its reason; requests under way are left to end. */
  readonly signal?: AbortSignal
  /** Disjoint paths of this one lookup. @default `lookups.paths` */
  readonly paths?: number
  /** Told after each answer and each failure. */
  readonly onProgress?: (progress: LookupProgress) => void
  /** Told what came of each request, for people who want to see a lookup at work. */
  readonly onStep?: (step: LookupTrace) => void
}

/** What came of one request of a lookup. */
export interface LookupTrace {
  readonly contact: Contact
  /** Leading bits that its position shares with the target: the more, the nearer. */
  readonly sharedBits: number
  /** When it was asked, ms after the lookup began. */
  readonly askedAtMs: number
  /** How long it took to answer, or to be given up. */
  readonly tookMs: number
  /** How many others it named; undefined when it did not answer. */
  readonly named: number | undefined
}

export interface LookupReport extends LookupProgress {
  /** The nearest that answered, the nearest first; at most `lookups.count`. */
  readonly contacts: readonly Contact[]
}

export interface PutOptions extends FindOptions {
  /** Compare and set: not in place of a record of another sequence. Holders of older ones, or none, count as having missed it. */
  readonly expectedSequence?: number
  /** Published again every hour until `forget` or `close`. @default true */
  readonly keep?: boolean
}

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

export interface PutReport {
  /** Peers that have it now, this one included if it is among the nearest. */
  readonly holders: number
}

export interface KademliaStatus {
  readonly contacts: number
  readonly records: number
  readonly recordBytes: number
  /** Peers on the lists that are held here. */
  readonly listed: number
  readonly published: number
  readonly lookups: number
  readonly requestsSent: number
}

/** Lookups at a time; the next one is refused. */
const MAX_LOOKUPS = 256

export class Kademlia implements AsyncDisposable {
  readonly position: Position
  readonly #options: KademliaOptions
  readonly #clock: Clock
  readonly #settings: LookupOptions & { readonly count: number }
  readonly #table: RoutingTable
  readonly #records: RecordStore
  readonly #lists: PeerLists
  readonly #own: OwnRecords
  readonly #known = new KnownRecords()
  readonly #calls: Calls
  readonly #responder: Responder
  readonly #handOver: HandOver
  readonly #maintenance: Maintenance
  readonly #self: Contact
  #lookups = 0
  #closed = false

  /** Asks nobody yet: give it contacts with `join` and `prove`, and requests of others with `handle`. @throws KademliaError BAD_OPTION */
  static create(options: KademliaOptions): Kademlia {
    return new Kademlia(options)
  }

  private constructor(options: KademliaOptions) {
    const { identity, rpc, clock = systemClock, random = systemRandom, logger = silentLogger, lookups = {} } = options
    this.#options = options
    this.#clock = clock
    this.#settings = { ...lookups, count: lookups.count ?? DEFAULT_COUNT, self: keyOf(identity.id.bytes) }
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
    this.#lists = new PeerLists({ readRecord: readOrNothing, verifyLeave })
    this.#own = new OwnRecords({ random })
    const tokens = Tokens.create(random, now)
    this.#calls = new Calls({ rpc, table: this.#table, clock, onArrival: (contact) => this.#handOver.arrived(contact) })
    this.#handOver = new HandOver({
      position: this.position,
      holders: this.#settings.count,
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
      publish: (record, ageMs) => this.#publish(record, ageMs, {}),
      contactOf: (id) => this.#contactOf(id),
    })
  }

  /**
   * Answers a request of another peer, whom the transport has proved to be at that address.
   * @throws KademliaError BAD_MESSAGE for what is no request, CLOSED
   */
  handle(request: Value, from: RequestOrigin): Value {
    if (this.#closed) throw closed()
    const asker = { ...contactOf(from.id.bytes, from.address), peerId: from.id }
    const read = readRequest(request)
    if (from.early !== true) this.#calls.prove(asker)
    else if (read.type === 'store' || read.type === 'add-to-list') return [Status.BAD_TOKEN, null]
    return this.#responder.answer(read, asker, this.#clock.now())
  }

  /** Somebody was proved to be at an address, in whatever way. */
  prove(contact: Contact): void {
    if (contact.key !== this.#self.key) this.#calls.prove(contact)
  }

  /** A peer is gone, by its own signed word. */
  remove(id: Uint8Array): void {
    const { key } = contactOf(id, this.#self.address)
    this.#table.remove(key, this.#clock.now())
    this.#known.forget(id)
  }

  /** Asks hints whether they are there: whoever answers becomes a contact. Resolves with how many did; never rejects. */
  async meet(hints: Iterable<Contact>): Promise<number> {
    const others = [...hints].filter(({ key }) => key !== this.#self.key)
    const answers = await Promise.all(others.map((hint) => this.#calls.ping(hint)))
    return answers.filter(Boolean).length
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
    await this.meet(asked)
    options.signal?.throwIfAborted()
    if (this.#table.size === 0) {
      throw new KademliaError('NO_CONTACTS', `none of ${asked.length} contacts answered: others have to be found first`)
    }
    await this.lookup(this.position, options)
    await this.#maintenance.fill(options.signal)
    await this.announce(options)
    await this.#handOver.takeLists(options.signal)
    return { contacts: this.#table.size }
  }

  /** The peers nearest to a position. Rejects with KademliaError BUSY, CLOSED, or the signal's reason. */
  async lookup(target: Position, options: FindOptions = {}): Promise<LookupReport> {
    return this.#run(target, options, (contact, _lookup, known) =>
      this.#calls.ask(contact, { type: 'find-node', target }, (answer) => readFindNodeReply(answer, known)),
    )
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
    const search = this.#search(key, options, (record) => {
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
    const report = await this.#publish(record, 0, options)
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
    await this.#run(positionOf(id.bytes), options, async (contact, lookup, known) => {
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
      holdersOf: async (list) => (await this.lookup(LIST_KEYS[list] as Position, options)).contacts,
      page: (holder, list, cursor) => {
        signal?.throwIfAborted()
        return this.#calls.ask(holder, { type: 'get-list', list, cursor }, readListReply)
      },
      own: (list) => this.#lists.recordsOf(list, this.#clock.now()),
      isNearer: (list, { position }) => compareDistance(LIST_KEYS[list] as Position, this.position, position) < 0,
      read: readOrNothing,
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
    const { tokens, contacts, holds } = await this.#holders(key, options)
    const taken = contacts.map(async (contact) => {
      const token = tokens.get(contact.key)
      if (token === undefined) return false
      return (await this.#calls.ask(contact, { type: 'add-to-list', list, record, token }, readStatus)) === Status.OK
    })
    if (holds) this.#lists.add(list, record, this.#options.identity.id, this.#clock.now())
    return (await Promise.allSettled(taken)).filter((each) => each.status === 'fulfilled' && each.value).length
  }

  /** Takes this peer off its list, by its signature. Resolves when the holders have heard it, or do not answer. */
  async leave(options: FindOptions = {}): Promise<void> {
    const { identity, record } = this.#options
    const { sequence } = record()
    const signature = signLeave(identity, sequence)
    const { contacts } = await this.lookup(LIST_KEYS[listOf(this.position)] as Position, options)
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
      records: this.#records.size,
      recordBytes: this.#records.bytes,
      listed: this.#lists.size,
      published: this.#own.size,
      lookups: this.#lookups,
      requestsSent: this.#calls.sent,
    }
  }

  /** Answers and asks no more; lookups under way reject with CLOSED. Tells nobody: see `leave`. Idempotent. */
  close(): Promise<void> {
    this.#closed = true
    this.#maintenance.close()
    this.#calls.close()
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

  /** Where a peer is, as far as this one knows. */
  #contactOf(id: Uint8Array): Contact | undefined {
    const bytes = this.#recordOf(id)
    const [address] = (bytes === undefined ? undefined : readOrNothing(bytes))?.addresses ?? []
    return address === undefined ? undefined : contactOf(id, address)
  }

  /** One lookup, whatever is asked. `ask` may stop it. */
  async #run(
    target: Position,
    { signal, paths = this.#settings.paths, onProgress, onStep }: FindOptions,
    ask: (contact: Contact, lookup: Lookup, known: ReadContacts) => Promise<readonly Contact[]>,
  ): Promise<LookupReport> {
    this.#requireOpen()
    if (this.#lookups >= MAX_LOOKUPS) {
      throw new KademliaError('BUSY', `${MAX_LOOKUPS} lookups are under way: wait for some of them`)
    }
    const { count } = this.#settings
    const lookup = Lookup.create({
      target,
      seeds: this.#table.closest(target, SEEDS_PER_K * count, { questionable: true }),
      options: { ...this.#settings, paths, slowAfterMs: (contact) => this.#calls.timeoutOf(contact) },
    })
    this.#table.noteLookup(target, this.#clock.now())
    this.#lookups += 1
    const known: ReadContacts = new Map()
    const asking = (contact: Contact): Promise<readonly Contact[]> => ask(contact, lookup, known)
    try {
      await runLookup(lookup, {
        clock: this.#clock,
        signal,
        ask: onStep === undefined ? asking : traced(asking, target, this.#clock, onStep),
        ...(onProgress && { onStep: () => onProgress(lookup.progress) }),
      })
    } finally {
      this.#lookups -= 1
    }
    this.#requireOpen()
    return { ...lookup.progress, contacts: lookup.result() }
  }

  /** Looks for a record; `onRecord` hears the first, and then each that counts for more. */
  #search(
    key: Position,
    options: FindOptions,
    onRecord: (record: DhtRecord) => void,
  ): { done: Promise<Map<string, Uint8Array>>; contacts: () => readonly Contact[]; stop: () => void } {
    const tokens = new Map<string, Uint8Array>()
    let best: DhtRecord | undefined
    let contacts: readonly Contact[] = []
    let stop = (): void => {}
    const take = (record: DhtRecord): void => {
      if (best !== undefined && compareRecords(record, best) <= 0) return
      best = record
      onRecord(record)
    }
    const held = this.#own.get(key) ?? this.#records.get(key, this.#clock.now())
    if (held !== undefined) take(held)
    if (held?.type === 'plain') return { done: Promise.resolve(tokens), contacts: () => contacts, stop }
    const done = this.#run(key, options, async (contact, lookup, read) => {
      stop = () => lookup.stop()
      const known = best?.type === 'signed' ? best.sequence : undefined
      const reply = await this.#calls.ask(contact, { type: 'get', key, known }, (answer) => readGetReply(answer, read))
      tokens.set(contact.key, reply.token)
      if (reply.record !== undefined) {
        take(this.#proved(reply.record, key, best))
        if (best?.type === 'plain') lookup.stop()
      }
      return reply.contacts
    }).then((report) => {
      contacts = report.contacts
      return tokens
    })
    return { done, contacts: () => contacts, stop: () => stop() }
  }

  /** What an answer says is stored under a key. The signature is looked at only if it would count. @throws KademliaError BAD_MESSAGE, BAD_RECORD */
  #proved(bytes: Uint8Array, key: Position, best: DhtRecord | undefined): DhtRecord {
    const record = readRecord(bytes)
    if (compareDistance(key, record.key, key) !== 0) {
      throw new KademliaError('BAD_MESSAGE', 'the record of an answer belongs under another key')
    }
    if (best !== undefined && compareRecords(record, best) <= 0) return best
    if (!verifyRecord(record))
      throw new KademliaError('BAD_RECORD', 'the record of an answer is not signed by its author')
    return record
  }

  /** The k nearest to a key: the others of them, with what lets this peer store there, and whether it is one of them. */
  async #holders(
    key: Position,
    options: FindOptions,
  ): Promise<{ tokens: ReadonlyMap<string, Uint8Array>; contacts: readonly Contact[]; holds: boolean }> {
    const tokens = new Map<string, Uint8Array>()
    const { contacts } = await this.#run(key, options, async (contact, _lookup, read) => {
      const request = { type: 'get', key, known: Number.MAX_SAFE_INTEGER } as const
      const reply = await this.#calls.ask(contact, request, (answer) => readGetReply(answer, read))
      tokens.set(contact.key, reply.token)
      return reply.contacts
    })
    const last = contacts[this.#settings.count - 1]
    const holds = last === undefined || compareDistance(key, this.position, last.position) < 0
    return { tokens, contacts: holds && last !== undefined ? contacts.slice(0, -1) : contacts, holds }
  }

  async #publish(record: DhtRecord, ageMs: number, options: PutOptions): Promise<PutReport> {
    const { key } = record
    const { expectedSequence: expected } = options
    const { tokens, contacts, holds } = await this.#holders(key, options)
    let newer: DhtRecord | undefined
    const stored = contacts.map(async (contact) => {
      const token = tokens.get(contact.key)
      if (token === undefined) return false
      const request = { type: 'store', record: record.bytes, token, ageMs, expected } as const
      let { status, newer: there } = await this.#calls.ask(contact, request, readStoreReply)
      let held = there === undefined ? undefined : recordThere(there, key)
      if (status === Status.CONFLICT && held !== undefined && isBehind(held, expected)) {
        // It has missed the one that is to be replaced: what it holds instead says nothing against this one.
        const again = { ...request, expected: held.sequence }
        ;({ status, newer: there } = await this.#calls.ask(contact, again, readStoreReply))
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
    const outcome = this.#records.store(record, {
      from: this.#self.key,
      now: this.#clock.now(),
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

  #requireOpen(): void {
    if (this.#closed) throw closed()
  }
}

const KEPT_CONTACTS = 64
const DEFAULT_COUNT = 20
/** Contacts to begin with, of each that is to be found: enough for several paths, and for some that are gone. */
const SEEDS_PER_K = 3

function readOrNothing(bytes: Uint8Array, of?: PeerId): SignedPeerRecord | undefined {
  try {
    return readPeerRecord(bytes, of)
  } catch {
    return undefined
  }
}

/** Asks, and tells what came of it. */
function traced(
  ask: (contact: Contact) => Promise<readonly Contact[]>,
  target: Position,
  clock: Clock,
  onStep: (step: LookupTrace) => void,
): (contact: Contact) => Promise<readonly Contact[]> {
  const began = clock.now()
  return async (contact) => {
    const asked = clock.now()
    let named: number | undefined
    try {
      const hints = await ask(contact)
      named = hints.length
      return hints
    } finally {
      const sharedBits = commonPrefix(target, contact.position)
      onStep({ contact, sharedBits, askedAtMs: asked - began, tookMs: clock.now() - asked, named })
    }
  }
}

function notFound(what: string): KademliaError {
  return new KademliaError('NOT_FOUND', `no ${what} was found, as far as peers could be asked`)
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
