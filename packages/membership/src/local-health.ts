/**
 * Suspect yourself first (Lifeguard §IV.A, arXiv 1707.00788): a peer that cannot keep up takes others for dead. What it notices about itself
 * makes it slower to accuse: it probes less often and gives probes more time, by a factor of 1 to 8.
 */

/** Above this a wake-up comes so late that answers may lie unread; what was planned waits as long. */
const BEHIND_MS = 50
/** Above this the machine is busy with something else; a garbage collection is shorter. */
const LATE_MS = 250
/** So late that the machine slept, or the process was stopped. */
export const ASLEEP_MS = 3_000
/** What waited on the way in meanwhile has been read by then, and connections have found out whether they still stand. */
const NO_VERDICTS_MS = 5_000
const MOST = 7
const FOR_SLEEP = 3

export class LocalHealth {
  readonly #enabled: boolean
  #multiplier = 0
  #noVerdictsUntil = Number.NEGATIVE_INFINITY

  /** Disabled: always well, as SWIM has it. */
  constructor(enabled: boolean) {
    this.#enabled = enabled
  }

  /** 0 (well) to 7. */
  get multiplier(): number {
    return this.#multiplier
  }

  /** No peer is accused or offline before. */
  get noVerdictsUntil(): number {
    return this.#noVerdictsUntil
  }

  /** A wake-up came `ms` late, or a sleep of that time was noticed. Returns whether what was planned must wait as long. */
  late(ms: number, now: number): boolean {
    if (!this.#enabled || ms <= BEHIND_MS) return false
    if (ms > LATE_MS) this.#add(ms > ASLEEP_MS ? FOR_SLEEP : 1)
    if (ms > ASLEEP_MS) this.#noVerdictsUntil = now + NO_VERDICTS_MS
    return true
  }

  /** Nobody answered: neither the target nor those who were asked to try. Then it may be us. */
  unheard(): void {
    this.#add(1)
  }

  /** Somebody took this peer for dead. */
  refuted(): void {
    this.#add(1)
  }

  answered(): void {
    this.#add(-1)
  }

  #add(by: number): void {
    if (this.#enabled) this.#multiplier = Math.max(0, Math.min(MOST, this.#multiplier + by))
  }
}
