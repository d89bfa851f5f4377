/**
 * Write tokens (BEP 5, BEP 44): whoever wants to store under a key has asked for that key before, from that address and under that id. So
 * nobody can be made to store by a forged source, and a token taken from somebody else is worth nothing. Nothing is kept per asker.
 *
 *     token = HMAC-SHA-256(secret, key (32) || id (32) || host as text)[0..8]
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Random } from '@pc/transport'
import type { Contact } from './contact.js'
import type { Position } from './position.js'

export const TOKEN_BYTES = 8
/** A secret gives tokens for so long and is accepted for as long again: a token is good for 5 to 10 minutes. */
export const TOKEN_SECRET_LIFE_MS = 300_000
const SECRET_BYTES = 32

/** Who asks. The port does not count: a peer may send from another socket. */
export type Asker = Pick<Contact, 'id' | 'address'>

export class Tokens {
  readonly #random: Random
  #secret: Uint8Array
  #former: Uint8Array
  #since: number

  private constructor(random: Random, now: number) {
    this.#random = random
    this.#secret = random.bytes(SECRET_BYTES)
    this.#former = random.bytes(SECRET_BYTES)
    this.#since = now
  }

  static create(random: Random, now: number): Tokens {
    return new Tokens(random, now)
  }

  /** What lets that asker store under that key for the next minutes: 8 bytes of the caller's own. */
  issue(asker: Asker, key: Position, now: number): Uint8Array {
    this.#rotate(now)
    return token(this.#secret, asker, key)
  }

  /** Whether it was issued to that asker for that key lately. How much of a wrong one is right cannot be told from the time it takes. */
  accepts(candidate: Uint8Array, asker: Asker, key: Position, now: number): boolean {
    if (candidate.length !== TOKEN_BYTES) return false
    this.#rotate(now)
    return (
      timingSafeEqual(candidate, token(this.#secret, asker, key)) ||
      timingSafeEqual(candidate, token(this.#former, asker, key))
    )
  }

  #rotate(now: number): void {
    const lives = Math.floor((now - this.#since) / TOKEN_SECRET_LIFE_MS)
    if (lives < 1) return
    this.#former = lives === 1 ? this.#secret : this.#random.bytes(SECRET_BYTES)
    this.#secret = this.#random.bytes(SECRET_BYTES)
    this.#since += lives * TOKEN_SECRET_LIFE_MS
  }
}

/** Only the host differs in length, and comes last: no two askers or keys are the same bytes. */
function token(secret: Uint8Array, { id, address }: Asker, key: Position): Uint8Array {
  const digest = createHmac('sha256', secret).update(key).update(id).update(address.host).digest()
  return new Uint8Array(digest.subarray(0, TOKEN_BYTES))
}
