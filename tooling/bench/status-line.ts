/** One line at a terminal that is written over; nothing where there is no terminal. */

interface Terminal {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Back to the start of the line, and away with what is on it (ECMA-48, EL). */
const WIPE = '\r\u001b[K'

export class StatusLine {
  readonly #terminal: Terminal
  #shown = false

  constructor(terminal: Terminal = process.stderr) {
    this.#terminal = terminal
  }

  show(text: string): void {
    if (this.#terminal.isTTY !== true) return
    this.#terminal.write(`${WIPE}${text}`)
    this.#shown = true
  }

  /** Due before anything else is written. */
  clear(): void {
    if (this.#shown) this.#terminal.write(WIPE)
    this.#shown = false
  }
}
