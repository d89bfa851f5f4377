/** Steps for people (on stderr with `--json`), figures for programs (one object as the last line of stdout). */
import { styleText } from 'node:util'

export interface Bar {
  readonly figure: string
  /** Passes when the figure is at most this. */
  readonly atMost?: number
  /** Passes when the figure is at least this. */
  readonly atLeast?: number
}

export class Report {
  readonly #json: boolean
  readonly #title: { scenario: string; options: Record<string, unknown> }
  readonly figures: Record<string, number> = {}
  #lastAt = performance.now()

  constructor(scenario: string, options: Record<string, unknown>, json: boolean) {
    this.#title = { scenario, options }
    this.#json = json
  }

  /** One finished step with the time since the one before. */
  step(text: string): void {
    const now = performance.now()
    const took = `${((now - this.#lastAt) / 1000).toFixed(2)} s`.padStart(8)
    this.#lastAt = now
    this.say(`${styleText('green', '✓')} ${took}  ${text}`)
  }

  say(text: string): void {
    if (this.#json) console.error(text)
    else console.log(text)
  }

  /** Rounds to what can be read: tenths (of a ms, say), and below ten, where shares and ratios are, four decimals. */
  figure(name: string, value: number): number {
    const scale = Math.abs(value) < 10 ? 10_000 : 10
    this.figures[name] = Math.round(value * scale) / scale
    return value
  }

  /** Prints the figures against their bars, ends with the JSON line when asked, and returns whether all hold. */
  finish(bars: readonly Bar[]): boolean {
    const failed = bars.filter(({ figure, atMost = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY }) => {
      const value = this.figures[figure]
      return value === undefined || value > atMost || value < atLeast
    })
    for (const [name, value] of Object.entries(this.figures)) this.say(`  ${name.padEnd(22)} ${value}`)
    for (const bar of failed) {
      const limit = bar.atMost !== undefined ? `at most ${bar.atMost}` : `at least ${bar.atLeast}`
      this.say(`${styleText('red', '✗')} ${bar.figure} is ${this.figures[bar.figure] ?? 'absent'}, expected ${limit}`)
    }
    const pass = failed.length === 0
    if (this.#json) console.log(JSON.stringify({ ...this.#title, pass, figures: this.figures }))
    return pass
  }

  /** A scenario that could not be finished: said in words, and as a failed result. */
  fail(error: unknown): void {
    this.say(`${styleText('red', '✗')} ${error instanceof Error ? error.message : String(error)}`)
    if (this.#json) console.log(JSON.stringify({ ...this.#title, pass: false, figures: this.figures }))
  }
}
