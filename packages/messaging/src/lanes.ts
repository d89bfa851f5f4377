/**
 * Tasks in lanes: those of one lane start in order, at most `width` of them at a time, and a lane that stands still
 * holds up no other. Pure: no clock, no logger. Tasks must not reject.
 */
export interface LanesOptions {
  /** Tasks of one lane that run at the same time. */
  readonly width: number
  /** Tasks of one lane that wait. */
  readonly perLane: number
  /** Tasks of all lanes together that wait. */
  readonly total: number
}

/** A place in a lane. */
export interface Place {
  /** Gives up waiting: `true`, and the task never starts. `false`: it has started. */
  leave(): boolean
}

type Task = () => Promise<void>

interface Lane {
  running: number
  readonly waiting: Set<Task>
}

export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #onIdle: (() => void)[] = []
  #waiting = 0

  constructor(options: LanesOptions) {
    this.#options = options
  }

  /** Whether `enter` would find a place. */
  hasRoom(key: string): boolean {
    const lane = this.#lanes.get(key)
    if (lane === undefined || lane.running < this.#options.width) return true
    return lane.waiting.size < this.#options.perLane && this.#waiting < this.#options.total
  }

  /** Starts the task, or lets it wait for its turn. `undefined`: the lane, or all of them together, are full. */
  enter(key: string, task: Task): Place | undefined {
    if (!this.hasRoom(key)) return undefined
    const lane = this.#lane(key)
    if (lane.running < this.#options.width) {
      this.#start(key, lane, task)
      return { leave: () => false }
    }
    lane.waiting.add(task)
    this.#waiting++
    return { leave: () => this.#drop(lane, task) }
  }

  /** Something that is no task takes up a place until it settles, even if there is none: then the next tasks wait. */
  hold(key: string, work: Promise<unknown>): void {
    const settled = (): void => {}
    this.#start(key, this.#lane(key), () => work.then(settled, settled))
  }

  /** Resolves when nothing runs or waits. */
  idle(): Promise<void> {
    if (this.#lanes.size === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  #lane(key: string): Lane {
    const lane = this.#lanes.get(key) ?? { running: 0, waiting: new Set() }
    this.#lanes.set(key, lane)
    return lane
  }

  #start(key: string, lane: Lane, task: Task): void {
    lane.running++
    void task().finally(() => {
      lane.running--
      const [next] = lane.waiting
      if (next !== undefined && lane.running < this.#options.width) {
        this.#drop(lane, next)
        this.#start(key, lane, next)
      } else if (lane.running === 0) this.#remove(key)
    })
  }

  #drop(lane: Lane, task: Task): boolean {
    if (!lane.waiting.delete(task)) return false
    this.#waiting--
    return true
  }

  #remove(key: string): void {
    this.#lanes.delete(key)
    if (this.#lanes.size > 0) return
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }
}
