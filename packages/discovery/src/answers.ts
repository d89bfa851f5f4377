/** Whether, when and where announcements are answered, so that N answers never meet one question. Pure; times in ms. */
import type { Address } from '@pc/transport'
import { answerKey } from './keys.js'

/** An answer that waits for its moment. */
export interface PendingAnswer {
  readonly at: number
  readonly to: Address
  readonly nonce: Uint8Array
}

/** Answers of this peer in any second: whoever floods us with questions moves us to no more than this. */
export const ANSWERS_PER_SECOND = 10
/** Peers that are connected to the asker and answer all the same, on average: enough that some answer arrives. */
const ANSWERS_WANTED = 8
const WINDOW_MS = 1_000

/** Given to an asker that this peer is connected to, 1 otherwise: those that do not know each other must meet. */
export function answerProbability(connectedPeers: number, connectedToAsker: boolean): number {
  return connectedToAsker ? Math.min(1, ANSWERS_WANTED / Math.max(1, connectedPeers)) : 1
}

/** The most an answer is delayed: the more may answer, the wider they spread. */
export function answerSpread(connectedPeers: number): number {
  return Math.min(250, 20 + connectedPeers / 20)
}

export class Answers {
  readonly #random: () => number
  /** When answers were granted and to whom, within the last second, oldest first: at most ANSWERS_PER_SECOND. */
  #granted: { at: number; key: string }[] = []
  #pending: PendingAnswer[] = []

  /** @param random numbers in [0, 1) */
  constructor(random: () => number) {
    this.#random = random
  }

  /** When the first answer is due; infinite if none waits. */
  get dueAt(): number {
    return this.#pending.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY)
  }

  /**
   * Decides about one question. `granted`: it will be answered; `declined`: others will do it; `limited`: this peer has
   * answered enough, or that asker, in the last second.
   */
  ask(
    question: { to: Address; nonce: Uint8Array; connectedToAsker: boolean },
    connectedPeers: number,
    now: number,
  ): 'granted' | 'declined' | 'limited' {
    const { to, nonce, connectedToAsker } = question
    if (this.#random() >= answerProbability(connectedPeers, connectedToAsker)) return 'declined'
    this.#granted = this.#granted.filter(({ at }) => now - at < WINDOW_MS)
    const key = answerKey(to)
    if (this.#granted.length >= ANSWERS_PER_SECOND || this.#granted.some((one) => one.key === key)) return 'limited'
    this.#granted.push({ at: now, key })
    this.#pending.push({ at: now + this.#random() * answerSpread(connectedPeers), to, nonce })
    return 'granted'
  }

  /** Takes out what is due. */
  take(now: number): PendingAnswer[] {
    const due = this.#pending.filter(({ at }) => at <= now)
    if (due.length > 0) this.#pending = this.#pending.filter(({ at }) => at > now)
    return due
  }
}
