/**
 * How long a suspected peer has to speak up (Lifeguard §IV.B): the more accuse it independently, the shorter. Accusers are remembered after the
 * peer proved to be alive too, so that the same accusation, which goes round for a while, is not taken for a new one.
 */
import type { MembershipLimits } from './options.js'
import type { Statement } from './statements.js'

export interface Suspicion {
  readonly since: number
  /** Keys of ids, at most {@link MAX_ACCUSERS}; this peer may be among them. */
  readonly accusers: string[]
  /** Those of before, whose accusations the peer has answered by its life; as many. */
  readonly former: readonly string[]
  /** The first accusation, for the accused. */
  readonly bytes: Uint8Array
  /** The greatest incarnation that any of them accused. */
  accusedIn: number
  /** This peer's own probe or check of it found nobody. */
  ownFailed: boolean
  /** The peer proved to be alive. */
  cleared: boolean
}

type Times = Pick<Required<MembershipLimits>, 'suspicionMinMs' | 'suspicionMaxMs' | 'confirmations'>

/** More would change nothing. */
export const MAX_ACCUSERS = 8
/** After so long the same accusation is a new one. */
const OLD_MS = 60_000

/** Lifeguard's formula: from the longest time without confirmations to the shortest with all that count. */
export function suspicionTimeMs(confirmations: number, { suspicionMinMs, suspicionMaxMs, ...more }: Times): number {
  const share = Math.log(confirmations + 1) / Math.log(more.confirmations + 1)
  return Math.max(suspicionMinMs, suspicionMaxMs - share * (suspicionMaxMs - suspicionMinMs))
}

/** Accusers beyond the first. */
export function confirmationsOf({ accusers }: Suspicion): number {
  return Math.max(0, accusers.length - 1)
}

/** Whether an accusation by that accuser says something new. */
export function isNewAccuser(known: Suspicion | undefined, accuser: string, now: number): boolean {
  if (known === undefined || isOld(known, now)) return true
  const { accusers, former } = known
  return accusers.length < MAX_ACCUSERS && !accusers.includes(accuser) && !former.includes(accuser)
}

/** With one accuser more; of a peer that had proved to be alive the suspicion begins anew. */
export function accused(
  known: Suspicion | undefined,
  accuser: string,
  { bytes, incarnation }: Pick<Statement, 'bytes' | 'incarnation'>,
  now: number,
): Suspicion {
  const accusedIn = known === undefined || isOld(known, now) ? incarnation : Math.max(known.accusedIn, incarnation)
  const former = known === undefined || isOld(known, now) ? [] : known.former
  if (known === undefined || known.cleared) {
    const before = known === undefined || isOld(known, now) ? [] : known.accusers
    const kept = [...former, ...before].filter((one) => one !== accuser).slice(-MAX_ACCUSERS)
    return { since: now, accusers: [accuser], former: kept, bytes, accusedIn, ownFailed: false, cleared: false }
  }
  known.accusedIn = accusedIn
  if (!known.accusers.includes(accuser) && known.accusers.length < MAX_ACCUSERS) known.accusers.push(accuser)
  return known
}

/**
 * What is left of it after the peer's newer word: nothing; but of an accusation beyond that word, which its accuser made up, the accusers, or each copy
 * of it that goes round would be a new one.
 */
export function answeredIn(known: Suspicion | undefined, incarnation: number): Suspicion | undefined {
  if (known === undefined || known.accusedIn < incarnation) return undefined
  known.cleared = true
  return known
}

function isOld({ cleared, since }: Suspicion, now: number): boolean {
  return cleared && now - since > OLD_MS
}
