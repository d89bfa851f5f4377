import { ControlError } from './errors.js'

/** Bounds of a daemon's command door. The defaults fit one person with a few programs; every one may be moved. */
export interface ControlLimits {
  /** Clients at the same time; one more is told BUSY and closed. @default 64 */
  sessions: number
  /** Requests of one session that have no answer yet; one more is answered BUSY. @default 64 */
  commandsPerSession: number
  /** Commands that run at the same time, those of clients that left included; one more is answered BUSY. @default 1024 */
  commands: number
  /**
   * Bytes of answers waiting for one client to read. When full, its streams and answers wait and its requests are not
   * read. Higher: longer pauses of a reader go unnoticed, at the price of memory. @default 1048576
   */
  unsentBytes: number
  /** Milliseconds a full session may go without one answer leaving, before it ends with SLOW_CLIENT. @default 10000 */
  slowClientMs: number
  /** Milliseconds for the first message of a client. @default 5000 */
  helloMs: number
  /** Milliseconds that `close()` lets commands finish before it cancels them. @default 2000 */
  drainMs: number
  /** Milliseconds between the end of a session and the cut, for a client that does not close its side. @default 1000 */
  lingerMs: number
}

export const DEFAULT_LIMITS: ControlLimits = {
  sessions: 64,
  commandsPerSession: 64,
  commands: 1_024,
  unsentBytes: 1_048_576,
  slowClientMs: 10_000,
  helloMs: 5_000,
  drainMs: 2_000,
  lingerMs: 1_000,
}

/** @throws ControlError BAD_OPTION */
export function resolveLimits(limits: Partial<ControlLimits> = {}): ControlLimits {
  const resolved = { ...DEFAULT_LIMITS, ...limits }
  for (const [name, value] of Object.entries(resolved)) {
    if (Number.isSafeInteger(value) && value >= 1) continue
    throw new ControlError('BAD_OPTION', `limits.${name}: expected an integer of at least 1, got ${value}`)
  }
  return resolved
}
