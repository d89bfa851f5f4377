/**
 * Proof that whoever asks gets what is sent to the address that he asks from, without remembering him: a MAC over the address under
 * a secret that lives two minutes (RFC 9147 §5.1 has the idea). Pure: `now` is passed in.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { COOKIE_BYTES } from '@pc/identity'
import type { Address, Random } from '@pc/transport'

/** A cookie is good for one to two of these. */
const SECRET_LIFE_MS = 60_000
const SECRET_BYTES = 32

/** Stands for "no cookie" on the wire. */
export const NO_COOKIE: Uint8Array = new Uint8Array(COOKIE_BYTES)

export class Cookies {
  readonly #random: Random
  #secret: Uint8Array
  #former: Uint8Array
  #changedAt = Number.NEGATIVE_INFINITY

  constructor(random: Random) {
    this.#random = random
    this.#secret = random.bytes(SECRET_BYTES)
    this.#former = this.#secret
  }

  /** For what is sent to `address` now. */
  of(address: Address, now: number): Uint8Array {
    this.#rotate(now)
    return cookie(this.#secret, address)
  }

  /** Whether it was sent to `address` lately; in constant time. */
  fits(candidate: Uint8Array, address: Address, now: number): boolean {
    if (candidate.length !== COOKIE_BYTES || isNone(candidate)) return false
    this.#rotate(now)
    return (
      timingSafeEqual(candidate, cookie(this.#secret, address)) ||
      timingSafeEqual(candidate, cookie(this.#former, address))
    )
  }

  #rotate(now: number): void {
    const age = now - this.#changedAt
    if (age < SECRET_LIFE_MS) return
    this.#former = age < 2 * SECRET_LIFE_MS ? this.#secret : this.#random.bytes(SECRET_BYTES)
    this.#secret = this.#random.bytes(SECRET_BYTES)
    this.#changedAt = now
  }
}

function cookie(secret: Uint8Array, { host, port }: Address): Uint8Array {
  return createHmac('sha256', secret).update(`${host} ${port}`).digest().subarray(0, COOKIE_BYTES)
}

function isNone(candidate: Uint8Array): boolean {
  for (const byte of candidate) if (byte !== 0) return false
  return true
}
