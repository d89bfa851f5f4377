/** Pings under way: what each answer belongs to, and how long it took. Bounded; of more, the oldest are forgotten and their answers only signs of life. */
import type { Inside } from './inside.js'
import { type Entry, noteRoundTrip } from './member.js'

const MAX_PINGS = 512
const MAX_SEQUENCE = 2 ** 32

export class Pings {
  readonly #inside: Inside
  readonly #pings = new Map<number, { readonly to: Entry; readonly at: number }>()
  #sequence: number

  constructor(inside: Inside) {
    this.#inside = inside
    // Not from 0: answers to an earlier run must not fit.
    this.#sequence = Math.floor(inside.random() * MAX_SEQUENCE)
  }

  next(): number {
    this.#sequence = (this.#sequence + 1) % MAX_SEQUENCE
    return this.#sequence
  }

  send(to: Entry): number {
    const sequence = this.next()
    this.#pings.set(sequence, { to, at: this.#inside.at })
    for (const oldest of this.#pings.keys()) {
      if (this.#pings.size <= MAX_PINGS) break
      this.#pings.delete(oldest)
    }
    this.#inside.send(to, { type: 'ping', sequence })
    return sequence
  }

  answered(sequence: number, by: Entry): void {
    const ping = this.#pings.get(sequence)
    if (ping === undefined || ping.to !== by) return
    this.#pings.delete(sequence)
    const ms = this.#inside.at - ping.at
    noteRoundTrip(by, ms)
    this.#inside.effect({ type: 'answered', sequence, ms })
  }
}
