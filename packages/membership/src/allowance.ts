/** Rates by one number each (GCRA): when the allowance will be full again. Pure. */

export interface Rate {
  /** One in so many ms, in the long run. */
  readonly everyMs: number
  readonly burst: number
}

/** The number to keep if one more may be taken; undefined if not. */
export function take(fullAt: number, now: number, { everyMs, burst }: Rate): number | undefined {
  const next = Math.max(fullAt, now) + everyMs
  return next - now > everyMs * burst ? undefined : next
}
