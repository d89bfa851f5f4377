/** Writes down every change of a peer's state that a daemon reports, by looking again and again. */
import { type DaemonProcess, delay, type SeenPeer } from '../daemon-process.js'

/** A state that lasts shorter may be missed; that there was one still shows in `since`. */
const LOOK_EVERY_MS = 50

export interface Change {
  readonly observer: string
  readonly peer: string
  readonly state: SeenPeer['state']
  /** Unix ms, by the observer's clock. */
  readonly since: number
}

export class StateWatch {
  readonly changes: Change[] = []
  #running = true

  constructor(observers: readonly DaemonProcess[]) {
    for (const observer of observers) void this.#watch(observer)
  }

  /** Changes to that state, of those pairs that `wanted` accepts. */
  count(state: SeenPeer['state'], wanted: (change: Change) => boolean = () => true): number {
    return this.changes.filter((change) => change.state === state && wanted(change)).length
  }

  /** Does not wait: an observer that is paused may still owe an answer. */
  stop(): void {
    this.#running = false
  }

  async #watch(observer: DaemonProcess): Promise<void> {
    const known = new Map<string, SeenPeer>()
    while (this.#running) {
      try {
        for (const peer of await observer.peers()) {
          const before = known.get(peer.id)
          known.set(peer.id, peer)
          if (!this.#running || before === undefined) continue
          if (before.state === peer.state && before.since === peer.since) continue
          this.changes.push({ observer: observer.name, peer: peer.name, state: peer.state, since: peer.since })
        }
      } catch {
        // Killed for a while, as scenarios do; whether it should run is theirs to check.
      }
      await delay(LOOK_EVERY_MS)
    }
  }
}
