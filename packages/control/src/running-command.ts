import { DispatchError } from '@pc/dispatch'
import type { Logger } from '@pc/transport'
import { type Value, WireError } from '@pc/wire'
import type { AnyCommand } from './command.js'
import { ControlError } from './errors.js'
import type { Outbox } from './outbox.js'
import { writeAnswer, writeError, writeFrame } from './protocol.js'

export interface RunningCommandOptions {
  readonly id: number
  readonly command: AnyCommand
  readonly args: Value
  readonly outbox: Outbox
  readonly logger: Logger
}

/**
 * One request on its way to its answer. Cancelled, it is answered at once, whether or not the command heeds the signal;
 * one that does not keeps its place among the daemon's running commands until it really ends.
 */
export class RunningCommand {
  /** Settles when the last answer was handed to the outbox; never rejects. */
  readonly answered: Promise<void>
  /** Settles when the command itself is over, too; never rejects. */
  readonly settled: Promise<void>
  readonly #options: RunningCommandOptions
  readonly #controller = new AbortController()
  #streaming = false

  constructor(options: RunningCommandOptions) {
    this.#options = options
    const last = this.#perform()
    this.answered = this.#answer(last)
    this.settled = Promise.allSettled([last, this.answered]).then(() => undefined)
  }

  /** Whether the command answers with a stream. */
  get streaming(): boolean {
    return this.#streaming
  }

  /** Idempotent; the first reason counts. */
  cancel(reason: ControlError): void {
    this.#controller.abort(reason)
  }

  async #answer(last: Promise<Uint8Array>): Promise<void> {
    const { signal } = this.#controller
    const { id, outbox } = this.#options
    const cancelled = new Promise<Uint8Array>((resolve) => {
      signal.addEventListener('abort', () => resolve(writeError(id, signal.reason)), { once: true })
    })
    await outbox.send(await Promise.race([cancelled, last]))
  }

  /** Runs the command to its last frame; never rejects. */
  async #perform(): Promise<Uint8Array> {
    const { id, command, args } = this.#options
    const { signal } = this.#controller
    try {
      const answer = command.run(command.parse(args), { signal })
      if (!isAsyncIterable(answer)) return writeAnswer('ok', id, asValue(await answer))
      this.#streaming = true
      await this.#stream(answer, signal)
      return writeFrame('end', id, null)
    } catch (error) {
      return writeError(id, this.#explain(error))
    }
  }

  async #stream(items: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
    const { id, outbox } = this.#options
    const iterator = items[Symbol.asyncIterator]()
    const stop = async (): Promise<void> => {
      try {
        await iterator.return?.()
      } catch (error) {
        this.#options.logger.warn({ err: error, command: this.#options.command.name }, 'stream did not close cleanly')
      }
    }
    // At once, not after the next item: that item may never come.
    const onAbort = (): void => void stop()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      for (;;) {
        const { done, value } = await iterator.next()
        if (done || signal.aborted) return
        let open = false
        try {
          open = await outbox.send(writeAnswer('event', id, asValue(value)))
        } finally {
          if (!open && !signal.aborted) await stop()
        }
        if (!open) return
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  #explain(error: unknown): unknown {
    if (error instanceof ControlError) return error
    if (error instanceof DispatchError && error.code === 'FEED_OVERFLOW') {
      const text = 'more came in than this client read: ask again from where it stopped, and read faster'
      return new ControlError('SLOW_CLIENT', text, { cause: error })
    }
    const { command, logger } = this.#options
    if (error instanceof WireError && (error.code === 'TOO_LARGE' || error.code === 'TOO_MANY_ELEMENTS')) {
      const text = `the answer of "${command.name}" does not fit into one frame: ask for less`
      return new ControlError('ANSWER_TOO_LARGE', text, { cause: error })
    }
    const cancelled = this.#controller.signal.aborted
    logger[cancelled ? 'debug' : 'error']({ err: error, command: command.name }, 'command failed')
    return error
  }
}

function isAsyncIterable(value: object): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value
}

/** What a command returns is its author's business; the encoder refuses what is not a wire value. */
function asValue(value: unknown): Value {
  return value === undefined ? null : (value as Value)
}
