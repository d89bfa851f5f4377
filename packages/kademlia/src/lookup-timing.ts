/**
 * How long a lookup waits for one answer, in multiples of the time-out of that contact. On a local network this decides how long a lookup
 * takes, not the number of its hops: answers come within milliseconds, and whoever is gone does not say so.
 */
import { FIRST_TIMEOUT_MS } from '@pc/transport'

/** What a request has become that was not answered yet. Stages follow each other in this order. */
export type WaitingStage =
  /** An answer is expected, and the request takes one of the places for parallel requests. */
  | 'asked'
  /** Its place is free for another request, but the lookup does not end without it. */
  | 'slow'
  /** The lookup may end without it. */
  | 'excused'
  /** Nobody waits for it, even if nobody else has answered. */
  | 'abandoned'

/**
 * Requests are repeated after 1 and 3 time-outs, and fail after 7: by then neither the first nor the repetitions were answered. The last one has
 * half a time-out to be answered before the lookup may end without it: where packets get lost, one in a hundred needs it.
 */
const [SLOW_AFTER, EXCUSED_AFTER, ABANDONED_AFTER] = [1, 3.5, 7]

/** The stage at `now` of a request that was sent at `askedAt`. */
export function waitingStage(now: number, askedAt: number, timeoutMs: number): WaitingStage {
  if (now < stageEndsAt('asked', askedAt, timeoutMs)) return 'asked'
  if (now < stageEndsAt('slow', askedAt, timeoutMs)) return 'slow'
  return now < stageEndsAt('excused', askedAt, timeoutMs) ? 'excused' : 'abandoned'
}

/** When a request leaves a stage; infinite for the last one. */
export function stageEndsAt(stage: WaitingStage, askedAt: number, timeoutMs: number): number {
  if (stage === 'asked') return askedAt + SLOW_AFTER * timeoutMs
  if (stage === 'slow') return askedAt + EXCUSED_AFTER * timeoutMs
  return stage === 'excused' ? askedAt + ABANDONED_AFTER * timeoutMs : Number.POSITIVE_INFINITY
}

/** A time-out that can be waited for, whatever was given for it: 1 ms or more, {@link FIRST_TIMEOUT_MS} for what is no number. */
export function usableTimeout(ms: number): number {
  return Number.isFinite(ms) ? Math.max(1, ms) : FIRST_TIMEOUT_MS
}
