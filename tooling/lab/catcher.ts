/** While it is set: uncaught exceptions and unhandled rejections fail the run, with its seed, instead of ending the process. */

export class Catcher implements Disposable {
  readonly #onError: (kind: string, error: unknown) => void
  readonly #onException = (error: unknown): void => this.#onError('an uncaught exception', error)
  readonly #onRejection = (error: unknown): void => this.#onError('an unhandled rejection', error)

  constructor(onError: (kind: string, error: unknown) => void) {
    this.#onError = onError
    process.on('uncaughtException', this.#onException)
    process.on('unhandledRejection', this.#onRejection)
  }

  /** Node reports a rejection after the tick in which it happened: let one turn of the event loop pass before. */
  [Symbol.dispose](): void {
    process.off('uncaughtException', this.#onException)
    process.off('unhandledRejection', this.#onRejection)
  }
}

export function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
