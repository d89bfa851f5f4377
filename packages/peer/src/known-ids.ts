/** The `PeerId` objects of ids that were met lately: checking that 32 bytes are a key costs more than most requests. */
import { PeerId } from '@pc/identity'
import { keyOf } from '@pc/kademlia'

/** Ids kept; beyond it the one that was not used for longest goes. */
const MAX_IDS = 4_096

export class KnownIds {
  readonly #max: number
  readonly #ids = new Map<string, PeerId>()

  constructor(max: number = MAX_IDS) {
    this.#max = max
  }

  /** @throws IdentityError BAD_PEER_ID for bytes that are no key */
  of(bytes: Uint8Array): PeerId {
    const known = this.peek(bytes)
    if (known !== undefined) return known
    const id = PeerId.fromBytes(bytes)
    this.note(id)
    return id
  }

  /** Undefined for an id that was not met, or long ago. */
  peek(bytes: Uint8Array): PeerId | undefined {
    const id = this.#ids.get(keyOf(bytes))
    if (id !== undefined) this.note(id)
    return id
  }

  note(id: PeerId): void {
    const key = keyOf(id.bytes)
    this.#ids.delete(key)
    const [oldest] = this.#ids.keys()
    if (this.#ids.size >= this.#max && oldest !== undefined) this.#ids.delete(oldest)
    this.#ids.set(key, id)
  }
}
