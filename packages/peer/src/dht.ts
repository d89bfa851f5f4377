/**
 * What programs do with the directory that nobody runs: values under names, values under their own hash, and everybody in the network. Errors
 * of `@pc/kademlia` pass through with their codes.
 */
import { type Identity, PeerId, type SignedPeerRecord } from '@pc/identity'
import {
  type BucketView,
  type FindOptions,
  type Kademlia,
  KademliaError,
  type LookupReport,
  type Position,
  plainRecord,
  positionOf,
  signedKey,
  signRecord,
} from '@pc/kademlia'
import { DATAGRAM_LIMITS, encodeValue, type Value } from '@pc/wire'
import { type DhtEntry, entryOf, keyText, readKey } from './dht-entry.js'
import type { PeerRef } from './peer.js'
import { Turns } from './turns.js'

/** A value: this peer's own by its name alone, somebody else's by name and author, or any by the key that a put gave. */
export type DhtRef = string | { readonly name: string; readonly from?: PeerRef } | { readonly key: string }

export interface DhtPutOptions extends FindOptions {
  /** Published again every hour until `forget` or the peer's end. What is not ends within 2 hours. @default true */
  readonly keep?: boolean
}

export interface DhtPutNamedOptions extends DhtPutOptions {
  /** Compare and set: only in place of the value of this sequence; 0 only where there is none. @default whatever is there */
  readonly expectedSequence?: number
}

export interface DhtPut {
  /** 64 hexadecimal digits, for `get({ key })`. */
  readonly key: string
  /** Peers that have it now, this one included if it is among the nearest. */
  readonly holders: number
}

export interface DhtParts {
  readonly identity: Identity
  readonly kademlia: Kademlia
  /** @throws PeerError PEER_NOT_FOUND, PEER_AMBIGUOUS */
  readonly idOf: (peer: PeerRef) => PeerId
}

/** How often a put without an expectation reads anew, when somebody else with the same identity was faster. */
const ATTEMPTS = 3

export class Dht {
  readonly #parts: DhtParts
  /** Puts under one name go one after the other: each counts on from the one before. */
  readonly #turns = new Turns()

  /** Made by `createPeer`. */
  constructor(parts: DhtParts) {
    this.#parts = parts
  }

  /**
   * Publishes a value under a name, in place of the one that was there, signed by this peer. Name and value have 1,015 bytes together, the name
   * at most 32, the value encoded at most 1,000. Everybody can read it.
   *
   * Rejects with KademliaError BAD_RECORD, CONFLICT, NOT_STORED, BUSY, CLOSED, WireError for a value that cannot be encoded, or the signal's reason.
   */
  put(name: string, value: Value, options: DhtPutNamedOptions = {}): Promise<DhtPut & { readonly sequence: number }> {
    return this.#turns.take(name, () => this.#put(name, value, options))
  }

  /** Publishes a value that never changes under a key that follows from it: whoever has the key can check it, and nobody owns it. Rejects as `put`. */
  async putPlain(value: Value, options: DhtPutOptions = {}): Promise<DhtPut> {
    const record = plainRecord(encodeValue(value, DATAGRAM_LIMITS))
    const { holders } = await this.#parts.kademlia.put(record, options)
    return { key: keyText(record.key), holders }
  }

