import type { Clock } from './ports.js'
import { LOOK_EVERY_MS, Progress } from './progress.js'

/** Something that should move. */
export interface Watched {
  /** A count that grows when it moves; undefined while there is nothing to wait for. */
  readonly count: () => number | undefined
  /** What the count must grow by within 10 s. */
  readonly least: number
  /** Called once; nothing is watched any more then. */
  readonly onStalled: () => void
}

/** Looks every 5 s whether what should move does, and only while something should. */
export class StallWatch {
  readonly #clock: Clock
  readonly #watched: readonly { readonly what: Watched; readonly progress: Progress }[]
  #timer: unknown
  #stopped = false

  constructor(clock: Clock, watched: readonly Watched[]) {
    this.#clock = clock
    this.#watched = watched.map((what) => ({ what, progress: new Progress(what.least) }))
  }

  /** From now on something should move. */
  start(): void {
    if (this.#timer === undefined && !this.#stopped) this.#look()
  }

  /** For good. */
  stop(): void {
    this.#stopped = true
    this.#clock.clearTimeout(this.#timer)
  }

  #look(): void {
    this.#timer = undefined
    let waits = false
    for (const { what, progress } of this.#watched) {
      const count = what.count()
      if (count === undefined) {
        progress.reset()
      } else if (progress.look(count)) {
        this.stop()
        what.onStalled()
        return
      } else {
        waits = true
      }
    }
    if (waits) this.#timer = this.#clock.setTimeout(() => this.#look(), LOOK_EVERY_MS)
  }
}
