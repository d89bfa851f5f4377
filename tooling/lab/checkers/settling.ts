/** Whoever calls gets an answer or a reason, in time. */
import { type Attempt, type History, machineOf } from '../history.js'
import type { Violation } from './violation.js'

/** Timers fire late by rounding and by what falls due at the same moment; more is a deadline that was missed. */
const LATE_MS = 20

/** Every call of a life that was not cut off has settled in the end. */
export function everythingSettled(history: History): Violation[] {
  return history.attempts
    .filter((one) => one.outcome === 'pending' && !history.cutOff.has(one.from))
    .map((one) => ({ at: one.at + one.timeoutMs, text: `${nameOf(one)} of ${one.at} ms never settled` }))
}

/** By its deadline, on its sender's clock; a machine that stood still may be late by as much. */
export function settledInTime(history: History): Violation[] {
  return history.attempts.flatMap((one) => {
    const limit = one.timeoutMs + (history.stalledMs.get(one.from) ?? 0) + LATE_MS
    if (one.tookMs === undefined || one.tookMs <= limit) return []
    return [
      {
        at: one.settledAt ?? one.at,
        text: `${nameOf(one)} settled after ${one.tookMs} ms, its deadline was ${one.timeoutMs} ms`,
      },
    ]
  })
}

/** A rejection carries a code that programs can match on. */
export function rejectionsHaveCodes(history: History): Violation[] {
  return history.attempts.flatMap((one) => {
    if (typeof one.outcome !== 'object' || one.outcome.rejected !== undefined) return []
    return [{ at: one.settledAt ?? one.at, text: `${nameOf(one)} was rejected without a code` }]
  })
}

/** The handler ran at most once for each request, and every answer is the one for its request. */
export function executedOnce(history: History): Violation[] {
  const runs = new Set<number>()
  const twice = history.executions.flatMap((one) => {
    const again = runs.has(one.claims.number)
    runs.add(one.claims.number)
    return again
      ? [
          {
            at: one.at,
            text: `request ${one.claims.number} of ${one.claims.from} was executed twice, again by ${one.by}`,
          },
        ]
      : []
  })
  const unexecuted = history.attempts
    .filter((one) => one.kind === 'request' && one.outcome === 'done' && !runs.has(one.number))
    .map((one) => ({ at: one.settledAt ?? one.at, text: `${nameOf(one)} was answered, but no handler ran` }))
  const wrong = history.attempts.flatMap((one) =>
    one.wrongAnswer === undefined
      ? []
      : [{ at: one.settledAt ?? one.at, text: `${nameOf(one)} got another answer: ${one.wrongAnswer}` }],
  )
  return [...twice, ...unexecuted, ...wrong]
}

function nameOf({ kind, number, from, to }: Attempt): string {
  return `${kind} ${number} of ${from} to ${machineOf(`${to}#`)}`
}