  /**
   * The value: of a name the latest that the nearest peers have.
   *
   * Rejects with KademliaError NOT_FOUND, BUSY, CLOSED, PeerError PEER_NOT_FOUND, PEER_AMBIGUOUS, BAD_OPTIONS (no key), WireError for what
   * somebody published that is no value, or the signal's reason.
   */
  async get(ref: DhtRef, options: FindOptions = {}): Promise<DhtEntry> {
    return entryOf(await this.#parts.kademlia.get(this.#keyOf(ref), options))
  }

  /**
   * The value as soon as any peer has it, and after it each later one that is found, for readers who rather have an old one than wait.
   * Ends when all the nearest peers have answered. Throws as `get`.
   */
  async *find(ref: DhtRef, options: FindOptions = {}): AsyncGenerator<DhtEntry, void, undefined> {
    for await (const record of this.#parts.kademlia.find(this.#keyOf(ref), options)) yield entryOf(record)
  }

  /** Publishes an own value no more; what others hold of it ends within 2 hours. False when this peer did not publish it. */
  forget(ref: DhtRef): boolean {
    return this.#parts.kademlia.forget(this.#keyOf(ref))
  }

  /**
   * The peers nearest to a peer, to a key of 64 hexadecimal digits, or to a position of 32 bytes. Rejects with KademliaError BUSY, CLOSED,
   * PeerError PEER_NOT_FOUND, PEER_AMBIGUOUS, or the signal's reason.
   */
  async lookup(target: PeerRef | Position, options: FindOptions = {}): Promise<LookupReport> {
    return this.#parts.kademlia.lookup(this.#positionOf(target), options)
  }

  /**
   * What a peer says of itself, by its id: name and addresses, signed. Not that it is there now: a connection shows that.
   *
   * Rejects with KademliaError NOT_FOUND, BUSY, CLOSED, IdentityError BAD_PEER_ID, or the signal's reason.
   */
  async findPeer(id: PeerId | string, options: FindOptions = {}): Promise<SignedPeerRecord> {
    return this.#parts.kademlia.findPeer(typeof id === 'string' ? PeerId.parse(id) : id, options)
  }

  /**
   * Everybody in the network, page by page, each peer once, in no particular order, this one too. Whoever left is gone from it at once, whoever
   * crashed within 10 minutes. Names in it are claims: two peers may have one. Throws KademliaError BUSY, CLOSED, or the signal's reason.
   */
  directory(options: FindOptions = {}): AsyncGenerator<readonly SignedPeerRecord[], void, undefined> {
    return this.#parts.kademlia.directory(options)
  }

  /** The routing table, for people: whom this peer knows, by how near they are. */
  buckets(): readonly BucketView[] {
    return this.#parts.kademlia.buckets()
  }

  /** Where this peer stands. Shared: do not write into it. */
  get position(): Position {
    return this.#parts.kademlia.position
  }

  async #put(
    name: string,
    value: Value,
    { expectedSequence, ...options }: DhtPutNamedOptions,
  ): Promise<DhtPut & { readonly sequence: number }> {
    const { identity, kademlia } = this.#parts
    const salt = Buffer.from(name)
    const key = signedKey(identity.id.bytes, salt)
    const encoded = encodeValue(value, DATAGRAM_LIMITS)
    for (let attempt = 1; ; attempt++) {
      const held = await this.#sequenceOf(key, options)
      if (expectedSequence !== undefined && held !== expectedSequence) {
        throw new KademliaError('CONFLICT', `expected sequence ${expectedSequence} in place, found ${held}`)
      }
      const sequence = held + 1
      const record = signRecord(identity, { salt, sequence, value: encoded })
      try {
        const { holders } = await kademlia.put(record, { ...options, expectedSequence: held })
        return { key: keyText(key), sequence, holders }
      } catch (error) {
        const again = expectedSequence === undefined && attempt < ATTEMPTS
        if (!(again && error instanceof KademliaError && error.code === 'CONFLICT')) throw error
      }
    }
  }

  /** Of the own value that is there now; 0 when there is none. */
  async #sequenceOf(key: Position, options: FindOptions): Promise<number> {
    try {
      const record = await this.#parts.kademlia.get(key, options)
      return record.type === 'signed' ? record.sequence : 0
    } catch (error) {
      if (error instanceof KademliaError && error.code === 'NOT_FOUND') return 0
      throw error
    }
  }

  #keyOf(ref: DhtRef): Position {
    if (typeof ref === 'object' && 'key' in ref) return readKey(ref.key)
    const { name, from } = typeof ref === 'string' ? { name: ref, from: undefined } : ref
    const author = from === undefined ? this.#parts.identity.id : this.#authorOf(from)
    return signedKey(author.bytes, Buffer.from(name))
  }

  /** Whoever has published something need not be known here: a full id is enough. */
  #authorOf(peer: PeerRef): PeerId {
    if (peer instanceof PeerId) return peer
    try {
      return PeerId.parse(peer)
    } catch {
      return this.#parts.idOf(peer)
    }
  }

  #positionOf(target: PeerRef | Position): Position {
    if (target instanceof Uint8Array) return readKey(keyText(target))
    if (typeof target === 'string' && /^[0-9a-f]{64}$/i.test(target)) return readKey(target)
    return positionOf(this.#authorOf(target).bytes)
  }
}
