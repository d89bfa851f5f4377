/**
 * The states of a peer, and every change there is between them:
 *
 * ```
 *              connected                      lost
 *   unknown ─────────────▶ online ──────────────────────▶ checking
 *      ▲                   ▲   ▲ │                         │   │
 *      │ 24 h              │   │ │ left                    │   │ check failed
 *      │                   │   └─┼──── connected ──────────┘   │
 *      └──── offline ◀─────┼─────┴─────────────────────────────┘
 *               └──────────┘ connected
 * ```
 *
 * A peer is offline only by its own word (`left`) or after a check of our own failed; nothing leads from `online` to
 * `offline` on suspicion alone, and nothing at all while a control connection stands.
 */
import { MembershipError } from './errors.js'

/** In the order of hope: a control connection stands; it was lost and a check is on; the check failed, or the peer left. */
export type PeerState = 'online' | 'checking' | 'offline'

/** `unknown` is a peer that the table does not hold. */
const LEGAL: Readonly<Record<PeerState | 'unknown', readonly (PeerState | 'unknown')[]>> = {
  unknown: ['online'],
  online: ['checking', 'offline'],
  checking: ['online', 'offline'],
  offline: ['online', 'unknown'],
}

/**
 * The one place where a change of state is allowed.
 * @throws MembershipError ILLEGAL_TRANSITION
 */
export function requireLegal(from: PeerState | 'unknown', to: PeerState | 'unknown', connected: boolean): void {
  if (!LEGAL[from].includes(to)) {
    throw new MembershipError('ILLEGAL_TRANSITION', `nothing leads from ${from} to ${to}`)
  }
  if (connected !== (to === 'online')) {
    const found = connected ? 'a control connection stands' : 'no control connection stands'
    throw new MembershipError('ILLEGAL_TRANSITION', `a peer cannot become ${to} while ${found}`)
  }
}
