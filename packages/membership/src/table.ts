/** Everybody this peer knows of: at most `maxPeers`; when it is full the peer that is offline longest makes room. */
import type { PeerId } from '@pc/identity'
import { keyOfBytes } from '@pc/wire'
import type { Entry } from './member.js'
import { type PeerState, requireLegal } from './peer-state.js'

export class Table {
  readonly #maxPeers: number
  readonly #entries = new Map<string, Entry>()
  /** Keys of those that are offline, the one offline longest first. */
  readonly #offline = new Set<string>()
  /** Those with a control connection. */
  readonly linked: Set<Entry> = new Set<Entry>()

  constructor(maxPeers: number) {
    this.#maxPeers = maxPeers
  }

  get size(): number {
    return this.#entries.size
  }

  /** Those that are not offline. */
  get live(): number {
    return this.#entries.size - this.#offline.size
  }

  of(peer: PeerId): Entry | undefined {
    return this.#entries.get(keyOfBytes(peer.bytes))
  }

  get(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  all(): Iterable<Entry> {
    return this.#entries.values()
  }

  /** Who must go before another one can be added. Undefined: there is room; `full`: and nobody can make any. */
  whoMakesRoom(): Entry | 'full' | undefined {
    if (this.#entries.size < this.#maxPeers) return undefined
    for (const key of this.#offline) return this.#entries.get(key) ?? 'full'
    return 'full'
  }

  add(entry: Entry): void {
    requireLegal('unknown', entry.state)
    this.#entries.set(entry.key, entry)
  }

  remove(entry: Entry): void {
    requireLegal(entry.state, 'unknown')
    entry.gone = true
    this.#entries.delete(entry.key)
    this.#offline.delete(entry.key)
    this.linked.delete(entry)
  }

  /** `now` for people, `at` for rules. */
  become(entry: Entry, to: PeerState, now: number, at: number): void {
    requireLegal(entry.state, to, entry.left)
    entry.state = to
    entry.since = now
    entry.becameAt = at
    if (to === 'offline') this.#offline.add(entry.key)
    else this.#offline.delete(entry.key)
  }
}
