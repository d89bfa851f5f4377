/** What messages promise: stored once, in the sender's order, from whom they say; nothing acknowledged is missing. */
import { type Attempt, type History, machineOf, type Stored } from '../history.js'
import type { Violation } from './violation.js'

/** Messages of one life to one receiving life are stored in the order of the calls. */
export function senderOrder(history: History): Violation[] {
  const last = new Map<string, number>()
  return history.stored.flatMap((one) => {
    const lane = `${one.claims.from} to ${one.by}`
    const before = last.get(lane) ?? 0
    last.set(lane, Math.max(before, one.claims.number))
    if (one.claims.number >= before) return []
    return [{ at: one.at, text: `${lane}: number ${one.claims.number} was stored after number ${before}` }]
  })
}

/** Within a receiver's life nothing is stored a second time, neither by its number nor by its id. */
export function storedOnce(history: History): Violation[] {
  const seen = new Set<string>()
  return history.stored.flatMap((one) => {
    const keys = [`${one.by} number ${one.claims.number}`, `${one.by} id ${one.id}`]
    const twice = keys.filter((key) => seen.has(key))
    for (const key of keys) seen.add(key)
    return twice.length === 0 ? [] : [{ at: one.at, text: `stored twice: ${twice.join(', ')}, of ${one.claims.from}` }]
  })
}

/** What was acknowledged is written down at some life of its receiver. */
export function acknowledgedIsStored(history: History): Violation[] {
  const stored = new Set(history.stored.map((one) => `${machineOf(one.by)} ${one.claims.number}`))
  return messages(history)
    .filter((one) => one.outcome === 'done' && !stored.has(`${one.to} ${one.number}`))
    .map((one) => ({ at: one.settledAt ?? one.at, text: `${nameOf(one)} was acknowledged and is stored nowhere` }))
}

/** The inbox holds in the end what the journal was shown, in that order: `stored` is no promise that was taken back. */
export function inboxAsJournal(history: History): Violation[] {
  const journals = new Map<string, Stored[]>()
  for (const one of history.stored) journals.set(one.by, [...(journals.get(one.by) ?? []), one])
  return [...history.inboxes].flatMap(([life, ids]) => {
    const journal = journals.get(life) ?? []
    const differs = ids.length !== journal.length || ids.some((id, index) => id !== journal[index]?.id)
    if (!differs) return []
    const at = journal.at(-1)?.at ?? 0
    return [
      {
        at,
        text: `${life} wrote down ${journal.length} messages, but its inbox holds ${ids.length} (or in another order)`,
      },
    ]
  })
}

/** A message is from the machine that its payload names, and at the one it is for. */
export function rightSender(history: History): Violation[] {
  const wrong = (kind: string, one: Pick<Stored, 'by' | 'at' | 'provedFrom' | 'claims'>): Violation[] => {
    const { from, to, number } = one.claims
    if (machineOf(from) === one.provedFrom && to === machineOf(one.by)) return []
    const text = `${kind} ${number} of ${from} for ${to} is at ${one.by} as one of ${one.provedFrom}`
    return [{ at: one.at, text }]
  }
  return [
    ...history.stored.flatMap((one) => wrong('message', one)),
    ...history.executions.flatMap((one) => wrong('request', one)),
  ]
}

function messages(history: History): Attempt[] {
  return history.attempts.filter(({ kind }) => kind === 'message')
}

function nameOf({ kind, number, from, to }: Attempt): string {
  return `${kind} ${number} of ${from} to ${to}`
}
