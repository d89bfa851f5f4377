/**
 * The check of our own before a verdict: datagrams first, then the connection (the order of the original). What the steps are, and when; who
 * performs them is `Checks`.
 *
 * - `lost`: a control connection ended. Datagrams and a dial at once, as the connection is wanted again; twice if the first dial is refused early.
 * - `doubted`: somebody accuses a peer to which a connection stands. Datagrams, then a ping over the connection, then a dial: the peer may have
 *   lost the network through which both go, and be in another one.
 * - `last`: the time of a suspected peer without a connection is nearly over, and few accuse it. Datagrams.
 * - `return`: an offline peer may be there again. A datagram, and a dial if there once was a connection.
 */
export type CheckKind = 'lost' | 'doubted' | 'last' | 'return'

export interface Check {
  readonly kind: CheckKind
  readonly startAt: number
  /** Datagrams sent. */
  pings: number
  /** Whether the connection was asked: once a check. */
  asked: boolean
  /** The dial that is under way. */
  dial: number | undefined
  dials: number
  /** When to dial next; infinite for not at all. */
  redialAt: number
  /** What the last dial ended with, for people. */
  detail: string | undefined
}

/** After the start: three datagrams, lost together once in 50 times at 10 % loss both ways. */
const PINGS_AT = [0, 150, 400] as const
/** After the start: the last datagram has had its time, and a ping over a connection one retransmission of TCP. */
export const CHECK_MS = 1_300
/** After the start, where a connection stands: it is asked; and it has answered if it works, so that nobody dials for nothing. */
const [ASK_AT_MS, DIAL_AT_MS] = [150, 400]
/** An accused peer is checked after 0 to so many ms: not by everybody at once. */
export const SPREAD_MS = 300
/** A peer that proved to be alive is not checked again within so many ms of that check (the original's cache). */
export const CACHE_MS = 3_000
/** Dials of a lost connection: a second one for the peer whose program is just being started again. */
export const MAX_DIALS = 2

export function newCheck(kind: CheckKind, startAt: number): Check {
  const redialAt = dialAt(kind, startAt)
  return { kind, startAt, pings: 0, asked: false, dial: undefined, dials: 0, redialAt, detail: undefined }
}

/** When the next datagram is due; infinite when there is none. */
export function pingAt({ kind, startAt, pings }: Check): number {
  const after = kind === 'return' && pings > 0 ? undefined : PINGS_AT[pings]
  return after === undefined ? Number.POSITIVE_INFINITY : startAt + after
}

/** When to ask the connection; infinite for never, or when that was done. */
export function askAt({ kind, startAt, asked }: Check): number {
  return kind === 'doubted' && !asked ? startAt + ASK_AT_MS : Number.POSITIVE_INFINITY
}

/** When it is over, if nothing comes; infinite while a dial decides that. */
export function overAt(check: Check): number {
  const dialling = check.dial !== undefined || check.redialAt !== Number.POSITIVE_INFINITY
  return dialling ? Number.POSITIVE_INFINITY : check.startAt + CHECK_MS
}

/** When to look at it next. */
export function nextStepAt(check: Check): number {
  return Math.min(pingAt(check), askAt(check), overAt(check), check.redialAt)
}

function dialAt(kind: CheckKind, startAt: number): number {
  if (kind === 'doubted') return startAt + DIAL_AT_MS
  return kind === 'last' ? Number.POSITIVE_INFINITY : startAt
}
