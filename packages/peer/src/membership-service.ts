/**
 * Membership over the datagram door: its packets go sealed, whoever is proved by a session becomes a member, and every datagram that opens is a sign of
 * life.
 */
import { Priority, type RequestsEndpoint } from '@pc/dispatch'
import type { PeerId, SignedPeerRecord } from '@pc/identity'
import type { Membership, MembershipTransport } from '@pc/membership'
import type { Address, Logger, PeerBook } from '@pc/transport'
import { RootCode } from '@pc/wire'
import { PeerError } from './errors.js'

export interface MembershipServiceOptions {
  readonly book: PeerBook
  /** Whether datagrams may go to an address. */
  readonly mayReach: (address: Address) => boolean
  /** Somebody new, before anybody can ask for it by its name. */
  readonly onMet: (record: SignedPeerRecord) => void
  readonly logger: Logger
}

type Door = Pick<RequestsEndpoint, 'register' | 'send' | 'recordAt'>

/** Peers of which it is remembered where their session is; of more, the one remembered longest is looked up in the book. */
const MAX_SESSIONS = 10_000
/** Peers that are asked for their records at a time. Who comes meanwhile is met with its next session, or when it connects. */
const MAX_ASKED = 16

export class MembershipService {
  /** For `Membership.create`. Nothing can be sent before `start`. */
  readonly transport: MembershipTransport = { send: (to, bytes) => this.#send(to, bytes) }
  readonly #options: MembershipServiceOptions
  /** Where each peer has a session. */
  readonly #sessions = new Map<string, Address>()
  readonly #asked = new Set<string>()
  #door: Door | undefined
  #membership: Membership | undefined
  #unregister = (): void => {}

  constructor(options: MembershipServiceOptions) {
    this.#options = options
  }

  /** @throws DispatchError HANDLER_EXISTS, CLOSED */
  start(membership: Membership, door: Door): void {
    this.#membership = membership
    this.#door = door
    const options = { access: 'anyone', classify: () => Priority.MEMBERSHIP } as const
    this.#unregister = door.register(RootCode.MEMBERSHIP, options, ({ peer, body, asks, early }) => {
      if (body instanceof Uint8Array && !asks && !early) membership.receive(peer, body)
      return undefined
    })
  }

  close(): void {
    this.#unregister()
    this.#door = undefined
  }

  /** Where datagrams to that peer go. */
  addressOf(peer: PeerId): Address | undefined {
    const { book, mayReach } = this.#options
    return this.#sessions.get(peer.toString()) ?? book.addressesOf(peer).find(mayReach)
  }

  heard(peer: PeerId): void {
    this.#membership?.heard(peer)
  }

  /** A session stands: that peer is at that address. */
  met(peer: PeerId, address: Address): void {
    const key = peer.toString()
    this.#sessions.delete(key)
    this.#sessions.set(key, address)
    for (const oldest of this.#sessions.keys()) {
      if (this.#sessions.size <= MAX_SESSIONS) break
      this.#sessions.delete(oldest)
    }
    const record = this.#options.book.get(peer)?.record
    if (record !== undefined) this.#enter(record)
    else if (!this.#asked.has(key) && this.#asked.size < MAX_ASKED) void this.#ask(peer, address)
  }

  #enter(record: SignedPeerRecord): void {
    this.#options.onMet(record)
    this.#membership?.met(record.id, record)
  }

  /** Never rejects. */
  async #ask(peer: PeerId, address: Address): Promise<void> {
    const key = peer.toString()
    this.#asked.add(key)
    try {
      const record = await this.#door?.recordAt(address)
      // Somebody else may be there by now.
      if (record === undefined || !record.id.equals(peer)) return
      this.#options.book.upsert(record, address)
      this.#enter(record)
    } catch (error) {
      this.#options.logger.debug({ err: error, peer }, 'a peer that was met gave no record')
    } finally {
      this.#asked.delete(key)
    }
  }

  async #send(to: PeerId, bytes: Uint8Array): Promise<void> {
    const address = this.addressOf(to)
    if (this.#door === undefined) return
    if (address === undefined) {
      throw new PeerError('PEER_NOT_FOUND', `No address of ${to.short} is known that may be used.`)
    }
    await this.#door.send({ id: to, address }, RootCode.MEMBERSHIP, bytes)
  }
}
