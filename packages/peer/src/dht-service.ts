/** The directory of a running peer: `Kademlia` over the datagram door, fed with whoever is proved. */
import { DispatchError, Priority, type RequestsEndpoint } from '@pc/dispatch'
import { type Identity, PeerId, type SignedPeerRecord } from '@pc/identity'
import { type Contact, contactOf, Kademlia, KademliaError, type KademliaOptions, wantsToStore } from '@pc/kademlia'
import type { Membership } from '@pc/membership'
import {
  type Address,
  type Clock,
  formatAddress,
  type Logger,
  type PeerBook,
  parseAddress,
  type Random,
} from '@pc/transport'
import { RootCode, type Value } from '@pc/wire'
import { DhtJoiner } from './dht-joiner.js'
import type { KnownIds } from './known-ids.js'

/** Somebody who was in the directory in an earlier run. */
export interface KnownContact {
  /** Full text form. */
  readonly id: string
  /** As `192.168.1.10:3485` or `[fd00::1]:3485`. */
  readonly address: string
}

export interface DhtServiceOptions {
  readonly identity: Identity
  readonly endpoint: Pick<RequestsEndpoint, 'submit' | 'register'>
  readonly record: () => SignedPeerRecord
  readonly book: PeerBook
  readonly ids: KnownIds
  readonly membership: Pick<Membership, 'events' | 'members'>
  /** Whether datagrams may go to an address. */
  readonly mayReach: (address: Address) => boolean
  readonly known: readonly KnownContact[]
  readonly settings: Pick<KademliaOptions, 'validators' | 'table' | 'lookups'>
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** The farewell of a peer that stops: it must not hold up the rest. */
const LEAVE_MS = 1_000

export class DhtService {
  readonly kademlia: Kademlia
  readonly #options: DhtServiceOptions
  readonly #joiner: DhtJoiner
  readonly #abort = new AbortController()
  #unregister = (): void => {}

  /** Asks nobody before `start`. @throws KademliaError BAD_OPTION */
  constructor(options: DhtServiceOptions) {
    this.#options = options
    const { ids, book, identity, record, clock, random, logger, settings } = options
    this.kademlia = Kademlia.create({
      ...settings,
      identity,
      clock,
      random,
      logger,
      record,
      rpc: (to, request, { timeoutMs }) => this.#ask(to, request, timeoutMs),
      recordOf: (bytes) => {
        const id = ids.peek(bytes)
        return id === undefined ? undefined : book.get(id)?.record?.bytes
      },
    })
    this.#joiner = new DhtJoiner({ kademlia: this.kademlia, known: () => this.#known(), clock, logger })
  }

  /** Answers from now on, and joins as soon as somebody is met. @throws DispatchError HANDLER_EXISTS, CLOSED */
  start(): void {
    const options = {
      access: 'anyone',
      idempotent: true,
      classify: ({ body }: { body: Value }) => (wantsToStore(body) ? Priority.STORE : Priority.READ),
    } as const
    this.#unregister = this.#options.endpoint.register(RootCode.KADEMLIA, options, (event) => this.#answer(event))
    void this.#follow()
    this.#joiner.start()
  }

  /** A session stands: that peer is at that address, whatever it was asked before. */
  met(peer: PeerId, address: Address): void {
    this.kademlia.prove(contactOf(peer.bytes, address))
  }

  /** For `known` of the next run. */
  contacts(): KnownContact[] {
    return this.kademlia.contacts().map(({ id, address }) => ({
      id: this.#options.ids.of(id).toString(),
      address: formatAddress(address),
    }))
  }

  /** Takes this peer off its list, if that is done within a second, and ends. An aborted signal leaves the farewell out. */
  async close({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#joiner.close()
    this.#abort.abort()
    if (!signal?.aborted && this.kademlia.status().contacts > 0) await this.#leave(signal)
    this.#unregister()
    await this.kademlia.close()
  }

  async #ask(to: Contact, request: Value, timeoutMs: number): Promise<Value> {
    const { endpoint, ids, mayReach } = this.#options
    const { address } = to
    if (!mayReach(address)) {
      throw new DispatchError('NO_SOCKET', `${formatAddress(address)} lies in the subnet of no allowed interface`)
    }
    return endpoint.submit({ id: ids.of(to.id), address }, RootCode.KADEMLIA, request, { timeoutMs, idempotent: true })
  }

  #answer(event: { peer: PeerId; address: Address; body: Value; early: boolean }): Value {
    const { peer, address, body, early } = event
    this.#options.ids.note(peer)
    this.#joiner.heard()
    try {
      return this.kademlia.handle(body, { id: peer, address, early })
    } catch (cause) {
      if (!(cause instanceof KademliaError && cause.code === 'BAD_MESSAGE')) throw cause
      throw new DispatchError('BAD_INPUT', cause.message, { cause })
    }
  }

  /** Until the directory or membership is closed. */
  async #follow(): Promise<void> {
    const { membership, logger } = this.#options
    try {
      for await (const { type, peer, ...more } of membership.events({ signal: this.#abort.signal })) {
        if (type === 'up' || type === 'back') this.#joiner.offer(this.#hintsOf(peer))
        const left = type === 'offline' && 'reason' in more && more.reason === 'left'
        if (left || type === 'forgotten') this.kademlia.remove(peer.bytes)
      }
    } catch (error) {
      // Contacts that are gone are found out by asking them; newcomers ask by themselves.
      if (!this.#abort.signal.aborted) logger.warn({ err: error }, 'the directory hears of peers no more')
    }
  }

  *#known(): Iterable<readonly Contact[]> {
    for (const { id, address } of this.#options.known) {
      const contact = readContact(id, address)
      if (contact !== undefined) yield [contact]
    }
    for (const { peer, state } of this.#options.membership.members()) {
      if (state !== 'offline') yield this.#hintsOf(peer)
    }
  }

  /** Where a peer may be, best first. */
  #hintsOf(peer: PeerId): Contact[] {
    const { book, ids, mayReach } = this.#options
    ids.note(peer)
    const usable = book.addressesOf(peer).filter((address) => !address.host.includes('%') && mayReach(address))
    return usable.map((address) => contactOf(peer.bytes, address))
  }

  #leave(signal: AbortSignal | undefined): Promise<void> {
    const { clock, logger } = this.#options
    return new Promise((resolve) => {
      const limit = new AbortController()
      const end = (): void => {
        clock.clearTimeout(timer)
        signal?.removeEventListener('abort', end)
        limit.abort()
        resolve()
      }
      const timer = clock.setTimeout(end, LEAVE_MS)
      signal?.addEventListener('abort', end, { once: true })
      const left = this.kademlia.leave({ signal: limit.signal })
      left.catch((error: unknown) => logger.debug({ err: error }, 'could not leave the directory')).finally(end)
    })
  }
}

/** Undefined for what an earlier run cannot have written. */
function readContact(id: string, address: string): Contact | undefined {
  try {
    return contactOf(PeerId.parse(id).bytes, parseAddress(address))
  } catch {
    return undefined
  }
}
