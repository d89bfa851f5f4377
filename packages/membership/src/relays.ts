/** Pings in the name of others (SWIM §4.1): who is asked to try a peer says within 300 ms whether that answered. */
import type { PeerId } from '@pc/identity'
import { type Rate, take } from './allowance.js'
import { type Inside, isLive } from './inside.js'
import type { Entry } from './member.js'

const ANSWER_WITHIN_MS = 300
/** Under way; who asks more gets no answer. */
const MAX_RELAYS = 64
/** Of each peer. */
const ASKS: Rate = { everyMs: 100, burst: 20 }

interface Relay {
  readonly asker: PeerId
  readonly askerSequence: number
  readonly stream: boolean
  readonly target: Entry
  readonly dueAt: number
}

export class Relays {
  readonly #inside: Inside
  /** By the sequence of our ping. All have the same time, so the first is due first. */
  readonly #relays = new Map<number, Relay>()

  constructor(inside: Inside) {
    this.#inside = inside
  }

  get size(): number {
    return this.#relays.size
  }

  get dueAt(): number {
    for (const { dueAt } of this.#relays.values()) return dueAt
    return Number.POSITIVE_INFINITY
  }

  /** Somebody asks to try a peer. @param ping the sequence for the ping */
  asked(asker: Entry, request: { sequence: number; target: string; stream: boolean }, ping: () => number): void {
    const { at, table } = this.#inside
    const target = table.get(request.target)
    const allowed = take(asker.asksAt, at, ASKS)
    if (allowed === undefined || this.#relays.size >= MAX_RELAYS || target === undefined || target === asker) return
    if (!isLive(target)) return
    asker.asksAt = allowed
    const { sequence: askerSequence, stream } = request
    const sequence = ping()
    this.#relays.set(sequence, { asker: asker.peer, askerSequence, stream, target, dueAt: at + ANSWER_WITHIN_MS })
    this.#inside.send(target, { type: 'ping', sequence })
  }

  /** A ping was answered. Whether it was one of these. */
  answered(sequence: number, by: Entry): boolean {
    const relay = this.#relays.get(sequence)
    if (relay === undefined || relay.target !== by) return false
    this.#relays.delete(sequence)
    this.#inside.reply(relay.asker, { type: 'ack', sequence: relay.askerSequence }, relay.stream)
    return true
  }

  wake(): void {
    for (const [sequence, relay] of this.#relays) {
      if (relay.dueAt > this.#inside.at) return
      this.#relays.delete(sequence)
      this.#inside.reply(relay.asker, { type: 'nack', sequence: relay.askerSequence }, relay.stream)
    }
  }
}
