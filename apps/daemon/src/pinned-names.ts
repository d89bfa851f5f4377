/**
 * Writes newly pinned names soon after they are pinned: a killed daemon must not free the names of others. With them go the contacts of the
 * directory as they are then, and the number of this run in gossip, which is written at once.
 */
import type { Peer } from '@pc/peer'
import type { Logger } from '@pc/transport'
import { type DaemonState, writeState } from './state-file.js'

/** Several peers usually come up together: one write serves them. */
const WRITE_AFTER_MS = 500

export class PinnedNames {
  readonly #peer: Peer
  readonly #path: string
  readonly #logger: Logger
  #timer: NodeJS.Timeout | undefined
  #written = ''

  /** Watches until the peer's events end. */
  constructor(peer: Peer, path: string, logger: Logger) {
    this.#peer = peer
    this.#path = path
    this.#logger = logger
    this.#saveBehind()
    void this.#watch()
  }

  /** Writes what has changed; throws what the file system says. */
  save(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const state = this.#state()
    const text = JSON.stringify(state)
    if (text === this.#written) return
    writeState(this.#path, state)
    this.#written = text
  }

  #state(): DaemonState {
    const contacts = [...this.#peer.knownContacts()]
    return { version: 1, names: this.#peer.names(), contacts, gossipBoot: this.#peer.gossip.boot }
  }

  async #watch(): Promise<void> {
    try {
      for await (const event of this.#peer.events()) {
        // A peer that comes back may have another name.
        if (event.type === 'up' || event.type === 'back')
          this.#timer ??= setTimeout(() => this.#saveBehind(), WRITE_AFTER_MS)
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'events ended early: pinned names are written when the daemon stops')
    }
  }

  #saveBehind(): void {
    try {
      this.save()
    } catch (error) {
      this.#logger.error({ err: error, path: this.#path }, 'the state of the daemon cannot be written')
    }
  }
}
