/**
 * The states of a peer, and every change there is between them:
 *
 * ```
 *              proved                lost, or suspected
 *   unknown ─────────────▶ online ──────────────────────▶ checking
 *      ▲                   ▲   ▲ │                         │   │
 *      │ 24 h              │   │ │ left                    │   │ check failed, or suspicion ran out; left
 *      │                   │   └─┼── any sign of life ─────┘   │
 *      └──── offline ◀─────┼─────┴─────────────────────────────┘
 *               └──────────┘ proved
 * ```
 *
 * A peer is offline only by its own word (`left`) or after it answered nothing for a while that it was given: nothing leads from
 * `online` to `offline` on suspicion alone.
 */
import { MembershipError } from './errors.js'

/** In the order of hope: it was proved to live; that is in doubt; nobody answers, or it left. */
export type PeerState = 'online' | 'checking' | 'offline'

/** `unknown` is a peer that the table does not hold. */
const LEGAL: Readonly<Record<PeerState | 'unknown', readonly (PeerState | 'unknown')[]>> = {
  unknown: ['online'],
  online: ['checking', 'offline'],
  checking: ['online', 'offline'],
  offline: ['online', 'unknown'],
}

/**
 * The one place where a change of state is allowed. Straight from `online` to `offline` leads the peer's own word alone.
 * @throws MembershipError ILLEGAL_TRANSITION
 */
export function requireLegal(from: PeerState | 'unknown', to: PeerState | 'unknown', left = false): void {
  const skipsCheck = from === 'online' && to === 'offline' && !left
  if (LEGAL[from].includes(to) && !skipsCheck) return
  throw new MembershipError(
    'ILLEGAL_TRANSITION',
    `nothing leads from ${from} to ${to}${left ? '' : ' without a goodbye'}`,
  )
}
