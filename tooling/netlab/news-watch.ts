/** Writes down which news of one topic a daemon hears. */
import type { DaemonProcess } from '../daemon-process.js'

export class NewsWatch {
  /** News that came more than once. */
  twice = 0
  /** News that this daemon told itself. */
  own = 0
  readonly #daemon: DaemonProcess
  readonly #stream: AsyncIterableIterator<unknown>
  readonly #heard = new Set<string>()
  readonly #reading: Promise<void>

  constructor(daemon: DaemonProcess, topic: string) {
    this.#daemon = daemon
    this.#stream = daemon.stream('watch', { topic })
    this.#reading = this.#read()
  }

  /** Different ones. */
  get heard(): number {
    return this.#heard.size
  }

  /** Resolves when the daemon has begun to tell: it takes commands in their order. */
  async started(): Promise<void> {
    await this.#daemon.call('id')
  }

  /** It told that itself, and should not hear it. */
  published(id: string): void {
    this.own += 1
    if (this.#heard.has(id)) this.twice += 1
  }

  /** Rejects if it ended before it was asked to. */
  async stop(): Promise<void> {
    await this.#stream.return?.()
    await this.#reading
  }

  async #read(): Promise<void> {
    for await (const news of this.#stream) {
      const { id } = news as { id: string }
      if (this.#heard.has(id)) this.twice += 1
      this.#heard.add(id)
    }
  }
}
