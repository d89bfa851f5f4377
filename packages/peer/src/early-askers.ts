/**
 * Peers whose first request rode in the first message of a handshake. That message proves nothing yet: who has copied it can send it from
 * anywhere. The handshake ends a moment later, so they are looked at then.
 */
import type { PeerId } from '@pc/identity'
import { type Address, type Clock, formatAddress } from '@pc/transport'

export interface EarlyAskersOptions {
  readonly clock: Clock
  readonly isProved: (id: PeerId, address: Address) => boolean
  readonly onProved: (id: PeerId, address: Address) => void
}

/** Beyond it those that wait longest are forgotten: whoever asks again is proved by that. */
const MAX_WAITING = 256
/** By then the other side has used the session, unless a message was lost. */
const LOOK_AFTER_MS = 250

export class EarlyAskers {
  readonly #options: EarlyAskersOptions
  /** The one that waits longest first. */
  readonly #waiting = new Map<string, { id: PeerId; address: Address; at: number }>()
  #timer: unknown
  #closed = false

  constructor(options: EarlyAskersOptions) {
    this.#options = options
  }

  note(id: PeerId, address: Address): void {
    if (this.#closed) return
    const key = `${id.toString()} ${formatAddress(address)}`
    this.#waiting.delete(key)
    this.#waiting.set(key, { id, address, at: this.#options.clock.now() })
    const [oldest] = this.#waiting.keys()
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) this.#waiting.delete(oldest)
    this.#timer ??= this.#options.clock.setTimeout(() => this.#look(), LOOK_AFTER_MS)
  }

  close(): void {
    this.#closed = true
    this.#waiting.clear()
    this.#options.clock.clearTimeout(this.#timer)
  }

  #look(): void {
    this.#timer = undefined
    const { clock, isProved, onProved } = this.#options
    const now = clock.now()
    for (const [key, { id, address, at }] of this.#waiting) {
      if (now - at < LOOK_AFTER_MS) {
        this.#timer = clock.setTimeout(() => this.#look(), at + LOOK_AFTER_MS - now)
        return
      }
      this.#waiting.delete(key)
      if (isProved(id, address)) onProved(id, address)
    }
  }
}
