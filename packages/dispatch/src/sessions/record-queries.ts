/**
 * Asking an address whose peer is unknown for that peer's record, before anything is proved: the record says with which key to begin
 * a handshake, and its signature that it is a peer's own; whether that peer is there only the handshake shows. Pure.
 */
import { type Network, packSessionPacket, REQUEST_NONCE_BYTES, type SessionPacket } from '@pc/identity'
import { type Address, type DatagramSocket, FIRST_TIMEOUT_MS, type Random, sameAddress } from '@pc/transport'
import { keyOfBytes } from '@pc/wire'
import { Deadlines, type Waiting } from '../deadlines.js'
import { DispatchError } from '../errors.js'
import { repetitionAfter } from './round-trip.js'

export interface RecordAnswer {
  /** The record's bytes, unsealed and not checked. */
  readonly record: Uint8Array
  readonly cookie: Uint8Array
}

export interface RecordQuery extends Waiting {
  readonly address: Address
  readonly via: DatagramSocket
  readonly nonce: string
  readonly packet: Uint8Array
  readonly startedAt: number
  readonly deadlineAt: number
  repetitions: number
  readonly settle: (error: unknown, answer?: RecordAnswer) => void
}

/** In a RECORD (see `session-packets.ts` of @pc/identity). */
const NONCE_OFFSET = 7
/** Queries at the same time. */
const MAX_QUERIES = 256

export class RecordQueries {
  readonly #network: Network
  readonly #random: Random
  readonly #queries = new Map<string, RecordQuery>()
  readonly #deadlines = new Deadlines<RecordQuery>()

  constructor(network: Network, random: Random) {
    this.#network = network
    this.#random = random
  }

  get size(): number {
    return this.#queries.size
  }

  get wakeAt(): number {
    return this.#deadlines.nextAt
  }

  /** Begins one; its packet is to be sent at once. @throws DispatchError TOO_MANY_PENDING */
  begin(
    address: Address,
    via: DatagramSocket,
    { now, timeoutMs, settle }: { now: number; timeoutMs: number; settle: RecordQuery['settle'] },
  ): RecordQuery {
    if (this.#queries.size >= MAX_QUERIES) {
      throw new DispatchError(
        'TOO_MANY_PENDING',
        `${MAX_QUERIES} peers are asked for their records already: wait for some`,
      )
    }
    const nonce = this.#random.bytes(REQUEST_NONCE_BYTES)
    const query: RecordQuery = {
      address,
      via,
      nonce: keyOfBytes(nonce),
      packet: packSessionPacket(this.#network, { type: 4, nonce }),
      startedAt: now,
      deadlineAt: now + timeoutMs,
      repetitions: 0,
      settle,
      dueAt: Number.POSITIVE_INFINITY,
    }
    this.#queries.set(query.nonce, query)
    this.#schedule(query)
    return query
  }

  /** Whether `bytes`, a RECORD that is not checked yet, names one of the queries to that address. */
  awaits(bytes: Uint8Array, from: Address): boolean {
    const query = this.#queries.get(keyOfBytes(bytes.subarray(NONCE_OFFSET, NONCE_OFFSET + REQUEST_NONCE_BYTES)))
    return query !== undefined && sameAddress(query.address, from)
  }

  /** The query that a RECORD from there answers, which is over then. */
  answered(
    packet: SessionPacket & { type: 5 },
    from: Address,
  ): { query: RecordQuery; answer: RecordAnswer } | undefined {
    const query = this.#queries.get(keyOfBytes(packet.nonce))
    if (query === undefined || !sameAddress(query.address, from)) return undefined
    const record = this.#network.openRecord(packet.sealed, packet.sealNonce)
    if (record === undefined) return undefined
    this.remove(query)
    return { query, answer: { record, cookie: Uint8Array.from(packet.cookie) } }
  }

  remove(query: RecordQuery): void {
    this.#queries.delete(query.nonce)
    this.#deadlines.clear(query)
  }

  /** Those to be sent again; those that are over are settled. */
  timer(now: number): RecordQuery[] {
    const again: RecordQuery[] = []
    for (let due = this.#deadlines.take(now); due !== undefined; due = this.#deadlines.take(now)) {
      if (now >= due.deadlineAt) {
        this.remove(due)
        due.settle(timeoutError(due.address))
        continue
      }
      due.repetitions += 1
      this.#schedule(due)
      again.push(due)
    }
    return again
  }

  close(error: unknown): void {
    for (const query of [...this.#queries.values()]) {
      this.remove(query)
      query.settle(error)
    }
  }

  #schedule(query: RecordQuery): void {
    const at = query.startedAt + repetitionAfter(query.repetitions + 1, FIRST_TIMEOUT_MS)
    this.#deadlines.set(query, Math.min(at, query.deadlineAt))
  }
}

function timeoutError({ host, port }: Address): DispatchError {
  const message = `nobody of this network answered at ${host} port ${port} in time: check that a peer runs there`
  return new DispatchError('REPLY_TIMEOUT', message)
}
