import type { StartDaemon } from './start-daemon.js'

/** Where `pc` writes. */
export interface Output {
  write(text: string): void
  readonly isTTY: boolean
}

/** Everything of the process that commands touch, so that tests run them without one. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean }
  readonly stdout: Output
  readonly stderr: Output
  readonly env: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
  readonly home: string
  /** Unix milliseconds, for "12 s ago". */
  now(): number
  /** Aborts with an `Interruption` when the person or the system wants an end. */
  readonly signal: AbortSignal
  /** Starts the daemon as a process of its own. */
  readonly startDaemon: StartDaemon
}

/** Why `Io.signal` aborted. */
export class Interruption extends Error {
  override name = 'Interruption'
  /** CLOSED: nobody reads our output any more (`pc inbox --follow | head`). */
  override readonly cause: 'SIGINT' | 'SIGTERM' | 'CLOSED'

  constructor(cause: 'SIGINT' | 'SIGTERM' | 'CLOSED') {
    super(`ended by ${cause}`)
    this.cause = cause
  }
}
