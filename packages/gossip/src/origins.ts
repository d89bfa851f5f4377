/**
 * What each origin has published, run by run: the replay windows, and out of them the vectors of anti-entropy.
 *
 * A replayed rumor has a valid signature and any age its sender likes, so only memory keeps it out. It is by origin and run: of a run that is no
 * longer remembered while four later ones are, nothing is taken, so that nobody can play an origin's old runs against each other.
 */
import { keyOfBytes } from '@pc/wire'
import type { Rumor } from './rumor.js'
import { isInMask, SequenceWindow } from './sequence-window.js'
import { entryLength, type VectorEntry } from './sync-messages.js'

/** Runs of one origin that are remembered. */
const MAX_BOOTS = 4

interface Run {
  readonly boot: number
  readonly window: SequenceWindow
  touchedAt: number
}

interface Origin {
  readonly id: Uint8Array
  /** By boot, the lowest first. */
  readonly runs: Run[]
}

export class Origins {
  readonly #limit: number
  /** The one that published longest ago comes first. */
  readonly #origins = new Map<string, Origin>()

  /** @param limit origins that are remembered; beyond it the one that published longest ago is forgotten, and could be replayed */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#origins.size
  }

  /** Whether a rumor may be news. Reads only: nothing is remembered of what is not proved. */
  isNew({ origin, boot, sequence }: Pick<Rumor, 'origin' | 'boot' | 'sequence'>): boolean {
    const runs = this.#origins.get(keyOfBytes(origin))?.runs ?? []
    const run = runs.find((each) => each.boot === boot)
    if (run !== undefined) return !run.window.has(sequence)
    return runs.length < MAX_BOOTS || boot > (runs[0]?.boot ?? 0)
  }

  /** @param rumor one that is new and proved */
  add({ origin, boot, sequence }: Pick<Rumor, 'origin' | 'boot' | 'sequence'>, now: number): void {
    const key = keyOfBytes(origin)
    const entry = this.#origins.get(key) ?? { id: new Uint8Array(origin), runs: [] }
    this.#origins.delete(key)
    this.#origins.set(key, entry)
    let run = entry.runs.find((each) => each.boot === boot)
    if (run === undefined) {
      run = { boot, window: new SequenceWindow(), touchedAt: now }
      entry.runs.push(run)
      entry.runs.sort((a, b) => a.boot - b.boot)
      if (entry.runs.length > MAX_BOOTS) entry.runs.shift()
    }
    run.window.add(sequence)
    run.touchedAt = now
    for (const [oldest] of this.#origins) {
      if (this.#origins.size <= this.#limit) break
      this.#origins.delete(oldest)
    }
  }

  /** What was published within `withinMs`, the latest first, in at most `maxBytes` when it is encoded. */
  vector(now: number, withinMs: number, maxBytes: number): VectorEntry[] {
    const entries: VectorEntry[] = []
    let left = maxBytes
    for (const { id, runs } of [...this.#origins.values()].reverse()) {
      for (const { boot, window, touchedAt } of runs) {
        if (now - touchedAt > withinMs) continue
        const entry = { origin: id, boot, greatest: window.greatest, mask: window.mask }
        left -= entryLength(entry)
        if (left < 0) return entries
        entries.push(entry)
      }
    }
    return entries
  }
}

/** Whether somebody with that vector lacks a rumor, as far as it tells. */
export function lackedBy(vector: readonly VectorEntry[]): (rumor: Rumor) => boolean {
  const entries = new Map<string, VectorEntry>()
  for (const entry of vector) entries.set(`${keyOfBytes(entry.origin)}${entry.boot}`, entry)
  return ({ origin, boot, sequence }) => {
    const entry = entries.get(`${keyOfBytes(origin)}${boot}`)
    if (entry === undefined || sequence > entry.greatest) return true
    return sequence < entry.greatest && !isInMask(entry.mask, entry.greatest - sequence)
  }
}
