/**
 * Whom to probe next (SWIM §4.3): a shuffled list gone through from the front, newcomers put at a random place, shuffled again at its end. So
 * everybody is probed within two rounds at the latest, and a crash is noticed by somebody within a few periods whatever the number of peers.
 */
import type { Entry } from './member.js'

/** Places beyond twice those who are there. */
const ROOM = 64

export class RoundRobin {
  readonly #random: () => number
  #order: Entry[] = []
  #next = 0
  /** With so many in it the list is looked through for those who are gone: else many who come and go fill it between two ends. */
  #full = ROOM

  constructor(random: () => number) {
    this.#random = random
  }

  /** Those who are gone since the list was last looked through are among them. */
  get size(): number {
    return this.#order.length
  }

  add(entry: Entry): void {
    if (this.#order.length >= this.#full) this.#dropGone()
    this.#order.push(entry)
    this.#swap(this.#order.length - 1, this.#index(this.#next))
  }

  /** The next one that is wanted; undefined when none of the list is. */
  next(wanted: (entry: Entry) => boolean): Entry | undefined {
    for (let tried = this.#order.length; tried > 0; tried--) {
      if (this.#next >= this.#order.length) this.#shuffle()
      const entry = this.#order[this.#next++]
      if (entry !== undefined && !entry.gone && wanted(entry)) return entry
    }
    return undefined
  }

  /** Different ones by chance, as many as asked for if there are. */
  pick(count: number, wanted: (entry: Entry) => boolean): Entry[] {
    const picked: Entry[] = []
    // By chance from a long list; a short one is gone through from a random place.
    const { length } = this.#order
    const few = length <= 4 * count
    const from = this.#index(0)
    for (let tries = few ? length : 8 * count; tries > 0 && picked.length < count; tries--) {
      const entry = this.#order[few ? (from + tries) % length : this.#index(0)]
      if (entry !== undefined && !entry.gone && wanted(entry) && !picked.includes(entry)) picked.push(entry)
    }
    return picked
  }

  #dropGone(): void {
    const had = this.#order.slice(0, this.#next)
    this.#next = had.filter(({ gone }) => !gone).length
    this.#order = this.#order.filter(({ gone }) => !gone)
    this.#full = 2 * this.#order.length + ROOM
  }

  #shuffle(): void {
    this.#dropGone()
    for (let at = this.#order.length - 1; at > 0; at--) this.#swap(at, Math.floor(this.#random() * (at + 1)))
    this.#next = 0
  }

  #index(from: number): number {
    return from + Math.floor(this.#random() * (this.#order.length - from))
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#order[a], this.#order[b]]
    if (one === undefined || other === undefined) return
    this.#order[a] = other
    this.#order[b] = one
  }
}
