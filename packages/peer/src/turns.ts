import { KademliaError } from '@pc/kademlia'

/** Works of one name one after the other, of different names beside each other. */
export class Turns {
  readonly #max: number
  readonly #last = new Map<string, { count: number; end: Promise<unknown> }>()

  /** @param max works of one name that run or wait; one more is refused */
  constructor(max = 64) {
    this.#max = max
  }

  /** Settles as `work` does. Rejects with KademliaError BUSY when too many wait. */
  async take<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    const queue = this.#last.get(name) ?? { count: 0, end: Promise.resolve() }
    if (queue.count >= this.#max) {
      throw new KademliaError('BUSY', `${this.#max} puts under one name wait for each other: wait for some of them`)
    }
    queue.count += 1
    this.#last.set(name, queue)
    const done = queue.end.then(work)
    queue.end = done.catch(() => {})
    try {
      return await done
    } finally {
      queue.count -= 1
      if (queue.count === 0) this.#last.delete(name)
    }
  }
}
