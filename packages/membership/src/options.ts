import { MembershipError } from './errors.js'

export interface MembershipLimits {
  /**
   * Time for a whole check, both tries together, in ms. Lower: quicker verdicts, and more wrong ones on a bad Wi-Fi.
   * A dead peer is offline this long (plus `checkDelayMs`) after transport gave up its connection. @default 2000
   */
  checkTimeoutMs?: number
  /** A check starts after 0 to this many ms, so that two peers that lost each other do not dial at once. @default 150 */
  checkDelayMs?: number
  /** Pause before the second try when the first one failed early (a refused connection); up to half more by chance. @default 500 */
  retryPauseMs?: number
  /** Waits between re-checks of an offline peer, in ms; the last one repeats. Each varies by ± 20 %. @default 30 s, 1, 2, 5, 10 min */
  recheckAfterMs?: readonly number[]
  /** An offline peer is forgotten after this many ms. @default 24 h */
  forgetAfterMs?: number
  /** Time between two measurements of the round trip to an online peer, in ms. @default 30000 */
  measureEveryMs?: number
  /** Peers in the table. When it is full, the peer that is offline longest makes room. @default 10000 */
  maxPeers?: number
}

const MINUTE_MS = 60_000

export const DEFAULT_LIMITS: Required<MembershipLimits> = {
  checkTimeoutMs: 2_000, // two SYNs: the first repetition of a lost one comes after 1 s
  checkDelayMs: 150,
  retryPauseMs: 500, // long enough for a program that crashed to be started again, short enough for a verdict in a second
  recheckAfterMs: [MINUTE_MS / 2, MINUTE_MS, 2 * MINUTE_MS, 5 * MINUTE_MS, 10 * MINUTE_MS],
  forgetAfterMs: 24 * 60 * MINUTE_MS,
  measureEveryMs: 30_000,
  maxPeers: 10_000,
}

/** Fills in the defaults. @throws MembershipError BAD_OPTION */
export function resolveLimits(limits: MembershipLimits): Required<MembershipLimits> {
  const resolved: Required<MembershipLimits> = {
    checkTimeoutMs: limits.checkTimeoutMs ?? DEFAULT_LIMITS.checkTimeoutMs,
    checkDelayMs: limits.checkDelayMs ?? DEFAULT_LIMITS.checkDelayMs,
    retryPauseMs: limits.retryPauseMs ?? DEFAULT_LIMITS.retryPauseMs,
    recheckAfterMs: limits.recheckAfterMs ?? DEFAULT_LIMITS.recheckAfterMs,
    forgetAfterMs: limits.forgetAfterMs ?? DEFAULT_LIMITS.forgetAfterMs,
    measureEveryMs: limits.measureEveryMs ?? DEFAULT_LIMITS.measureEveryMs,
    maxPeers: limits.maxPeers ?? DEFAULT_LIMITS.maxPeers,
  }
  requireAtLeast('checkTimeoutMs', resolved.checkTimeoutMs, 1)
  requireAtLeast('checkDelayMs', resolved.checkDelayMs, 0)
  requireAtLeast('retryPauseMs', resolved.retryPauseMs, 0)
  requireAtLeast('forgetAfterMs', resolved.forgetAfterMs, 0)
  requireAtLeast('measureEveryMs', resolved.measureEveryMs, 1)
  requireAtLeast('maxPeers', resolved.maxPeers, 1)
  requireAtLeast('recheckAfterMs.length', resolved.recheckAfterMs.length, 1)
  for (const delay of resolved.recheckAfterMs) requireAtLeast('recheckAfterMs[]', delay, 1)
  return resolved
}

function requireAtLeast(name: string, value: number, lowest: number): void {
  if (Number.isFinite(value) && value >= lowest) return
  throw new MembershipError('BAD_OPTION', `${name} must be a number of at least ${lowest}, got ${value}`)
}
