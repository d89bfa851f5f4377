/** Stores that nobody may take, sent to one node by another that may speak to it. */
import { DispatchError } from '@pc/dispatch'
import { type DhtRecord, plainRecord, type SignedRecord, signRecord } from '@pc/kademlia'
import type { SeededRandom } from '@pc/testkit'
import { encodeValue, type Value } from '@pc/wire'
import type { KadNode } from './kad-node.js'

const [GET, STORE] = [2, 3]
const OK = 0
/** With a form of one byte more than the greatest value. */
const OVERSIZED = 1_001
const TIMEOUT_MS = 1_000

/** What the victim itself says by an error. */
const REFUSED: ReadonlySet<string> = new Set(['BAD_INPUT', 'REMOTE_ERROR', 'HANDLER_FAILED'])

export const KINDS = ['forged', 'replayed', 'older', 'oversized', 'without token'] as const

/** One attacker against one victim: what it stored there by the rules, and what it then tries. */
export class StoreAttack {
  readonly #attacker: KadNode
  readonly #victim: KadNode
  readonly #random: SeededRandom
  readonly #newest: SignedRecord
  /** The token that somebody else was given, as it went over the wire. */
  readonly #otherToken: Uint8Array
  readonly #token: Uint8Array

  private constructor(
    parts: { attacker: KadNode; victim: KadNode; random: SeededRandom },
    newest: SignedRecord,
    tokens: { own: Uint8Array; other: Uint8Array },
  ) {
    this.#attacker = parts.attacker
    this.#victim = parts.victim
    this.#random = parts.random
    this.#newest = newest
    this.#token = tokens.own
    this.#otherToken = tokens.other
  }

  /** Stores one record at the victim, of which older ones will be tried. */
  static async begin(parts: {
    attacker: KadNode
    victim: KadNode
    bystander: KadNode
    random: SeededRandom
  }): Promise<StoreAttack> {
    const { attacker, victim, bystander, random } = parts
    const salt = random.bytes(8)
    const newest = signRecord(attacker.identity, { salt, sequence: 1_000_000, value: random.bytes(100) })
    const own = await tokenFrom(attacker, victim, newest)
    const other = await tokenFrom(bystander, victim, newest)
    const [status] = (await attacker.ask(victim.contact, [STORE, newest.bytes, own, 0, null], TIMEOUT_MS)) as [number]
    if (status !== OK) throw new Error(`the record that is to be attacked was not taken: ${status}`)
    return new StoreAttack(parts, newest, { own, other })
  }

  /** Whether one such store was refused. */
  async refused(kind: (typeof KINDS)[number]): Promise<boolean> {
    try {
      const [status] = (await this.#attacker.ask(this.#victim.contact, this.#request(kind), TIMEOUT_MS)) as [number]
      return status !== OK
    } catch (error) {
      // The request itself was refused. Anything else says nothing: it may have got lost.
      if (error instanceof DispatchError && REFUSED.has(error.code)) return true
      throw error
    }
  }

  #request(kind: (typeof KINDS)[number]): Value {
    const random = this.#random
    const { salt, author } = this.#newest
    switch (kind) {
      case 'forged': {
        // Newer than what is there, with its author, and signed by nobody.
        const fields = [author, salt, 1_000_000 + random.integer(1, 1_000_000), random.bytes(100), random.bytes(64)]
        return [STORE, encodeValue(fields), this.#token, 0, null]
      }
      case 'replayed':
        return [STORE, this.#newest.bytes, this.#otherToken, 0, null]
      case 'older': {
        const sequence = random.integer(0, 999_999)
        const record = signRecord(this.#attacker.identity, { salt, sequence, value: random.bytes(100) })
        return [STORE, record.bytes, this.#token, 0, null]
      }
      case 'oversized':
        return [STORE, encodeValue([random.bytes(OVERSIZED)]), this.#token, 0, null]
      default:
        return [STORE, plainRecord(random.bytes(100)).bytes, new Uint8Array(8), 0, null]
    }
  }
}

async function tokenFrom(asker: KadNode, holder: KadNode, { key }: DhtRecord): Promise<Uint8Array> {
  const answer = await asker.ask(holder.contact, [GET, key, Number.MAX_SAFE_INTEGER], TIMEOUT_MS)
  if (Array.isArray(answer) && answer[1] instanceof Uint8Array) return answer[1]
  throw new Error(`expected a token of ${holder.name}`)
}
