/** The numbers of the protocol as functions, so that a table can test them. Times in ms. */

/** Forwarded with at least this probability, however old (the original's rule). */
const LEAST_PROBABILITY = 0.6
/** Pushed to others up to this age; older news, after a partition, travel by digests and anti-entropy. */
const EAGER_MS = 6_000
/**
 * When what was received is announced, after its receipt: the first as soon as a push has had time to arrive by another way, then twice as long each
 * time, so that a short loss is repaired at once and a long one without noise.
 */
const DIGEST_AFTER_MS: readonly number[] = [20, 60, 140, 300, 620, 1_260, 2_540, 5_100]
const [LEAST_PATIENCE_MS] = DIGEST_AFTER_MS as [number]
const GREATEST_PATIENCE_MS = 320
const DIGEST_JITTER = 0.25
/** Between two tries to get a body: a round trip of a local network and the work of a busy machine. */
const WANT_STEP_MS = 8
const SYNC_EVERY_MS = 30_000
/** Up to here every peer can afford an exchange each period; beyond, others bring the news on. */
const SYNC_CROWD = 32
const SYNC_JITTER = 0.25

/** How probably a rumor of that age is pushed on (age-weighted forwarding). */
export function forwardProbability(ageMs: number, ttlMs: number): number {
  if (ageMs > Math.min(ttlMs, EAGER_MS)) return 0
  return Math.max(LEAST_PROBABILITY, 1 - ageMs / ttlMs)
}

/** Announcements of one rumor at most. */
export const DIGEST_ROUNDS: number = DIGEST_AFTER_MS.length

/** How long pushes may take by another way, where second copies came so long after the first ones on average. */
export function pushDelay(secondCopyMs: number | undefined): number {
  return Math.min(GREATEST_PATIENCE_MS, Math.max(LEAST_PATIENCE_MS, 2 * (secondCopyMs ?? 0)))
}

/**
 * From the announcement before, or from the receipt, to that of this round, with jitter so that neighbours do not speak all at once.
 * @param patienceMs what pushes may take, see `pushDelay`, and so what announcements may: no step is shorter
 * @param chance in [0, 1)
 */
export function digestDelay(round: number, patienceMs: number, chance: number): number {
  const delay = DIGEST_AFTER_MS[Math.min(round, DIGEST_ROUNDS - 1)] as number
  const before = round === 0 ? 0 : (DIGEST_AFTER_MS[round - 1] as number)
  return Math.max(patienceMs, delay - before) * (1 + DIGEST_JITTER * (2 * chance - 1))
}

/** How long to wait for a body before the next announcer is asked. */
export function wantDelay(attempt: number, roundTripMs: number): number {
  return WANT_STEP_MS * attempt + roundTripMs
}

/** Until the next exchange with a peer by chance: 30 s among few, more among many, so that the whole network has as many a second. */
export function syncDelay(peers: number, chance: number): number {
  const every = SYNC_EVERY_MS * Math.max(1, Math.log2(peers / SYNC_CROWD))
  return every * (1 + SYNC_JITTER * (2 * chance - 1))
}
