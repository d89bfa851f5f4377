/**
 * Whom this peer knows: a prefix tree whose leaves are k-buckets (Maymounkov and Mazières 2002, §2.4). Near its own position it knows nearly
 * everybody, and of each half, quarter, eighth … farther away some. Only contacts that were proved get in: an answer or a request that the
 * transport has proved to come from that peer at that address. Pure.
 *
 * Where we differ from the paper: a full bucket does not ask its oldest contact at each newcomer, which would let anybody make this peer send
 * (discv5), but only one that has been silent for a while; the newcomer waits meanwhile, and never displaces whoever answers. Addresses are
 * limited one by one and not by network, because in one subnet they are all of one network.
 */
import { FIRST_TIMEOUT_MS, type Random, RoundTripEstimate } from '@pc/transport'
import { type Bucket, type ContactState, TableEntry } from './bucket.js'
import { BucketTree } from './bucket-tree.js'
import { type Contact, keyOf } from './contact.js'
import { KademliaError } from './errors.js'
import { Lifetimes } from './lifetimes.js'
import { bitAt, commonPrefix, POSITION_BITS, type Position, randomWithin, withBitTurned } from './position.js'

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
  /**
   * A contact that was silent for so long is doubted, ms; sooner where peers come and go, see `lifetimes.ts`. @default 600,000
   */
  readonly questionableAfterMs: number
  /** The oldest contact of a full bucket is asked whether it is there when it was silent for so long, or as long as makes it doubted, ms. @default 60,000 */
  readonly checkAfterMs: number
  /** A bucket in which nothing was looked up for so long is looked into, ms. @default 600,000 */
  readonly refreshAfterMs: number
}

export interface ClosestOptions {
  /** The key of a contact to be left out: whoever asks knows itself. */
  readonly except?: string
  /**
   * Also those that are silent for up to twice as long as is allowed, mostly alive with a chance of 85 %; those that are silent for whatever time; or all, those that
   * failed lately too. @default 'verified'
   */
  readonly among?: 'verified' | 'likely' | 'unfailed' | 'all'
}

/** What `proved` did. */
export interface ProvedOutcome {
  /** It is new in the table. */
  readonly added: boolean
  /** To be asked whether it is there still: a newcomer waits for its place. */
  readonly check?: Contact
}

/** A part of the space of which too few contacts are known. */
export interface PartToFill {
  /** A random position in it. */
  readonly target: Position
  /** Its positions share so many leading bits with the own one, and no more. */
  readonly sharedBits: number
  /** Contacts. */
  readonly missing: number
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
/** A newcomer gets to know a seventh of a bucket in each part of the space: others get to know it, and lookups bring more. */
const FILLED_SHARE = 7
/**
 * After twice as long a silence as is allowed a contact is alive with a chance of 0.92^2. A peer that has just joined, and asks two contacts every
 * 5 s, gets to allow silence fast enough for that: by this measure nobody falls silent in a network in which everybody stays.
 */
const LIKELY = 2
/** Contacts that are asked at a time whether they are there still. */
const MAX_CHECKS = 3
const NOTHING: ProvedOutcome = { added: false }

export class RoutingTable {
  readonly #own: Position
  readonly #limits: RoutingTableLimits
  readonly #tree: BucketTree
  readonly #entries = new Map<string, TableEntry>()
  readonly #perHost = new Map<string, number>()
  readonly #lifetimes = new Lifetimes()
  /** Of those that were asked for the first time: what to expect of the next stranger. */
  readonly #firstAnswers = new RoundTripEstimate()
  /** The latest time that it was told: states are those of then. */
  #now: number
  /** How often anybody was heard of, and when last. */
  #news = 0
  #heardAt = Number.NEGATIVE_INFINITY

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
    this.#tree = new BucketTree(own, now)
    this.#now = now
  }

  get size(): number {
    return this.#entries.size
  }

