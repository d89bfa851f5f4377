import { ControlClient } from '@pc/control/client'
import type { Io } from './io.js'
import type { Screen } from './screen.js'
import { VERSION } from './version.js'

/** What every command is given. */
export interface Context {
  readonly io: Io
  readonly screen: Screen
  /** State folder of the daemon, absolute. */
  readonly state: string
  /** As asked with --timeout. */
  readonly timeoutMs: number | undefined
}

/** For answers that need no peer; a daemon that takes longer has a problem. */
export const DEFAULT_TIMEOUT_MS = 10_000

/** When the daemon itself keeps a deadline, ours comes later, so that its more exact error wins. */
export const DEADLINE_MARGIN_MS = 1_000

/** Connects, runs `use`, and closes, whatever happens. */
export async function withDaemon<T>(context: Context, use: (client: ControlClient) => Promise<T>): Promise<T> {
  const client = await connectToDaemon(context)
  try {
    return await use(client)
  } finally {
    await client.close()
  }
}

export function connectToDaemon({ state, timeoutMs, io }: Context): Promise<ControlClient> {
  return ControlClient.connect({
    folder: state,
    client: `pc/${VERSION}`,
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    signal: io.signal,
  })
}
