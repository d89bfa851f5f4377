import type { PeerId, SignedPeerRecord } from '@pc/identity'
import { type Address, sameAddress } from './address.js'

/** Peers that are remembered; beyond it the least recently touched one is forgotten, those never proved first. */
export const PEER_BOOK_LIMIT = 10_000
/** What {@link PeerBook.addressesOf} returns at most: as many as one dial may try. */
export const ADDRESSES_PER_PEER = 8
/** Of these, at most so many proved ones: a peer that moved often must still be found where its record says. */
const PROVED_PER_PEER = 3
const HINTS_PER_PEER = 4
/** RFC 6298 §2: weight of a new sample in the smoothed round-trip time. */
const ROUND_TRIP_GAIN = 1 / 8

/** What is known of one peer. Facts only: what they mean is decided elsewhere. */
export interface PeerBookEntry {
  readonly id: PeerId
  /** The one with the highest sequence seen. */
  readonly record: SignedPeerRecord | undefined
  /** Where the key of the peer was proved, most recent first. */
  readonly proved: readonly { readonly address: Address; readonly at: number }[]
  /** Where somebody said it would be, most recent first. */
  readonly hints: readonly Address[]
  /** Smoothed, in ms. */
  readonly roundTripMs: number | undefined
  /** When its key was last proved, in ms of the clock of whoever noted it. */
  readonly lastProofAt: number | undefined
}

type Entry = { -readonly [Key in keyof PeerBookEntry]: PeerBookEntry[Key] }

/**
 * Record, addresses, round-trip time and last proof of every peer this one has heard of. It has no clock and does no I/O.
 *
 * Claims push nobody out: they need a valid signature but identities cost nothing, so peers that were never proved are
 * forgotten before any that was, and a claimed address never takes the place of a proved one. Whoever really connects with
 * 10,000 keys can make it forget the peers touched longest ago.
 */
export class PeerBook {
  readonly #limit: number
  // Two maps in order of last touch: the first of a map is its least recently touched entry.
  readonly #proved = new Map<string, Entry>()
  readonly #claimed = new Map<string, Entry>()

  constructor(options: { limit?: number } = {}) {
    this.#limit = options.limit ?? PEER_BOOK_LIMIT
  }

  get size(): number {
    return this.#proved.size + this.#claimed.size
  }

  /**
   * Takes a record whose signature was checked, if its sequence is higher than that of the one known.
   * @param from where whoever sent it said to be reachable; kept as a hint
   * @returns whether the record was new
   */
  upsert(record: SignedPeerRecord, from?: Address): boolean {
    const entry = this.#touch(record.id)
    const fresh = entry.record === undefined || record.sequence > entry.record.sequence
    if (fresh) entry.record = record
    if (from !== undefined) addHint(entry, from)
    return fresh
  }

  /** Somebody says that the peer is there. */
  noteHint(id: PeerId, address: Address): void {
    addHint(this.#touch(id), address)
  }

  /** The peer's key was proved on a connection that was dialled to `address`; without one, on an accepted connection. */
  noteProof(id: PeerId, address: Address | undefined, now: number): void {
    const entry = this.#touch(id, true)
    entry.lastProofAt = now
    if (address === undefined) return
    const others = entry.proved.filter((known) => !sameAddress(known.address, address))
    entry.proved = [{ address, at: now }, ...others].slice(0, PROVED_PER_PEER)
    entry.hints = entry.hints.filter((hint) => !sameAddress(hint, address))
  }

  /** A measured round trip, in ms. */
  noteRoundTrip(id: PeerId, ms: number): void {
    const entry = this.#touch(id)
    entry.roundTripMs =
      entry.roundTripMs === undefined ? ms : entry.roundTripMs + ROUND_TRIP_GAIN * (ms - entry.roundTripMs)
  }

  /** Best first, without repetition: proved (most recent first), then those of the record, then hints. */
  addressesOf(id: PeerId): Address[] {
    const entry = this.get(id)
    if (entry === undefined) return []
    const addresses: Address[] = []
    const add = (address: Address): void => {
      if (addresses.length < ADDRESSES_PER_PEER && !addresses.some((known) => sameAddress(known, address)))
        addresses.push(address)
    }
    for (const { address } of entry.proved) add(address)
    for (const address of entry.record?.addresses ?? []) add(address)
    for (const hint of entry.hints) add(hint)
    return addresses
  }

  /** Looking does not count as a touch. The entry changes as more is learned. */
  get(id: PeerId): PeerBookEntry | undefined {
    const key = id.toString()
    return this.#proved.get(key) ?? this.#claimed.get(key)
  }

  /** Everybody, proved ones first, each group from the least to the most recently touched. */
  *entries(): IterableIterator<PeerBookEntry> {
    yield* this.#proved.values()
    yield* this.#claimed.values()
  }

  #touch(id: PeerId, proof = false): Entry {
    const key = id.toString()
    const known = this.#proved.get(key) ?? this.#claimed.get(key)
    const entry = known ?? {
      id,
      record: undefined,
      proved: [],
      hints: [],
      roundTripMs: undefined,
      lastProofAt: undefined,
    }
    const isProved = proof || this.#proved.has(key)
    this.#proved.delete(key)
    this.#claimed.delete(key)
    if (known === undefined && this.size >= this.#limit) this.#forgetOne()
    const map = isProved ? this.#proved : this.#claimed
    map.set(key, entry)
    return entry
  }

  #forgetOne(): void {
    const map = this.#claimed.size > 0 ? this.#claimed : this.#proved
    for (const key of map.keys()) {
      map.delete(key)
      return
    }
  }
}

function addHint(entry: Entry, address: Address): void {
  if (entry.proved.some((known) => sameAddress(known.address, address))) return
  const others = entry.hints.filter((hint) => !sameAddress(hint, address))
  entry.hints = [address, ...others].slice(0, HINTS_PER_PEER)
}
