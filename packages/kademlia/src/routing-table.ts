/**
 * Whom this peer knows: a prefix tree whose leaves are k-buckets (Maymounkov and Mazières 2002, §2.4). Near its own position it knows nearly
 * everybody, and of each half, quarter, eighth … farther away some. Only contacts that were proved get in: an answer or a request that the
 * transport has proved to come from that peer at that address. Pure.
 *
 * Where we differ from the paper: a full bucket does not ask its oldest contact at each newcomer, which would let anybody make this peer send
 * (discv5), but only one that has been silent for a while; the newcomer waits meanwhile, and never displaces whoever answers. Addresses are
 * limited one by one and not by network, because in one subnet they are all of one network.
 */
import { FIRST_TIMEOUT_MS, type Random } from '@pc/transport'
import { Bucket, type ContactState, TableEntry } from './bucket.js'
import type { Contact } from './contact.js'
import { KademliaError } from './errors.js'
import { bitAt, commonPrefix, compareDistance, POSITION_BITS, POSITION_BYTES, type Position } from './position.js'

export interface RoutingTableLimits {
  /** k: contacts in a bucket. More: a table that survives more failures at once, and more to keep alive. @default 20 */
  readonly bucketSize: number
  /** Contacts that wait for a place in a full bucket. @default 20 */
  readonly waiting: number
  /** Contacts of one host in a bucket. @default 2 */
  readonly perAddressInBucket: number
  /** Contacts of one host in the table. @default 8 */
  readonly perAddress: number
  /**
   * Levels off the own path at which a full bucket is split all the same (§4.2): each about doubles the table, and spares lookups half a
   * request round. @default 0
   */
  readonly spread: number
  /** A contact that was silent for so long is doubted, ms. @default 600,000 */
  readonly questionableAfterMs: number
  /** The oldest contact of a full bucket is asked whether it is there when it was silent for so long, ms. @default 60,000 */
  readonly checkAfterMs: number
  /** A bucket in which nothing was looked up for so long is looked into, ms. @default 600,000 */
  readonly refreshAfterMs: number
}

export interface ClosestOptions {
  /** The key of a contact to be left out: whoever asks knows itself. */
  readonly except?: string
  /** Those that are doubted or failed lately too. @default false */
  readonly questionable?: boolean
}

/** What `proved` did. */
export interface ProvedOutcome {
  /** It is new in the table. */
  readonly added: boolean
  /** To be asked whether it is there still: a newcomer waits for its place. */
  readonly check?: Contact
}

export interface BucketView {
  /** The bits that all in it share, as text of 0 and 1. */
  readonly prefix: string
  readonly contacts: readonly {
    readonly contact: Contact
    readonly state: ContactState
    readonly roundTripMs: number | undefined
  }[]
  readonly waiting: number
  readonly lookedUpAt: number
}

const DEFAULT_LIMITS: RoutingTableLimits = {
  bucketSize: 20,
  waiting: 20,
  perAddressInBucket: 2,
  perAddress: 8,
  spread: 0,
  questionableAfterMs: 600_000,
  checkAfterMs: 60_000,
  refreshAfterMs: 600_000,
}
/** Contacts that are asked at a time whether they are there still. */
const MAX_CHECKS = 3
const NOTHING: ProvedOutcome = { added: false }

/** A leaf has a bucket, an inner node two children, by the next bit. */
interface Node {
  bucket: Bucket | undefined
  children: readonly [Node, Node] | undefined
}

export class RoutingTable {
  readonly #own: Position
  readonly #limits: RoutingTableLimits
  readonly #root: Node
  readonly #entries = new Map<string, TableEntry>()
  readonly #perHost = new Map<string, number>()

  /** @throws KademliaError BAD_OPTION */
  static create(options: { own: Position; now: number; limits?: Partial<RoutingTableLimits> }): RoutingTable {
    const limits = { ...DEFAULT_LIMITS, ...options.limits }
    for (const [name, value] of Object.entries(limits)) {
      const least = name === 'spread' || name === 'waiting' ? 0 : 1
      if (!(Number.isFinite(value) && value >= least)) {
        throw new KademliaError('BAD_OPTION', `table.${name} must be a number of at least ${least}, got ${value}`)
      }
    }
    return new RoutingTable(options.own, options.now, limits)
  }

