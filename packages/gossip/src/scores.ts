/** What a fault of a neighbour costs. */
export const Fault = {
  /** What it sent is no packet, or no rumor that its origin signed. */
  INVALID: -1,
  /** It announced a rumor and did not give it; or it gave another body than belongs to it, or kept this peer waiting for it in vain. */
  BROKEN_PROMISE: -0.5,
} as const

/** `ignored`: its rumors and announcements are not taken. `banned`: nothing of it is. */
export type Standing = 'good' | 'ignored' | 'banned'

const HALF_LIFE_MS = 60_000
const IGNORED_AT = -10
const BANNED_AT = -50
const BAN_MS = 300_000

interface Score {
  value: number
  at: number
  bannedUntil: number
}

/** Faults of neighbours, forgiven by half every minute. There is no merit: a peer that did much good cannot spend it on harm. */
export class Scores {
  readonly #limit: number
  readonly #scores = new Map<string, Score>()

  /** @param limit peers with faults; beyond it the one whose last fault is longest ago is forgiven */
  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#scores.size
  }

  add(key: string, fault: number, now: number): void {
    const score = this.#scores.get(key) ?? { value: 0, at: now, bannedUntil: Number.NEGATIVE_INFINITY }
    score.value = valueAt(score, now) + fault
    score.at = now
    if (score.value <= BANNED_AT) score.bannedUntil = now + BAN_MS
    this.#scores.delete(key)
    this.#scores.set(key, score)
    for (const oldest of this.#scores.keys()) {
      if (this.#scores.size <= this.#limit) break
      this.#scores.delete(oldest)
    }
  }

  /** 0 or below. */
  value(key: string, now: number): number {
    const score = this.#scores.get(key)
    return score === undefined ? 0 : valueAt(score, now)
  }

  standing(key: string, now: number): Standing {
    const score = this.#scores.get(key)
    if (score === undefined) return 'good'
    if (now < score.bannedUntil) return 'banned'
    return valueAt(score, now) <= IGNORED_AT ? 'ignored' : 'good'
  }
}

function valueAt({ value, at }: Score, now: number): number {
  return value * 2 ** (-(now - at) / HALF_LIFE_MS)
}
