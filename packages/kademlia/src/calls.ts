import type { Clock } from '@pc/transport'
import type { Value } from '@pc/wire'
import type { Contact } from './contact.js'
import { KademliaError } from './errors.js'
import { encodeRequest, type Request } from './messages.js'
import type { ProvedOutcome, RoutingTable } from './routing-table.js'

export interface RpcOptions {
  /** Within which the request may be repeated, ms; then it is given up. */
  readonly timeoutMs: number
}

/**
 * How requests reach others: sent to a peer at an address, repeated while it is silent, and settled with its answer. The port proves that the answer is
 * that peer's, given at that address. Rejects when there is none in time, for whatever reason. What is sent is small: it fits a datagram of 1,200
 * bytes, and so does the answer. It may be run twice by the other side.
 */
export type Rpc = (to: Contact, request: Value, options: RpcOptions) => Promise<Value>

/** A request is given up after so many of its round-trip time-outs (protocols of this kind give up after seconds; a local network answers within ms). */
const ABANDONED = 7
/** The first request to a peer may need a handshake, and that peer's machine may be busy; one that answered before needs less. */
const [LEAST_TIMEOUT_MS, LEAST_TIMEOUT_OF_KNOWN_MS] = [175, 100]
/** Hints that are asked at a time: each may cost a handshake. */
const MET_AT_ONCE = 16

export interface CallsOptions {
  readonly rpc: Rpc
  readonly table: RoutingTable
  readonly clock: Clock
  /** Somebody is new in the table. */
  readonly onArrival?: (contact: Contact) => void
}

/** Requests to others, and what their outcomes say of the contacts. */
export class Calls {
  readonly #options: CallsOptions
  #closed = false
  #sent = 0

  constructor(options: CallsOptions) {
    this.#options = options
  }

  /** Requests so far. */
  get sent(): number {
    return this.#sent
  }

  /** How long to wait for an answer of that contact before it counts as slow, ms. */
  timeoutOf(contact: Contact): number {
    return this.#options.table.timeoutOf(contact)
  }

  /**
   * Asks, and reads the answer. Rejects with whatever the port rejects with, KademliaError BAD_MESSAGE for an answer that cannot be read, or CLOSED.
   */
  async ask<Answer>(contact: Contact, request: Request, read: (answer: Value) => Answer): Promise<Answer> {
    const { rpc, table, clock } = this.#options
    if (this.#closed) throw closed()
    this.#sent += 1
    const startedAt = clock.now()
    const least = table.hasAnswered(contact) ? LEAST_TIMEOUT_OF_KNOWN_MS : LEAST_TIMEOUT_MS
    const timeoutMs = Math.max(least, ABANDONED * this.timeoutOf(contact))
    let value: Value
    try {
      value = await rpc(contact, encodeRequest(request), { timeoutMs })
    } catch (error) {
      if (!this.#closed) table.failed(contact, clock.now(), startedAt)
      throw error
    }
    const now = clock.now()
    this.#take(table.answered(contact, now - startedAt, now), contact)
    return read(value)
  }

  /** Somebody was proved to be at that address: by an answer, a request, or whatever else the transport knows. */
  prove(contact: Contact): void {
    const { table, clock } = this.#options
    if (!this.#closed) this.#take(table.proved(contact, clock.now()), contact)
  }

  /** Whether that contact answers. Never rejects. */
  async ping(contact: Contact): Promise<boolean> {
    return this.ask(contact, { type: 'ping' }, () => true).catch(() => false)
  }

  /** Asks hints whether they are there: whoever answers becomes a contact. Resolves with how many did; never rejects. */
  async meet(hints: readonly Contact[]): Promise<number> {
    const waiting = [...hints]
    let met = 0
    const askNext = async (): Promise<void> => {
      for (let hint = waiting.shift(); hint !== undefined; hint = waiting.shift()) if (await this.ping(hint)) met++
    }
    await Promise.all(Array.from({ length: MET_AT_ONCE }, askNext))
    return met
  }

  close(): void {
    this.#closed = true
  }

  #take({ added, check }: ProvedOutcome, contact: Contact): void {
    if (added) this.#options.onArrival?.(contact)
    // The bucket is full: if its oldest contact is silent, the newcomer takes its place.
    if (check !== undefined) void this.ping(check)
  }
}

export function closed(): KademliaError {
  return new KademliaError('CLOSED', 'the directory was closed: create another one')
}
