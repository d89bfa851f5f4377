import { MembershipError } from './errors.js'

export interface MembershipLimits {
  /**
   * Time for a whole check of a peer whose connection was lost, both dials together, in ms. Lower: quicker verdicts, and more wrong ones on a
   * bad Wi-Fi. @default 2000
   */
  checkTimeoutMs?: number
  /** The check of a lost connection starts after 0 to this many ms, so that two peers that lost each other do not dial at once. @default 150 */
  checkDelayMs?: number
  /** Pause before the second dial when the first one failed early (a refused connection); up to half more by chance. @default 500 */
  retryPauseMs?: number
  /** Waits between re-checks of an offline peer, in ms; the last one repeats. Each varies by ± 20 %. @default 30 s, 1, 2, 5, 10 min */
  recheckAfterMs?: readonly number[]
  /** An offline peer is forgotten after this many ms. @default 24 h */
  forgetAfterMs?: number
  /** Time between two measurements of the round trip over a control connection, in ms. @default 30000 */
  measureEveryMs?: number
  /** Peers in the table. When it is full, the peer that is offline longest makes room. @default 10000 */
  maxPeers?: number
  /** One peer is probed in each period of so many ms, and so much time has a probe; longer while this machine is slow. @default 1000 */
  periodMs?: number
  /** Whoever gave a sign of life within so many ms is not probed. Lower: crashes of few peers are seen sooner, and idle networks talk more. @default 5000 */
  quietMs?: number
  /** Peers asked to try a peer that does not answer. @default 3 */
  indirectProbes?: number
  /** A suspected peer has so long to speak up when all `confirmations` came, in ms. @default 3000 */
  suspicionMinMs?: number
  /** And so long when one peer alone accuses it, in ms. @default 9000 */
  suspicionMaxMs?: number
  /** Further accusers that make suspicion as short as it gets. @default 3 */
  confirmations?: number
  /** A peer with a control connection is offline when an own check failed and so many ms passed since the accusation. @default 1800 */
  refuteMs?: number
  /** Whether this peer suspects itself when it notices that its machine is slow or slept. Off: SWIM without Lifeguard, to compare. @default true */
  localHealth?: boolean
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
  periodMs: 1_000, // memberlist's for local networks
  quietMs: 5_000,
  indirectProbes: 3,
  suspicionMinMs: 3_000,
  suspicionMaxMs: 9_000,
  confirmations: 3,
  refuteMs: 1_800, // a check with a retransmission of TCP, and a hundred times what a refutation takes
  localHealth: true,
}

/** Fills in the defaults. @throws MembershipError BAD_OPTION */
export function resolveLimits(limits: MembershipLimits): Required<MembershipLimits> {
  const given = Object.entries(limits).filter(([name, value]) => name in DEFAULT_LIMITS && value !== undefined)
  const resolved: Required<MembershipLimits> = { ...DEFAULT_LIMITS, ...Object.fromEntries(given) }
  for (const [name, lowest] of LOWEST) requireAtLeast(name, resolved[name], lowest)
  requireAtLeast('recheckAfterMs.length', resolved.recheckAfterMs.length, 1)
  for (const delay of resolved.recheckAfterMs) requireAtLeast('recheckAfterMs[]', delay, 1)
  requireAtLeast('suspicionMaxMs', resolved.suspicionMaxMs, resolved.suspicionMinMs)
  return resolved
}

const LOWEST = [
  ['checkTimeoutMs', 1],
  ['checkDelayMs', 0],
  ['retryPauseMs', 0],
  ['forgetAfterMs', 0],
  ['measureEveryMs', 1],
  ['maxPeers', 1],
  ['periodMs', 10],
  ['quietMs', 0],
  ['indirectProbes', 0],
  ['suspicionMinMs', 0],
  ['confirmations', 1],
  ['refuteMs', 0],
] as const satisfies readonly (readonly [keyof MembershipLimits, number])[]

function requireAtLeast(name: string, value: number, lowest: number): void {
  if (Number.isFinite(value) && value >= lowest) return
  throw new MembershipError('BAD_OPTION', `${name} must be a number of at least ${lowest}, got ${value}`)
}
