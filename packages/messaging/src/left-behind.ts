/**
 * Calls of a handler that nobody waits for any more and that run on all the same, because the handler ignores its signal.
 * Pure. Their places are given on, but not without limit: half of it is for one peer, so that nobody uses it up by asking
 * and giving up.
 */
export class LeftBehind {
  readonly #limit: number
  readonly #byPeer = new Map<string, number>()
  #size = 0

  /** @param limit calls of all peers together */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Counts a call until it settles. `false`: there are too many, and it keeps its place. */
  add(peer: string, call: Promise<unknown>): boolean {
    const ofPeer = this.#byPeer.get(peer) ?? 0
    if (this.#size >= this.#limit || ofPeer >= this.#limit / 2) return false
    this.#size++
    this.#byPeer.set(peer, ofPeer + 1)
    const settled = (): void => this.#remove(peer)
    call.then(settled, settled) // its outcome was answered already
    return true
  }

  #remove(peer: string): void {
    this.#size--
    const left = (this.#byPeer.get(peer) ?? 0) - 1
    if (left > 0) this.#byPeer.set(peer, left)
    else this.#byPeer.delete(peer)
  }
}
