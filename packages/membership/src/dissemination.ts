/**
 * How statements reach everybody. At once: each goes to four peers by chance and to four others a moment later, and so on from each that had not
 * heard it, which takes it to nearly everybody in a few round trips (Demers et al. 1987, infect and die with f = 8: 0.03 % are left out). And
 * beside: pings and their answers carry the newest six (SWIM §4.1), which finds those left out.
 */
import { type Inside, isLive } from './inside.js'
import { MAX_STATEMENTS } from './messages.js'
import type { Statement } from './statements.js'

/** Peers that each wave goes to. */
const FAN_OUT = 4
/** Between the waves, with a third more or less. */
const SECOND_AFTER_MS = 150
const SECOND_SPREAD_MS = 100
/** Between two datagrams' worth of one wave: what comes meanwhile goes with the next. */
const GATHER_MS = 10
/** Statements that wait for a wave; of more, those that wait longest go without. */
const MAX_WAITING = 128
/** Statements carried beside; a newer one about the same peer takes the place of the older. */
const MAX_CARRIED = 64
/** Times that each is carried, times the logarithm of the number of peers (SWIM §4.1: λ log n). */
const CARRY = 3

interface Waiting {
  readonly at: number
  readonly statement: Statement
}

export class Dissemination {
  readonly #inside: Inside
  #waiting: Waiting[] = []
  #nextWaveAt = Number.NEGATIVE_INFINITY
  /** By subject, the newest last. */
  readonly #carried = new Map<string, { statement: Statement; left: number }>()

  constructor(inside: Inside) {
    this.#inside = inside
  }

  get dueAt(): number {
    let due = Number.POSITIVE_INFINITY
    for (const { at } of this.#waiting) due = Math.min(due, at)
    return Math.max(due, this.#nextWaveAt)
  }

  get size(): number {
    return this.#waiting.length + this.#carried.size
  }

  /** Something that everybody should know. */
  spread(statement: Statement): void {
    const { at, random, table } = this.#inside
    this.#carried.delete(statement.subject)
    this.#carried.set(statement.subject, { statement, left: Math.ceil(CARRY * Math.log2(table.live + 2)) })
    for (const oldest of this.#carried.keys()) {
      if (this.#carried.size <= MAX_CARRIED) break
      this.#carried.delete(oldest)
    }
    const second = SECOND_AFTER_MS + (random() - 0.5) * SECOND_SPREAD_MS
    this.#waiting.push({ at, statement }, { at: at + second, statement })
    if (this.#waiting.length > MAX_WAITING) this.#waiting.splice(0, this.#waiting.length - MAX_WAITING)
  }

  /** The newest, for a packet that goes to somebody anyway. */
  take(): readonly Statement[] {
    if (this.#carried.size === 0) return []
    const newest = [...this.#carried.values()].slice(-MAX_STATEMENTS).reverse()
    for (const carried of newest) {
      carried.left -= 1
      if (carried.left <= 0) this.#carried.delete(carried.statement.subject)
    }
    return newest.map(({ statement }) => statement)
  }

  /** Sends what is due. */
  flush(): void {
    const { at, everybody } = this.#inside
    if (this.dueAt > at) return
    const due = this.#waiting.filter((waiting) => waiting.at <= at).slice(0, MAX_STATEMENTS)
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting))
    this.#nextWaveAt = at + GATHER_MS
    const statements = due.map(({ statement }) => statement)
    for (const entry of everybody.pick(FAN_OUT, isLive)) this.#inside.send(entry, { type: 'statements' }, statements)
  }
}
