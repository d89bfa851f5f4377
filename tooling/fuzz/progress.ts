import type { TargetResult } from './campaign.js'

/** A line every few seconds. */
export class Progress {
  readonly #say: (text: string) => void
  readonly #started: number
  #next: number

  constructor(say: (text: string) => void, started: number) {
    this.#say = say
    this.#started = started
    this.#next = started + 5_000
  }

  show(results: readonly TargetResult[]): void {
    const now = performance.now()
    if (now < this.#next) return
    this.#next = now + 5_000
    const cases = results.reduce((total, one) => total + one.cases, 0)
    const bad = results.reduce((total, one) => total + one.crashes + one.hangs + one.overBound, 0)
    const at = results.findLast((one) => one.cases > 0)?.target.name ?? ''
    this.#say(`  ${((now - this.#started) / 1_000).toFixed(0)} s: ${cases} cases, ${bad} findings, now at ${at}`)
  }
}
