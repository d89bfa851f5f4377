/** Which thread takes the next task: places, and pauses after threads that died. Pure: `now` is passed in. */

const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 10_000

interface Place {
  /** Deaths since the last task that ended well. */
  deaths: number
  /** Nothing starts here before, ms. */
  notBefore: number
}

export class WorkerPlan {
  readonly #places: readonly Place[]
  /** Free ones, the one used last at the end: it is taken first, so that the others can go idle and end. */
  readonly #free: number[]

  constructor(threads: number) {
    this.#places = Array.from({ length: threads }, () => ({ deaths: 0, notBefore: -Infinity }))
    this.#free = Array.from({ length: threads }, (_, index) => threads - 1 - index)
  }

  /** Takes a place; `undefined`: none is free, or those that are free pause. */
  take(now: number): number | undefined {
    const at = this.#free.findLastIndex((place) => this.#notBefore(place) <= now)
    return at === -1 ? undefined : this.#free.splice(at, 1)[0]
  }

  /** The place is free again. After a thread died there it pauses, each further time twice as long. */
  release(place: number, now: number, died: boolean): void {
    const state = this.#places[place] as Place
    state.deaths = died ? state.deaths + 1 : 0
    state.notBefore = died ? now + Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (state.deaths - 1)) : -Infinity
    this.#free.push(place)
  }

  /** When the next of the free places may be used, ms; `undefined`: none is free. */
  readyAt(): number | undefined {
    return this.#free.length === 0 ? undefined : Math.min(...this.#free.map((place) => this.#notBefore(place)))
  }

  #notBefore(place: number): number {
    return (this.#places[place] as Place).notBefore
  }
}