  private constructor(own: Position, now: number, limits: RoutingTableLimits) {
    this.#own = own
    this.#limits = limits
    this.#root = { bucket: new Bucket(own, 0, now), children: undefined }
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Contact | undefined {
    return this.#entries.get(key)?.contact
  }

  /** How long to wait for an answer of a contact before it counts as slow, ms. */
  timeoutOf(contact: Contact): number {
    return this.#entryAt(contact)?.roundTrip.timeoutMs ?? FIRST_TIMEOUT_MS
  }

  /**
   * A contact was proved to be at its address. It gets into the table if there is room, or waits; one that is there counts as heard of. A peer
   * that shows up at another address keeps the one under which it is known while that answers: else peers with two addresses would
   * flap, and a session elsewhere says nothing against the first.
   */
  proved(contact: Contact, now: number): ProvedOutcome {
    const bucket = this.#bucketOf(contact.position)
    const entry = this.#entries.get(contact.key)
    if (entry !== undefined) {
      this.#heard(bucket, entry, contact, now)
      return NOTHING
    }
    if (commonPrefix(contact.position, this.#own) === POSITION_BITS) return NOTHING
    return this.#newcomer(contact, now)
  }

  /** It answered, after so many ms. `proved` is told too. */
  answered(contact: Contact, roundTripMs: number): void {
    this.#entryAt(contact)?.roundTrip.measured(roundTripMs)
  }

  /**
   * It did not answer. One that waits takes the place of whoever does so again and again. Silence at another address than the one that is
   * known counts for nothing: else a stranger's hint at a wrong address would cost a peer its place.
   */
  failed(contact: Contact, now: number): void {
    const entry = this.#entryAt(contact)
    if (entry === undefined) return
    const bucket = this.#bucketOf(entry.contact.position)
    if (!bucket.fail(entry)) return
    this.#remove(bucket, entry)
    this.#promote(bucket, now)
  }

  /** It is gone, by its own word. */
  remove(key: string, now: number): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    const bucket = this.#bucketOf(entry.contact.position)
    this.#remove(bucket, entry)
    this.#promote(bucket, now)
  }

  /** After the machine slept: nobody counts as verified before it is heard of again. */
  doubtAll(): void {
    for (const entry of this.#entries.values()) entry.doubted = true
  }

  /** Doubts whoever was silent for too long. */
  doubtSilent(now: number): void {
    for (const entry of this.#entries.values()) {
      if (now - entry.heardAt >= this.#limits.questionableAfterMs) entry.doubted = true
    }
  }

  /** The contacts nearest to a position, the nearest first. */
  closest(target: Position, count: number, options: ClosestOptions = {}): Contact[] {
    const found: Contact[] = []
    this.#collect(this.#root, 0, target, count, options, found)
    return found
  }

  /** Something was looked up there. */
  noteLookup(target: Position, now: number): void {
    this.#bucketOf(target).lookedUpAt = now
  }

  /** A random position in each bucket in which nothing was looked up for long, at most `limit`; they count as looked up now. */
  dueForRefresh(random: Random, now: number, limit: number): Position[] {
    const targets: Position[] = []
    for (const bucket of this.#leaves()) {
      if (targets.length >= limit) break
      if (now - bucket.lookedUpAt < this.#limits.refreshAfterMs) continue
      bucket.lookedUpAt = now
      targets.push(randomWithin(bucket.prefix, bucket.depth, random))
    }
    return targets
  }

  /**
   * Where to look after the own neighbourhood was found: a random position in each part of the space farther away than the nearest
   * neighbours (§2.3), the farthest first, but for parts of which half a bucket is known by then. Whoever found the k nearest knows
   * everybody who is as near as they are, so there is nothing to look for among them.
   */
  *refreshTargets(random: Random): Generator<Position, void, undefined> {
    const neighbours = this.closest(this.#own, this.#limits.bucketSize, { questionable: true })
    const last = neighbours.at(-1)
    const depth = last === undefined ? 0 : commonPrefix(this.#own, last.position)
    for (let bits = 0; bits < depth; bits++) {
      const target = randomWithin(withBitTurned(this.#own, bits), bits + 1, random)
      if (this.#bucketOf(target).entries.length < this.#limits.bucketSize / 2) yield target
    }
  }

  buckets(): BucketView[] {
    return [...this.#leaves()].map(({ prefix, depth, entries, waiting, lookedUpAt }) => ({
      prefix: Array.from({ length: depth }, (_, index) => bitAt(prefix, index)).join(''),
      contacts: entries.map(({ contact, state, roundTrip }) => ({ contact, state, roundTripMs: roundTrip.smoothed })),
      waiting: waiting.length,
      lookedUpAt,
    }))
  }

  /** Those to be asked first after a restart: known for longest (who was there for long stays for long, §2.2), of every bucket in turn. */
  best(count: number): Contact[] {
    const byBucket = [...this.#leaves()].map(({ entries }) =>
      entries.filter(({ state }) => state === 'verified').sort((a, b) => a.addedAt - b.addedAt),
    )
    const found: Contact[] = []
    for (let rank = 0; rank < this.#limits.bucketSize; rank++) {
      for (const entries of byBucket) {
        const entry = entries[rank]
        if (entry === undefined) continue
        if (found.length >= count) return found
        found.push(entry.contact)
      }
    }
    return found
  }

  #entryAt({ key, address }: Contact): TableEntry | undefined {
    const entry = this.#entries.get(key)
    const known = entry?.contact.address
    return known?.host === address.host && known.port === address.port ? entry : undefined
  }

  #heard(bucket: Bucket, entry: TableEntry, contact: Contact, now: number): void {
    const { address } = entry.contact
    if (address.host !== contact.address.host || address.port !== contact.address.port) {
      if (entry.state === 'verified' || !this.#hasRoomFor(contact, bucket)) return
      this.#count(address.host, -1)
      this.#count(contact.address.host, 1)
      bucket.touch(entry, now)
      entry.contact = contact
      return
    }
    bucket.touch(entry, now)
  }

  #newcomer(contact: Contact, now: number): ProvedOutcome {
    let bucket = this.#bucketOf(contact.position)
    if (!this.#hasRoomFor(contact, bucket)) return NOTHING
    while (bucket.entries.length >= this.#limits.bucketSize && this.#maySplit(bucket)) {
      this.#split(bucket)
      bucket = this.#bucketOf(contact.position)
    }
    if (bucket.entries.length < this.#limits.bucketSize) {
      this.#add(bucket, contact, now)
      return { added: true }
    }
    bucket.wait(contact, this.#limits.waiting)
    return this.#checkOldest(bucket, now)
  }

  /** Whoever failed already goes at once when the next request to it fails; asking it makes that sooner. */
  #checkOldest(bucket: Bucket, now: number): ProvedOutcome {
    if (bucket.checked !== undefined || this.#checks() >= MAX_CHECKS) return NOTHING
    const oldest = bucket.entries.find(({ failures }) => failures > 0) ?? bucket.entries[0]
    if (oldest === undefined || (oldest.failures === 0 && now - oldest.heardAt < this.#limits.checkAfterMs))
      return NOTHING
    bucket.checked = oldest
    return { added: false, check: oldest.contact }
  }

  #checks(): number {
    let count = 0
    for (const { checked } of this.#leaves()) if (checked !== undefined) count++
    return count
  }

  #add(bucket: Bucket, contact: Contact, now: number): void {
    const entry = new TableEntry(contact, now)
    bucket.entries.push(entry)
    bucket.dropWaiting(contact.key)
    this.#entries.set(contact.key, entry)
    this.#count(contact.address.host, 1)
  }

  #remove(bucket: Bucket, entry: TableEntry): void {
    bucket.remove(entry)
    this.#entries.delete(entry.contact.key)
    this.#count(entry.contact.address.host, -1)
  }

  /** Whoever was proved last of those that wait takes the free place; it is doubted until it is heard of again. */
  #promote(bucket: Bucket, now: number): void {
    for (let next = bucket.waiting.pop(); next !== undefined; next = bucket.waiting.pop()) {
      if (!this.#hasRoomFor(next, bucket)) continue
      this.#add(bucket, next, now)
      const entry = this.#entries.get(next.key)
      if (entry !== undefined) entry.doubted = true
      return
    }
  }

  #hasRoomFor({ address: { host } }: Contact, { entries }: Bucket): boolean {
    const { perAddress, perAddressInBucket } = this.#limits
    const there = this.#perHost.get(host) ?? 0
    if (there >= perAddress) return false
    if (there < perAddressInBucket) return true
    return entries.filter(({ contact }) => contact.address.host === host).length < perAddressInBucket
  }

  #count(host: string, change: 1 | -1): void {
    const count = (this.#perHost.get(host) ?? 0) + change
    if (count > 0) this.#perHost.set(host, count)
    else this.#perHost.delete(host)
  }

  /** The bucket that holds the own position may always be split, others as far as `spread` goes. */
  #maySplit(bucket: Bucket): boolean {
    if (bucket.depth >= POSITION_BITS - 1) return false
    if (bucket.covers(this.#own)) return true
    const levelsOff = bucket.depth - commonPrefix(bucket.prefix, this.#own)
    return levelsOff <= this.#limits.spread
  }

  #split(bucket: Bucket): void {
    const { depth, lookedUpAt } = bucket
    const node = this.#nodeOf(bucket.prefix)
    const zero = new Bucket(withBit(bucket.prefix, depth, 0), depth + 1, lookedUpAt)
    const one = new Bucket(withBit(bucket.prefix, depth, 1), depth + 1, lookedUpAt)
    const halves = [zero, one] as const
    for (const entry of bucket.entries) halves[bitAt(entry.contact.position, depth)].entries.push(entry)
    for (const contact of bucket.waiting) halves[bitAt(contact.position, depth)].waiting.push(contact)
    const { checked } = bucket
    if (checked !== undefined) halves[bitAt(checked.contact.position, depth)].checked = checked
    node.bucket = undefined
    node.children = [
      { bucket: zero, children: undefined },
      { bucket: one, children: undefined },
    ]
  }

  #bucketOf(position: Position): Bucket {
    return this.#nodeOf(position).bucket as Bucket
  }

  #nodeOf(position: Position): Node {
    let node = this.#root
    for (let depth = 0; node.children !== undefined; depth++) node = node.children[bitAt(position, depth)]
    return node
  }

  *#leaves(node: Node = this.#root): Generator<Bucket, void, undefined> {
    if (node.bucket !== undefined) yield node.bucket
    for (const child of node.children ?? []) yield* this.#leaves(child)
  }

  /** Everybody on the target's side of a branch is nearer to it than everybody on the other side. */
  #collect(
    node: Node,
    depth: number,
    target: Position,
    count: number,
    options: ClosestOptions,
    found: Contact[],
  ): void {
    if (node.children !== undefined) {
      const side = bitAt(target, depth)
      this.#collect(node.children[side], depth + 1, target, count, options, found)
      if (found.length < count) this.#collect(node.children[side ^ 1] as Node, depth + 1, target, count, options, found)
      return
    }
    const from = found.length
    for (const entry of node.bucket?.entries ?? []) {
      const { contact } = entry
      if (contact.key === options.except) continue
      if (options.questionable !== true && entry.state !== 'verified') continue
      insertByDistance(found, from, target, contact)
    }
    if (found.length > count) found.length = count
  }
}

/** Few enough for an insertion to be the fastest sort. */
function insertByDistance(found: Contact[], from: number, target: Position, contact: Contact): void {
  let at = found.length
  found.push(contact)
  while (at > from && compareDistance(target, contact.position, (found[at - 1] as Contact).position) < 0) {
    found[at] = found[at - 1] as Contact
    at--
  }
  found[at] = contact
}

/** A random position with the first `bits` of another one. */
function randomWithin(prefix: Position, bits: number, random: Random): Position {
  const position = random.bytes(POSITION_BYTES)
  for (let index = 0; index < bits; index++) setBit(position, index, bitAt(prefix, index))
  return position
}

function withBit(position: Position, index: number, bit: 0 | 1): Position {
  const copy = Uint8Array.from(position)
  setBit(copy, index, bit)
  return copy
}

function withBitTurned(position: Position, index: number): Position {
  return withBit(position, index, bitAt(position, index) === 0 ? 1 : 0)
}

function setBit(bytes: Uint8Array, index: number, bit: 0 | 1): void {
  const mask = 0x80 >> (index & 7)
  const at = index >> 3
  bytes[at] = bit === 1 ? (bytes[at] ?? 0) | mask : (bytes[at] ?? 0) & ~mask
}
