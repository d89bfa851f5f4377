import type { Agenda } from './agenda.js'
import type { Interface } from './interface.js'
import type { Machine } from './machine.js'
import { drawDelay, happens, mergeConditions, type NetworkConditions, OFFICE_CONDITIONS } from './network-conditions.js'
import type { SeededRandom } from './seeded-random.js'

/** About what a loopback interface takes. */
const SAME_MACHINE_DELAY_MS = 0.05

/** The cables between the machines of a simulated network: what gets through, and when. Each direction is one of its own. */
export class Links {
  readonly random: SeededRandom
  /** What only the two ends of a stream have in common is drawn from a stream of its own, so that it changes nothing else. */
  readonly bindings: SeededRandom
  readonly #agenda: Agenda
  readonly #cuts = new Set<number>()
  readonly #cloggedUntil = new Map<number, number>()
  readonly #between = new Map<number, Readonly<NetworkConditions>>()
  readonly #changes = new Map<number, Partial<NetworkConditions>>()
  #conditions: Readonly<NetworkConditions>

  constructor(agenda: Agenda, random: SeededRandom, conditions: Partial<NetworkConditions>) {
    this.#agenda = agenda
    this.random = random
    this.bindings = random.stream('channel-binding')
    this.#conditions = mergeConditions(OFFICE_CONDITIONS, conditions)
  }

  get conditions(): Readonly<NetworkConditions> {
    return this.#conditions
  }

  change(changes: Partial<NetworkConditions>): void {
    this.#conditions = mergeConditions(this.#conditions, changes)
    for (const [key, own] of this.#changes) this.#between.set(key, mergeConditions(this.#conditions, own))
  }

  /** Lets one direction differ from the rest of the network. */
  changeBetween(from: Machine, to: Machine, changes: Partial<NetworkConditions>): void {
    const key = keyOf(from, to)
    const own = { ...this.#changes.get(key), ...changes }
    this.#between.set(key, mergeConditions(this.#conditions, own))
    this.#changes.set(key, own)
  }

  /** The conditions of one direction. */
  between(from: Machine, to: Machine): Readonly<NetworkConditions> {
    if (this.#between.size === 0) return this.#conditions
    return this.#between.get(keyOf(from, to)) ?? this.#conditions
  }

  cut(from: Machine, to: Machine): void {
    if (from !== to) this.#cuts.add(keyOf(from, to))
  }

  mend(): void {
    this.#cuts.clear()
  }

  clog(from: Machine, to: Machine, ms: number): void {
    if (from === to) return
    const key = keyOf(from, to)
    const until = this.#agenda.now + ms
    if (until > (this.#cloggedUntil.get(key) ?? 0)) this.#cloggedUntil.set(key, until)
  }

  /** Whether what left `from` comes in at `to` now. */
  passable(from: Machine, to: Machine): boolean {
    return to.awake && (this.#cuts.size === 0 || !this.#cuts.has(keyOf(from, to)))
  }

  /** One draw of how long a packet takes from one machine to another, clogging included, and not what waits at its interfaces. */
  delay(from: Machine, to: Machine): number {
    if (from === to) return SAME_MACHINE_DELAY_MS
    const conditions = this.between(from, to)
    const delay = drawDelay(conditions, this.random)
    if (happens(conditions.clogging, this.random)) this.clog(from, to, this.random.float() * conditions.clogMs)
    return this.#cloggedUntil.size === 0 ? delay : delay + this.#cloggedFor(from, to)
  }

  /**
   * When `bytes` that are ready at `moment` have left by an interface. Undefined when its queue holds more than
   * `share` of what it may.
   */
  sent(by: Interface, bytes: number, moment: number, share: number): number | undefined {
    const { bandwidth } = this.#conditions
    if (bandwidth === 0 || by.internal) return moment
    // The very expression that waiting senders are woken by: any other rounding could wake them for nothing, for ever.
    if (this.roomAt(by, share) > moment) return undefined
    by.sendingUntil = Math.max(moment, by.sendingUntil) + (bytes / bandwidth) * 1_000
    return by.sendingUntil
  }

  /** When the queue of an interface will have room again for who may use `share` of it. */
  roomAt(by: Interface, share: number): number {
    const { bandwidth, queueBytes } = this.#conditions
    return bandwidth === 0 ? this.#agenda.now : by.sendingUntil - ((queueBytes * share) / bandwidth) * 1_000
  }

  /** When `bytes` that arrive now have come in by an interface; undefined when its queue is full. */
  received(by: Interface, bytes: number): number | undefined {
    const { bandwidth, queueBytes } = this.#conditions
    const { now } = this.#agenda
    if (bandwidth === 0 || by.internal) return now
    const start = Math.max(now, by.receivingUntil)
    if ((start - now) * bandwidth > queueBytes * 1_000) return undefined
    by.receivingUntil = start + (bytes / bandwidth) * 1_000
    return by.receivingUntil
  }

  /** What a socket may have waiting: what it asked for, as far as the machine gives so much. */
  receiveBufferOf({ receiveBufferBytes }: { readonly receiveBufferBytes: number }): number {
    return Math.min(receiveBufferBytes, this.#conditions.receiveBufferBytes)
  }

  #cloggedFor(from: Machine, to: Machine): number {
    const key = keyOf(from, to)
    const until = this.#cloggedUntil.get(key)
    if (until === undefined) return 0
    if (until > this.#agenda.now) return until - this.#agenda.now
    this.#cloggedUntil.delete(key)
    return 0
  }
}

function keyOf(from: Machine, to: Machine): number {
  return from.index * 2 ** 24 + to.index
}
