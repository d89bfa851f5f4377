/**
 * How long a contact may be silent before it is no longer taken for alive. That depends on how long peers stay, which a peer learns from what
 * becomes of its contacts: in an office they stay for days, and asking them every few seconds would be traffic for nothing; where they stay for
 * a minute, half of what was heard of a minute ago is gone. (Accordion, Li et al. 2005, §4.2, weighs contacts in the same way; it takes the age of
 * each for its measure, here one rate is learnt for all, which needs fewer questions.) Pure.
 */

/** Contacts are told to others as long as they are alive with this chance. */
const TRUST = 0.92
/** Shorter makes no sense: a machine may be busy for so long, ms. */
const LEAST_SILENCE_MS = 5_000
/** Before anything was seen: as if two contacts had died in this time, which allows 8 s of silence, ms. Trust grows by experience. */
const [FIRST_DEATHS, FIRST_EXPOSURE_MS] = [2, 192_000]
/** However long nobody died: next time somebody may. */
const LEAST_DEATHS = 0.25
/** What was seen counts half as soon as it is more than this, so that what changes is noticed: deaths, and ms of contacts watched. */
const [MOST_DEATHS, MOST_EXPOSURE_MS] = [64, 40_000_000]

export class Lifetimes {
  #deaths: number = FIRST_DEATHS
  #exposureMs: number = FIRST_EXPOSURE_MS
  /** How often what was seen was halved. */
  #halvings = 0

  /** After so many ms of silence a contact is alive with a chance of 92 %, as peers have come and gone so far; at least 5 s, whatever the chance is then. */
  get silenceMs(): number {
    return Math.max(LEAST_SILENCE_MS, -Math.log(TRUST) * (this.#exposureMs / this.#deaths))
  }

  /** A contact was heard of, and so was there all the time that it was silent. */
  survived(silentMs: number): void {
    this.#watched(silentMs)
  }

  /** A contact that was silent for so long is gone, since when is not known. Returns what `revived` wants to know. */
  died(silentMs: number): number {
    this.#deaths += 1
    const before = this.#halvings
    this.#watched(silentMs / 2)
    return before
  }

  /** One that was taken for gone is there after all: its death counts no more, as much of it as counts still. */
  revived(death: number): void {
    this.#deaths = Math.max(LEAST_DEATHS, this.#deaths - 2 ** (death - this.#halvings))
  }

  #watched(ms: number): void {
    this.#exposureMs += ms
    if (this.#deaths <= MOST_DEATHS && this.#exposureMs <= MOST_EXPOSURE_MS) return
    this.#halvings += 1
    this.#deaths = Math.max(LEAST_DEATHS, this.#deaths / 2)
    this.#exposureMs /= 2
  }
}
