/**
 * What one direction of a connection moves before it lets the rest of the process have a turn. A write that the kernel takes at once, and
 * a read of what waits there, both go on without the event loop getting round: several megabytes, and 10 to 20 ms, for a fast transfer on one
 * machine, in which no other connection is heard.
 */
const BYTES = 524_288

/** Yields after so many bytes, however long they took: an extra turn of the loop costs far less than moving them. */
export class LoopShare {
  readonly #onTurn: () => void
  #moved = 0
  #yielding = false

  /** @param onTurn called when the loop has got round after a yield */
  constructor(onTurn: () => void) {
    this.#onTurn = onTurn
  }

  /** Nothing is to be moved before `onTurn`. */
  get yielding(): boolean {
    return this.#yielding
  }

  /** How many bytes may still be moved before the next yield. */
  get left(): number {
    return this.#yielding ? 0 : BYTES - this.#moved
  }

  spend(bytes: number): void {
    this.#moved += bytes
    if (this.#moved < BYTES || this.#yielding) return
    this.#yielding = true
    setImmediate(() => {
      this.#yielding = false
      this.#moved = 0
      this.#onTurn()
    })
  }
}
