/**
 * The boots that have been heard of, and when to tell about them. Pure; times in ms.
 *
 * The one that announces dials those that answer, at once. Whoever merely heard the announcement waits, and speaks up
 * only if the two are still not connected: so both sides seldom dial at the same time.
 */
import type { Address } from '@pc/transport'

export type HintSource = 'announcement' | 'answer'

/** A place where a peer says it is. Nothing of it is proved. */
export interface Sighting {
  /** Hexadecimal. */
  readonly bootId: string
  readonly address: Address
  readonly blindedId: Uint8Array
  readonly epoch: number
  readonly source: HintSource
  readonly interfaceName: string | undefined
}

interface Entry {
  sighting: Sighting
  /** When a hint is to be given without further notice; infinite when none is. */
  hintAt: number
  /** No hint before this, whatever is heard. */
  notBefore: number
  /** Hints since the boot was last connected. */
  hints: number
}

/** More than a network has peers; beyond it the boot that was silent longest is forgotten. */
export const MAX_SIGHTINGS = 4_096
/** Hints in any second, whatever is heard: each costs a dial. Beyond it they wait for their turn. */
export const HINTS_PER_SECOND = 64
const WINDOW_MS = 1_000
/** How long the side that did not ask leaves the dialling to the other. */
export const LISTENER_DELAY_MS = 1_000
/** The same when the other has not been told of us, because we had answered enough. */
const UNANSWERED_DELAY_MS = 50
const LISTENER_JITTER_MS = 250
const FIRST_BACK_OFF_MS = 1_000
const LONGEST_BACK_OFF_MS = 30_000

export class Sightings {
  readonly #random: () => number
  readonly #limit: number
  /** In the order of being heard, the most recent last. */
  readonly #entries = new Map<string, Entry>()
  /** Not later than the first `hintAt` that there is room for. */
  #dueAt = Number.POSITIVE_INFINITY
  /** When hints were given within the last second, oldest first: at most HINTS_PER_SECOND. */
  #given: number[] = []

  /** @param random numbers in [0, 1) */
  constructor(random: () => number, limit: number = MAX_SIGHTINGS) {
    this.#random = random
    this.#limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  /** When `take` may have something; infinite if nothing waits. */
  get dueAt(): number {
    return this.#dueAt
  }

  /**
   * An answer to our own question, from a boot we are not connected to: the hint to give now. None if it is too soon after
   * the one before; if there are too many at the moment, it comes later.
   */
  answered(sighting: Sighting, now: number): Sighting | undefined {
    const entry = this.#remember(sighting)
    if (now < entry.notBefore) return undefined
    const roomAt = this.#roomAt(now)
    if (roomAt <= now) return this.#hint(entry, now)
    this.#wait(entry, roomAt)
    return undefined
  }

  /** An announcement of a boot we are not connected to; a hint may come later. `answered`: it gets an answer from us. */
  announced(sighting: Sighting, now: number, answered: boolean): void {
    const entry = this.#remember(sighting)
    const delay = (answered ? LISTENER_DELAY_MS : UNANSWERED_DELAY_MS) + this.#random() * LISTENER_JITTER_MS
    this.#wait(entry, Math.max(now + delay, entry.notBefore))
  }

  /** A connection to that boot stands, or has ended: nothing waits, and the back-off starts anew. */
  reset(bootId: string): void {
    const entry = this.#entries.get(bootId)
    if (entry === undefined) return
    entry.hintAt = Number.POSITIVE_INFINITY
    entry.notBefore = Number.NEGATIVE_INFINITY
    entry.hints = 0
  }

  /** The hints that are due, as many as may be given now. */
  take(now: number): Sighting[] {
    if (now < this.#dueAt) return []
    const due: Sighting[] = []
    this.#dueAt = Number.POSITIVE_INFINITY
    let roomAt = this.#roomAt(now)
    for (const entry of this.#entries.values()) {
      if (entry.hintAt <= now && roomAt <= now) {
        due.push(this.#hint(entry, now))
        roomAt = this.#roomAt(now)
      } else this.#dueAt = Math.min(this.#dueAt, Math.max(entry.hintAt, roomAt))
    }
    return due
  }

  /** When the next hint may be given. */
  #roomAt(now: number): number {
    while ((this.#given[0] ?? now) <= now - WINDOW_MS) this.#given.shift()
    const [oldest] = this.#given
    return oldest === undefined || this.#given.length < HINTS_PER_SECOND ? now : oldest + WINDOW_MS
  }

  #wait(entry: Entry, until: number): void {
    entry.hintAt = Math.min(entry.hintAt, until)
    this.#dueAt = Math.min(this.#dueAt, entry.hintAt)
  }

  #hint(entry: Entry, now: number): Sighting {
    this.#given.push(now)
    entry.hintAt = Number.POSITIVE_INFINITY
    entry.notBefore = now + hintBackOff(entry.hints)
    entry.hints++
    return entry.sighting
  }

  #remember(sighting: Sighting): Entry {
    const known = this.#entries.get(sighting.bootId)
    const entry = known ?? {
      sighting,
      hintAt: Number.POSITIVE_INFINITY,
      notBefore: Number.NEGATIVE_INFINITY,
      hints: 0,
    }
    entry.sighting = sighting
    this.#entries.delete(sighting.bootId)
    if (this.#entries.size >= this.#limit) {
      const [silentLongest] = this.#entries.keys()
      if (silentLongest !== undefined) this.#entries.delete(silentLongest)
    }
    this.#entries.set(sighting.bootId, entry)
    return entry
  }
}

/** How long after a hint the next one for the same boot may follow, given the hints before it that led to nothing. */
export function hintBackOff(earlierHints: number): number {
  return Math.min(LONGEST_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** earlierHints)
}
