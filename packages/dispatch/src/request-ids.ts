/** Random ids of requests, cut from many random bytes at a time: asking for eight costs as much as asking for thousands. */
import type { Random } from '@pc/transport'
import { REQUEST_ID_BYTES } from './sessions/sealed-message.js'

const POOL_BYTES = 4_096

export class RequestIds {
  readonly #random: Random
  #pool: Uint8Array = new Uint8Array(0)
  #used = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** A view, which nobody else has; copy what is kept for long. */
  next(): Uint8Array {
    if (this.#used + REQUEST_ID_BYTES > this.#pool.length) {
      this.#pool = this.#random.bytes(POOL_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used += REQUEST_ID_BYTES
    return this.#pool.subarray(start, this.#used)
  }
}
