/** Texts that flow while other things happen. */
import { type DaemonProcess, delay } from '../daemon-process.js'
import type { Ledger } from '../ledger.js'

/** Keeps sending along the given directions until stopped. */
export class TextFlow {
  #running = true
  readonly #lanes: Promise<void>[]

  constructor(ledger: Ledger, directions: readonly (readonly [DaemonProcess, DaemonProcess])[]) {
    this.#lanes = directions.map(async ([from, to]) => {
      while (this.#running) {
        await ledger.send(from, to)
        // A person types slower still; without a pause an absent peer would be refused thousands of times.
        await delay(5)
      }
    })
  }

  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#lanes)
  }
}
