import { styleText } from 'node:util'
import type { Io } from './io.js'
import { type Cell, renderTable } from './table.js'
import { safeJson, safeLine } from './text.js'

type Style = Parameters<typeof styleText>[0]

/** How a command talks: data to stdout, as JSON or for people; everything else to stderr. */
export class Screen {
  readonly json: boolean
  readonly #io: Io
  readonly #colour: boolean

  constructor(io: Io, options: { json: boolean; color: boolean }) {
    this.#io = io
    this.json = options.json
    // https://no-color.org: any value that is not empty counts.
    this.#colour = options.color && io.stdout.isTTY && !io.env.NO_COLOR && io.env.TERM !== 'dumb'
  }

  /** One JSON document in one line, with its schema first. */
  document(schema: string, fields: object): void {
    this.#io.stdout.write(`${safeJson({ schema, ...fields })}\n`)
  }

  /** One line of data for people. The caller has made foreign text safe. */
  line(text: string): void {
    this.#io.stdout.write(`${text}\n`)
  }

  table(header: readonly string[], rows: readonly (readonly (Cell | string)[])[]): void {
    this.#io.stdout.write(renderTable(header, rows))
  }

  /** One line that is not data: progress, advice. Silent with --json. */
  say(text: string): void {
    if (!this.json) this.#io.stderr.write(`${safeLine(text)}\n`)
  }

  /** Tells after a second, then every second, that something goes on; on a terminal in one line that goes away. */
  progress(text: string | (() => string)): { end(): void } {
    if (this.json) return { end: () => {} }
    const { stderr } = this.#io
    const started = performance.now()
    let told = false
    const timer = setInterval(() => {
      const seconds = Math.round((performance.now() - started) / 1_000)
      const line = safeLine(typeof text === 'string' ? text : text())
      if (stderr.isTTY) stderr.write(`\r${line} … ${seconds} s`)
      else if (!told) stderr.write(`${line} …\n`)
      told = true
    }, 1_000)
    return {
      end: () => {
        clearInterval(timer)
        if (told && stderr.isTTY) stderr.write('\r\u001b[K')
      },
    }
  }

  paint(style: Style, text: string): string {
    // Decided above for our own output; styleText would look at process.stdout.
    return this.#colour ? styleText(style, text, { validateStream: false }) : text
  }

  /** A painter for table cells. */
  painter(style: Style): (text: string) => string {
    return (text) => this.paint(style, text)
  }
}
