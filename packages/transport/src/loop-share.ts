/**
 * What one direction of a connection moves before it lets the rest of the process have a turn. A write that the kernel takes at once, and
 * a read of what waits there, both go on without the event loop getting round: several megabytes, and 10 to 20 ms, for a fast transfer on one
 * machine, in which no other connection is heard.
 */

/** While others move something too: 0.2 ms of a fast transfer, at each end. Costs it about a tenth of its speed. */
const SHARED_BYTES = 49_152
/** While nobody else does. */
const ALONE_BYTES = 524_288
/** So many yields in a row, in either direction, with nobody else moving anything: then it is alone. Some 20 ms of a fast transfer. */
const TURNS_UNTIL_ALONE = 128

/** Which stream moves bytes, of all that share it: all connections of this peer. */
export class LoopUse {
  #mover: object | undefined
  #turns = 0

  /** What may be moved in one turn. */
  get bytes(): number {
    return this.#turns < TURNS_UNTIL_ALONE ? SHARED_BYTES : ALONE_BYTES
  }

  moves(mover: object): void {
    if (mover === this.#mover) return
    this.#mover = mover
    this.#turns = 0
  }

  turned(): void {
    this.#turns += 1
  }
}

/** Yields after so many bytes, however long they took: an extra turn of the loop costs far less than moving them. */
export class LoopShare {
  readonly #use: LoopUse
  readonly #stream: object
  readonly #onTurn: () => void
  #moved = 0
  #yielding = false

  /**
   * @param stream whose bytes these are; its two directions are not others to each other
   * @param onTurn called when the loop has got round after a yield
   */
  constructor(use: LoopUse, stream: object, onTurn: () => void) {
    this.#use = use
    this.#stream = stream
    this.#onTurn = onTurn
  }

  /** Nothing is to be moved before `onTurn`. */
  get yielding(): boolean {
    return this.#yielding
  }

  /** How many bytes may still be moved before the next yield: at least one while it does not yield, or nothing would make it yield. */
  get left(): number {
    return this.#yielding ? 0 : Math.max(1, this.#use.bytes - this.#moved)
  }

  spend(bytes: number): void {
    this.#use.moves(this.#stream)
    this.#moved += bytes
    if (this.#yielding || this.#moved < this.#use.bytes) return
    this.#yielding = true
    setImmediate(() => {
      this.#use.turned()
      this.#yielding = false
      this.#moved = 0
      this.#onTurn()
    })
  }
}
