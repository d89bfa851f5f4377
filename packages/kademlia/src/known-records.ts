import type { SignedPeerRecord } from '@pc/identity'
import { keyOf } from './contact.js'

/** Records of peers that were found, the latest of each: with one at hand a peer is found without asking anybody. Pure. */
export class KnownRecords {
  readonly #max: number
  readonly #records = new Map<string, SignedPeerRecord>()

  /** @param max records; the one that was noted first makes room */
  constructor(max = 10_000) {
    this.#max = max
  }

  get size(): number {
    return this.#records.size
  }

  get(id: Uint8Array): SignedPeerRecord | undefined {
    return this.#records.get(keyOf(id))
  }

  /** Keeps it, unless a newer one is there. */
  note(record: SignedPeerRecord): void {
    const key = keyOf(record.id.bytes)
    const held = this.#records.get(key)
    if (held !== undefined && held.sequence >= record.sequence) return
    this.#records.delete(key)
    const [oldest] = this.#records.keys()
    if (this.#records.size >= this.#max && oldest !== undefined) this.#records.delete(oldest)
    this.#records.set(key, record)
  }

  forget(id: Uint8Array): void {
    this.#records.delete(keyOf(id))
  }
}
