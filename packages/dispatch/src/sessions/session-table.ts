/**
 * All sessions by the index that datagrams name, and all pairs. Bounded: of those that were used, the one unused longest goes first;
 * those that others began and have not used yet have a bound of their own, so that whoever proves nothing costs nobody a session. Pure.
 */
import type { PeerId } from '@pc/identity'
import type { Address, DatagramSocket, Random } from '@pc/transport'
import { checkLimit } from '../lane.js'
import { type Handshake, type LiveSession, Pair } from './live-session.js'

/** Sessions, about 2 KiB each. */
const DEFAULT_SESSIONS = 8_192
/** Sessions that others began and never used: what spoofed first messages can fill. */
const MAX_UNCONFIRMED = 1_024
/** Peers with sessions at one host and port: there is one, and its former lives. */
const MAX_PAIRS_AT_ADDRESS = 16
const INDEX_BYTES = 4

export class SessionTable {
  readonly #random: Random
  readonly #limit: number
  readonly #sessions = new Map<number, LiveSession>()
  readonly #handshakes = new Map<number, Handshake>()
  readonly #unconfirmed = new Set<LiveSession>()
  /** By host, port, and text of the id. */
  readonly #pairs = new Map<string, Map<string, Pair>>()
  /** By the first message that began them, with its address. */
  readonly #begunBy = new Map<string, LiveSession>()
  #pairCount = 0

  constructor(random: Random, limit: number = DEFAULT_SESSIONS) {
    checkLimit('sessions', limit, 1)
    this.#random = random
    this.#limit = limit
  }

  get sessions(): number {
    return this.#sessions.size
  }

  get unconfirmed(): number {
    return this.#unconfirmed.size
  }

  get handshakes(): number {
    return this.#handshakes.size
  }

  get pairs(): number {
    return this.#pairCount
  }

  session(index: number): LiveSession | undefined {
    return this.#sessions.get(index)
  }

  handshake(index: number): Handshake | undefined {
    return this.#handshakes.get(index)
  }

  pair(id: PeerId, address: Address): Pair | undefined {
    return this.#pairs.get(addressKey(address))?.get(id.toString())
  }

  pairsAt(address: Address): Iterable<Pair> {
    return this.#pairs.get(addressKey(address))?.values() ?? []
  }

  /** The session that this first message began. */
  begunBy(initiation: string): LiveSession | undefined {
    return this.#begunBy.get(initiation)
  }

  /** Whether a session of that address is not used yet. */
  awaitsUse(address: Address): boolean {
    for (const { next } of this.pairsAt(address)) if (next !== undefined) return true
    return false
  }

  /** The pair, made if it is not there. It goes again when `release` finds nothing in it. */
  take(id: PeerId, address: Address, via: DatagramSocket): Pair {
    const key = addressKey(address)
    const there = this.#pairs.get(key) ?? new Map<string, Pair>()
    const known = there.get(id.toString())
    if (known !== undefined) return known
    const pair = new Pair(id, { host: address.host, port: address.port }, via)
    this.#pairs.set(key, there.set(id.toString(), pair))
    this.#pairCount += 1
    return pair
  }

  /** Forgets a pair that nothing needs. */
  release(pair: Pair): void {
    const { current, previous, next, handshake, users, address, id } = pair
    if (users > 0 || (current ?? previous ?? next ?? handshake) !== undefined) return
    const key = addressKey(address)
    const there = this.#pairs.get(key)
    if (there?.get(id.toString()) !== pair) return
    there.delete(id.toString())
    this.#pairCount -= 1
    if (there.size === 0) this.#pairs.delete(key)
  }

  /** A number that nothing here has. */
  freshIndex(): number {
    for (;;) {
      const [a = 0, b = 0, c = 0, d = 0] = this.#random.bytes(INDEX_BYTES)
      const index = a * 2 ** 24 + ((b << 16) | (c << 8) | d)
      if (!this.#sessions.has(index) && !this.#handshakes.has(index)) return index
    }
  }

  addHandshake(handshake: Handshake): void {
    this.#handshakes.set(handshake.index, handshake)
    handshake.pair.handshake = handshake
  }

  dropHandshake(handshake: Handshake): void {
    this.#handshakes.delete(handshake.index)
    if (handshake.pair.handshake === handshake) handshake.pair.handshake = undefined
    this.release(handshake.pair)
  }

  /** A session that the other side began: it waits as `next`. Returns what had to go for it. */
  addNext(live: LiveSession): LiveSession[] {
    const { pair } = live
    const dropped = pair.next === undefined ? [] : [pair.next]
    if (this.#unconfirmed.size - dropped.length >= MAX_UNCONFIRMED) dropped.push(...firstOf(this.#unconfirmed))
    this.#dropAll(dropped, pair)
    this.#sessions.set(live.index, live)
    this.#unconfirmed.add(live)
    this.#begunBy.set(live.initiation, live)
    pair.next = live
    return dropped
  }

  /** A session that is proved from both sides: from now on its pair seals with it. Returns what had to go for it. */
  addCurrent(live: LiveSession): LiveSession[] {
    const { pair } = live
    const dropped = pair.previous === undefined ? this.#makeRoom() : [pair.previous]
    dropped.push(...this.#crowdAt(pair))
    this.#dropAll(dropped, pair)
    this.#unconfirmed.delete(live)
    if (pair.next === live) pair.next = undefined
    pair.previous = pair.current
    pair.current = live
    this.#sessions.set(live.index, live)
    return dropped
  }

  drop(live: LiveSession): void {
    const { pair, initiation } = live
    this.#sessions.delete(live.index)
    this.#unconfirmed.delete(live)
    if (this.#begunBy.get(initiation) === live) this.#begunBy.delete(initiation)
    if (pair.current === live) pair.current = undefined
    if (pair.previous === live) pair.previous = undefined
    if (pair.next === live) pair.next = undefined
    this.release(pair)
  }

  /** The pair that gets a new one meanwhile is not forgotten for being empty. */
  #dropAll(dropped: readonly LiveSession[], forPair: Pair): void {
    forPair.users += 1
    for (const one of dropped) this.drop(one)
    forPair.users -= 1
  }

  /** Looks at every session, which is rare and costs less than the handshake that needs the place. */
  #makeRoom(): LiveSession[] {
    if (this.#sessions.size - this.#unconfirmed.size < this.#limit) return []
    let oldest: LiveSession | undefined
    for (const live of this.#sessions.values()) {
      if (live.confirmed && (oldest === undefined || live.usedAt < oldest.usedAt)) oldest = live
    }
    return oldest === undefined ? [] : [oldest]
  }

  /** The sessions of the peer at that address that said nothing for longest, if there are too many peers. */
  #crowdAt(pair: Pair): LiveSession[] {
    let silent: Pair | undefined
    let count = 0
    for (const other of this.pairsAt(pair.address)) {
      if (other === pair || other.current === undefined) continue
      count += 1
      if (silent === undefined || other.heardAt < silent.heardAt) silent = other
    }
    if (silent === undefined || count < MAX_PAIRS_AT_ADDRESS) return []
    return [silent.current, silent.previous].filter((live) => live !== undefined)
  }
}

function addressKey({ host, port }: Address): string {
  return `${host} ${port}`
}

function firstOf<T>(set: ReadonlySet<T>): T[] {
  const [first] = set
  return first === undefined ? [] : [first]
}
