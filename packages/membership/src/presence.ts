/** Who is up, and what is told of that: every change of state is made here. */
import type { PeerId, SignedPeerRecord } from '@pc/identity'
import { newCheck } from './check.js'
import type { MembershipEvent, Reason } from './events.js'
import type { Inside } from './inside.js'
import { type Entry, newEntry } from './member.js'
import { answeredIn } from './suspicion.js'

/** Re-checks vary by this part in both directions, so that a restarted network is not dialled by all at once. */
const RECHECK_JITTER = 0.2
/** Datagrams that a peer had sent before it left may come after its goodbye: no sign of life for so long. */
const AFTER_LEAVING_MS = 3_000

export class Presence {
  readonly #inside: Inside

  constructor(inside: Inside) {
    this.#inside = inside
  }

  /** The entry of a peer that was proved to live; undefined when there is no room. */
  enter(peer: PeerId, record: SignedPeerRecord): Entry | undefined {
    const { table, now, at, everybody } = this.#inside
    const known = table.of(peer)
    if (known !== undefined) {
      if (record.sequence >= known.record.sequence) known.record = record
      return known
    }
    const room = table.whoMakesRoom()
    if (room === 'full') {
      this.#inside.effect({ type: 'refused', peer })
      return undefined
    }
    if (room !== undefined) this.forget(room)
    const entry = newEntry(peer, record, now, at)
    table.add(entry)
    everybody.add(entry)
    this.#emit({ type: 'up', peer: entry.peer, record: entry.record })
    return entry
  }

  /** A sign of life, which ends every doubt. Not of a peer that has just left: see {@link Presence.returned}. */
  alive(entry: Entry, by: 'datagram' | 'stream', heardAt: number = this.#inside.now): void {
    const { now, at } = this.#inside
    // Of a connection that still stands while its peer finishes, nothing is: a new one would have said that it is back.
    if (entry.left && (by === 'stream' || at - entry.becameAt < AFTER_LEAVING_MS)) return
    // What was heard before the doubt began says nothing against it.
    const ago = Math.max(0, now - heardAt)
    if (entry.state !== 'online' && at - ago < entry.becameAt) return
    entry.lastSeenAt = Math.max(entry.lastSeenAt, heardAt)
    entry.provedAt = Math.max(entry.provedAt, at - ago)
    if (by === 'datagram') {
      entry.datagramAt = entry.provedAt
      entry.udpFailures = 0
      entry.udpBlocked = false
    }
    if (entry.suspicion !== undefined) entry.suspicion.cleared = true
    if (entry.state !== 'online') this.#online(entry)
  }

  /** It is there again after its goodbye: a new connection, or a newer word of its own. */
  returned(entry: Entry): void {
    entry.left = false
  }

  /** It says itself that it lives, in a newer word than what it was accused of. What is checked is no longer in doubt. */
  spoke(entry: Entry): void {
    entry.suspicion = answeredIn(entry.suspicion, entry.incarnation)
    if (entry.check?.kind === 'doubted' || entry.check?.kind === 'last') entry.check = undefined
    if (entry.state === 'checking') this.#online(entry)
  }

  doubt(entry: Entry, reason: Reason, detail: string): void {
    this.#become(entry, 'checking', reason, detail)
    this.#emit({ type: 'checking', peer: entry.peer, record: entry.record, reason, detail })
  }

  offline(entry: Entry, reason: Reason, detail: string): void {
    entry.left = reason === 'left'
    if (entry.left) entry.leftIn = entry.incarnation
    this.#become(entry, 'offline', reason, detail)
    entry.check = undefined
    entry.suspicion = undefined
    entry.rechecks = 0
    entry.measureAt = Number.POSITIVE_INFINITY
    this.#emit({ type: 'offline', peer: entry.peer, record: entry.record, reason, detail })
    this.recheckLater(entry)
  }

  /** When an offline peer is looked for next: rarer and rarer, until it is forgotten. */
  recheckLater(entry: Entry): void {
    const { recheckAfterMs, forgetAfterMs } = this.#inside.limits
    const { at, random } = this.#inside
    const step = recheckAfterMs[Math.min(entry.rechecks++, recheckAfterMs.length - 1)] ?? forgetAfterMs
    const varied = step * (1 + RECHECK_JITTER * (2 * random() - 1))
    entry.recheckAt = Math.min(at + varied, Math.max(at, entry.becameAt + forgetAfterMs))
    this.#inside.touch(entry)
  }

  forget(entry: Entry): void {
    this.#inside.table.remove(entry)
    this.#inside.touch(entry)
    this.#emit({ type: 'forgotten', peer: entry.peer, record: entry.record })
  }

  #online(entry: Entry): void {
    const type = entry.state === 'offline' ? 'back' : 'up'
    if (type === 'back') this.#wantConnection(entry)
    entry.left = false
    entry.recheckAt = Number.POSITIVE_INFINITY
    this.#become(entry, 'online', undefined, undefined)
    this.#emit({ type, peer: entry.peer, record: entry.record })
  }

  /** Whoever had a connection is to have one again: by what other way it came back does not matter. */
  #wantConnection(entry: Entry): void {
    const { at, random, limits } = this.#inside
    const isWanted = entry.wasLinked && entry.link === undefined
    entry.check = isWanted ? newCheck('lost', at + random() * limits.checkDelayMs) : undefined
  }

  #become(entry: Entry, to: Entry['state'], reason: Reason | undefined, detail: string | undefined): void {
    this.#inside.table.become(entry, to, this.#inside.now, this.#inside.at)
    entry.reason = reason
    entry.detail = detail
    this.#inside.touch(entry)
  }

  #emit(event: MembershipEvent): void {
    this.#inside.effect({ type: 'emit', event })
  }
}
