import type { Contact } from './contact.js'
import type { LookupPath } from './lookup-path.js'
import type { WaitingStage } from './lookup-timing.js'
import { compareDistance, type Position } from './position.js'

/** A contact that a lookup may ask, and what has come of it. */
export interface Candidate {
  contact: Contact
  /** The first 48 bits of the distance to the target: tells nearly all candidates apart, as one number. */
  readonly distance: number
  /** 1: from our own table; 2: hinted at by one of those; and so on. */
  readonly hops: number
  state: 'known' | WaitingStage | 'answered' | 'failed'
  /** The candidate of the same peer at the address that is tried before this one. */
  readonly first: Candidate | undefined
  /** The candidate of the same peer at another address that was asked as well. No peer is asked at a third. */
  second: Candidate | undefined
  /** Who hinted at it last; `undefined` for our own table. */
  informer: Candidate | undefined
  /** How many more hinted at this address than at further ones. */
  votes: number
  /** The path that asked it. */
  path: LookupPath | undefined
  /** When it was asked. */
  askedAt: number
  timeoutMs: number
}

export function candidateOf(
  contact: Contact,
  distance: number,
  informer: Candidate | undefined,
  first: Candidate | undefined,
): Candidate {
  return {
    contact,
    distance,
    hops: (informer?.hops ?? 0) + 1,
    state: 'known',
    first,
    second: undefined,
    informer,
    votes: 0,
    path: undefined,
    askedAt: 0,
    timeoutMs: 0,
  }
}

/** The 48 most significant bits of the distance between two positions. */
export function leadingDistance(target: Position, position: Position): number {
  const high = (distanceByte(target, position, 0) << 16) | distancePair(target, position, 1)
  const low = (distanceByte(target, position, 3) << 16) | distancePair(target, position, 4)
  return high * 0x1_00_00_00 + low
}

/** As `compareDistance`, for a candidate and a contact of a known leading distance. */
export function compareCandidate(target: Position, a: Candidate, contact: Contact, distance: number): number {
  if (a.distance !== distance) return a.distance - distance
  return a.contact.key === contact.key ? 0 : compareDistance(target, a.contact.position, contact.position)
}

export function atSameAddress(a: Contact, b: Contact): boolean {
  return a === b || (a.address.port === b.address.port && a.address.host === b.address.host)
}

function distancePair(a: Position, b: Position, index: number): number {
  return (distanceByte(a, b, index) << 8) | distanceByte(a, b, index + 1)
}

function distanceByte(a: Position, b: Position, index: number): number {
  return (a[index] ?? 0) ^ (b[index] ?? 0)
}
