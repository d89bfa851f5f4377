/** What peers say about each other. */
import type { History, PresenceKind } from '../history.js'
import type { Violation } from './violation.js'

type Kind = PresenceKind | 'unknown'

/** What may follow what. `known` stands for the state in which a subscription finds a peer. */
const AFTER: Readonly<Record<Kind, readonly PresenceKind[]>> = {
  unknown: ['known', 'up'],
  known: [],
  up: ['checking', 'offline'],
  checking: ['up', 'offline'],
  offline: ['back', 'forgotten'],
  back: ['checking', 'offline'],
  forgotten: ['up'],
}

const AS_EVENT = { online: 'up', checking: 'checking', offline: 'offline' } as const

/** The events about each peer alternate legally. */
export function legalPresence(history: History): Violation[] {
  const last = new Map<string, Kind>()
  return history.presence.flatMap((event) => {
    const pair = `${event.by} about ${event.about}`
    const before = last.get(pair) ?? 'unknown'
    last.set(pair, event.kind === 'known' ? AS_EVENT[event.state ?? 'online'] : event.kind)
    return AFTER[before].includes(event.kind) ? [] : [{ at: event.at, text: `${pair}: ${event.kind} after ${before}` }]
  })
}

/** Names and records are shown only of keys that exist, each under the name that its owner signed. */
export function provedIdsOnly(history: History): Violation[] {
  return history.shown.flatMap(({ by, at, id, name }) => {
    const owner = history.ids.get(id)
    if (owner === name) return []
    return [{ at, text: `${by} shows ${name} with the id ${id}, which is ${owner === undefined ? 'nobody' : owner}` }]
  })
}