  /** After so long a silence a contact is doubted, ms. */
  get silenceMs(): number {
    return Math.min(this.#limits.questionableAfterMs, this.#lifetimes.silenceMs)
  }

  get(key: string): Contact | undefined {
    return this.#entries.get(key)?.contact
  }

  /** The contact of a peer, if that is known at this address: whoever asks all the time need not be hashed each time. */
  at(id: Uint8Array, address: Contact['address']): Contact | undefined {
    return this.#entryAt({ key: keyOf(id), address })?.contact
  }

  /** Whether a contact has answered at its address. */
  hasAnswered(contact: Contact): boolean {
    return this.#entryAt(contact)?.roundTrip.smoothed !== undefined
  }

  /** How long to wait for an answer of a contact before it counts as slow, ms. */
  timeoutOf(contact: Contact): number {
    const known = this.#entryAt(contact)?.roundTrip
    if (known?.smoothed !== undefined) return known.timeoutMs
    // Never more patient than without any experience: whoever answers late may mean it.
    return Math.min(FIRST_TIMEOUT_MS, this.#firstAnswers.timeoutMs)
  }

  /**
   * A contact was proved to be at its address. It gets into the table if there is room, or waits; one that is there counts as heard of. A peer
   * that shows up at another address keeps the one under which it is known while that answers: else peers with two addresses would
   * flap, and a session elsewhere says nothing against the first.
   */
  proved(contact: Contact, now: number): ProvedOutcome {
    this.#now = now
    this.#news += 1
    this.#heardAt = now
    const bucket = this.#tree.bucketOf(contact.position)
    const entry = this.#entries.get(contact.key)
    if (entry !== undefined) {
      this.#heard(bucket, entry, contact, now)
      return NOTHING
    }
    if (commonPrefix(contact.position, this.#own) === POSITION_BITS) return NOTHING
    return this.#newcomer(contact, now)
  }

  /** It answered after so many ms, and so is proved. */
  answered(contact: Contact, roundTripMs: number, now: number): ProvedOutcome {
    const known = this.#entryAt(contact)
    // Only who was asked tells how long peers live: of those that call by themselves one hears as long as they do.
    if (known?.failures === 0 && !known.outdated) this.#lifetimes.survived(now - known.heardAt)
    const outcome = this.proved(contact, now)
    const entry = this.#entryAt(contact)
    if (entry === undefined) return outcome
    if (entry.roundTrip.smoothed === undefined) this.#firstAnswers.measured(roundTripMs)
    entry.roundTrip.measured(roundTripMs)
    return outcome
  }

  /**
   * It did not answer. One that waits takes the place of whoever does so again and again. Silence at another address than the one that is
   * known counts for nothing: else a stranger's hint at a wrong address would cost a peer its place. Nor does a further silence as long as
   * nobody else is heard of: then it may be this machine that is cut off, and it would lose everybody.
   *
   * @param askedAt when it was asked: nobody counts as dead while nobody at all was heard of. @default whatever was heard of will do
   */
  failed(contact: Contact, now: number, askedAt: number = Number.NEGATIVE_INFINITY): void {
    this.#now = now
    const entry = this.#entryAt(contact)
    if (entry === undefined || (entry.failures > 0 && this.#news === entry.newsAtFailure)) return
    // Of one that waited for its place nobody knows since when it is silent.
    const isDeath = entry.failures === 0 && !entry.outdated && this.#heardAt >= askedAt
    if (isDeath) entry.death = this.#lifetimes.died(now - entry.heardAt)
    entry.newsAtFailure = this.#news
    const bucket = this.#tree.bucketOf(entry.contact.position)
    if (!bucket.fail(entry)) return
    this.#remove(bucket, entry)
    this.#promote(bucket, now)
  }

  /** It is gone, by its own word. */
  remove({ key, position }: Pick<Contact, 'key' | 'position'>, now: number): void {
    this.#now = now
    const bucket = this.#tree.bucketOf(position)
    bucket.dropWaiting(key)
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#remove(bucket, entry)
    this.#promote(bucket, now)
  }

  /** After the machine slept: nobody counts as verified before it is heard of again. */
  doubtAll(): void {
    for (const entry of this.#entries.values()) entry.outdated = true
  }

  /**
   * Those that are doubted, to be asked whether they are there still: at most `limit`, and first those that likely are, the longest silent of them
   * first. Where more fall silent than can be asked, the others make room when somebody waits for their place.
   */
  dueForCheck(now: number, limit: number): Contact[] {
    this.#now = now
    const [isVerified, isLikely] = [this.#verified(), this.#verified(LIKELY)]
    const doubted = [...this.#entries.values()].filter((entry) => !isVerified(entry))
    const rank = (entry: TableEntry): number => entry.failures + (isLikely(entry) ? 0 : 1)
    doubted.sort((a, b) => rank(a) - rank(b) || a.heardAt - b.heardAt)
    return doubted.slice(0, limit).map(({ contact }) => contact)
  }

  /** Whether so many contacts are verified. */
  hasVerified(count: number): boolean {
    if (this.#entries.size < count) return false
    const isVerified = this.#verified()
    let found = 0
    for (const entry of this.#entries.values()) if (isVerified(entry) && ++found >= count) return true
    return false
  }

  /** The contacts nearest to a position, the nearest first. */
  closest(target: Position, count: number, options: ClosestOptions = {}): Contact[] {
    const { except, among = 'verified' } = options
    const isMeant = this.#test(among)
    return this.#tree.closest(target, count, (entry) => isMeant(entry) && entry.contact.key !== except)
  }

  /** Something was looked up there. */
  noteLookup(target: Position, now: number): void {
    this.#now = now
    this.#tree.bucketOf(target).lookedUpAt = now
  }

  /**
   * A random position in each bucket in which nothing was looked up for long, at most `limit`; they count as looked up now. Where half a bucket is
   * likely there, there is nothing to look for but among the neighbours: lookups by others bring new ones.
   */
  dueForRefresh(random: Random, now: number, limit: number): Position[] {
    this.#now = now
    const targets: Position[] = []
    for (const bucket of this.#tree.buckets()) {
      if (targets.length >= limit) break
      if (now - bucket.lookedUpAt < this.#limits.refreshAfterMs || this.#isRich(bucket)) continue
      bucket.lookedUpAt = now
      targets.push(randomWithin(bucket.prefix, bucket.depth, random))
    }
    return targets
  }

  /**
   * Where to look after the own neighbourhood was found: the parts of the space farther away than the nearest neighbours (§2.3), the farthest
   * first, as long as a seventh of a bucket is not known of each. Whoever found the k nearest knows everybody who is as near as they are, so
   * there is nothing to look for among them.
   */
  *partsToFill(random: Random): Generator<PartToFill, void, undefined> {
    const neighbours = this.closest(this.#own, this.#limits.bucketSize, { among: 'all' })
    const last = neighbours.at(-1)
    const depth = last === undefined ? 0 : commonPrefix(this.#own, last.position)
    for (let bits = 0; bits < depth; bits++) {
      const target = randomWithin(withBitTurned(this.#own, bits), bits + 1, random)
      const missing = Math.ceil(this.#limits.bucketSize / FILLED_SHARE) - this.#tree.bucketOf(target).entries.length
      if (missing > 0) yield { target, sharedBits: bits, missing }
    }
  }

  buckets(): BucketView[] {
    const { silenceMs } = this
    return [...this.#tree.buckets()].map(({ prefix, depth, entries, waiting, lookedUpAt }) => ({
      prefix: Array.from({ length: depth }, (_, index) => bitAt(prefix, index)).join(''),
      contacts: entries.map((entry) => ({
        contact: entry.contact,
        state: entry.stateAt(this.#now, silenceMs),
        roundTripMs: entry.roundTrip.smoothed,
      })),
      waiting: waiting.length,
      lookedUpAt,
    }))
  }

  /** Those to be asked first after a restart: known for longest (who was there for long stays for long, §2.2), of every bucket in turn. */
  best(count: number): Contact[] {
    const isVerified = this.#verified()
    const rank = (entry: TableEntry): number => (isVerified(entry) ? 0 : 1)
    const byBucket = [...this.#tree.buckets()].map(({ entries }) =>
      entries.filter(hasNotFailed).sort((a, b) => rank(a) - rank(b) || a.addedAt - b.addedAt),
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

  #isRich(bucket: Bucket): boolean {
    const half = this.#limits.bucketSize / 2
    return !bucket.covers(this.#own) && bucket.entries.filter(this.#verified(LIKELY)).length >= half
  }

  #test(among: NonNullable<ClosestOptions['among']>): (entry: TableEntry) => boolean {
    if (among === 'unfailed') return hasNotFailed
    if (among === 'all') return anybody
    return among === 'verified' ? this.#verified() : this.#verified(LIKELY)
  }

  /** Whether an entry is verified by now, or would be if it might be silent for so many times as long. */
  #verified(times = 1): (entry: TableEntry) => boolean {
    const silenceMs = this.silenceMs * times
    return (entry) => entry.isVerified(this.#now, silenceMs)
  }

  #entryAt({ key, address }: Pick<Contact, 'key' | 'address'>): TableEntry | undefined {
    const entry = this.#entries.get(key)
    const known = entry?.contact.address
    return known?.host === address.host && known.port === address.port ? entry : undefined
  }

  #heard(bucket: Bucket, entry: TableEntry, contact: Contact, now: number): void {
    const { address } = entry.contact
    if (address.host !== contact.address.host || address.port !== contact.address.port) {
      // Whoever is silent for seconds only answers there still.
      if (this.#verified(LIKELY)(entry) || !this.#hasRoomFor(contact, bucket)) return
      this.#count(address.host, -1)
      this.#count(contact.address.host, 1)
      entry.contact = contact
      entry.roundTrip = new RoundTripEstimate()
    }
    if (entry.death !== undefined) this.#lifetimes.revived(entry.death)
    entry.death = undefined
    bucket.touch(entry, now)
  }

  #newcomer(contact: Contact, now: number): ProvedOutcome {
    let bucket = this.#tree.bucketOf(contact.position)
    if (!this.#hasRoomFor(contact, bucket)) return NOTHING
    while (bucket.entries.length >= this.#limits.bucketSize && this.#maySplit(bucket)) {
      this.#tree.split(bucket)
      bucket = this.#tree.bucketOf(contact.position)
    }
    const gone = bucket.entries.length < this.#limits.bucketSize ? undefined : this.#surelyGone(bucket, now)
    if (gone !== undefined) this.#remove(bucket, gone)
    if (bucket.entries.length < this.#limits.bucketSize) {
      this.#add(bucket, contact, now)
      return { added: true }
    }
    bucket.wait(contact, this.#limits.waiting)
    return this.#checkOldest(bucket, now)
  }

  /**
   * One that counts as dead, and is silent for longer than who likely is there: hardly any of these is alive, and to ask it once more would cost as
   * much as to meet others. Who did not answer while nobody else was heard of does not count as dead.
   */
  #surelyGone({ entries }: Bucket, now: number): TableEntry | undefined {
    const silenceMs = LIKELY * this.silenceMs
    return entries.find(({ death, failures, heardAt }) => {
      return death !== undefined && failures > 0 && now - heardAt >= silenceMs
    })
  }

  /** Whoever failed already goes at once when the next request to it fails; asking it makes that sooner. */
  #checkOldest(bucket: Bucket, now: number): ProvedOutcome {
    if (bucket.checked !== undefined || this.#checks() >= MAX_CHECKS) return NOTHING
    const oldest = bucket.entries.find(({ failures }) => failures > 0) ?? bucket.entries[0]
    if (
      oldest === undefined ||
      (oldest.failures === 0 && now - oldest.heardAt < Math.min(this.#limits.checkAfterMs, this.silenceMs))
    )
      return NOTHING
    bucket.checked = oldest
    return { added: false, check: oldest.contact }
  }

  #checks(): number {
    let count = 0
    for (const { checked } of this.#tree.buckets()) if (checked !== undefined) count++
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
      if (entry !== undefined) entry.outdated = true
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
}

function hasNotFailed({ failures }: TableEntry): boolean {
  return failures === 0
}

function anybody(): boolean {
  return true
}
