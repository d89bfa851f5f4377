/**
 * Lookups among many peers in virtual time, one lookup at a time: tables as they are after a while, filled at random; messages that take
 * their time, or are lost and repeated as the requests of sessions are.
 */
import { SeededRandom } from '@pc/testkit'
import { FIRST_TIMEOUT_MS } from '@pc/transport'
import { type Contact, contactOf } from '../../src/contact.js'
import { Lookup } from '../../src/lookup.js'
import { leadingDistance } from '../../src/lookup-candidate.js'
import type { LookupOptions } from '../../src/lookup-options.js'
import { commonPrefix, type Position } from '../../src/position.js'

export interface SimulatedPeer {
  readonly contact: Contact
  /** Up to 20 of each bucket. */
  readonly table: readonly SimulatedPeer[]
  alive: boolean
  /** What it answers instead of those of its table that are nearest. */
  lie: ((target: Position) => Contact[]) | undefined
}

export interface Conditions {
  /** Part of the messages that are lost, each way. */
  readonly loss?: number
  readonly options?: LookupOptions
}

/** What came of one lookup. */
export interface Outcome {
  readonly requests: number
  readonly ms: number
  /** The nearest honest living peer is the first of the result. */
  readonly found: boolean
  /** The nearest honest living peer was asked. */
  readonly reached: boolean
  /** The result is the 20 nearest living peers. */
  readonly exact: boolean
}

const K = 20
const [REPEATED_AFTER_MS, FAILED_AFTER_MS] = [[0, FIRST_TIMEOUT_MS, 3 * FIRST_TIMEOUT_MS], 7 * FIRST_TIMEOUT_MS]

export class SimulatedPeers {
  readonly peers: readonly SimulatedPeer[]
  readonly random: SeededRandom
  readonly #byKey: Map<string, SimulatedPeer>

  constructor(count: number, seed: string) {
    this.random = new SeededRandom(seed)
    const contacts = Array.from({ length: count }, (_, index) =>
      contactOf(this.random.bytes(32), { host: `10.0.${index >> 8}.${index & 0xff}`, port: 3485 }),
    )
    const tables = contacts.map((): SimulatedPeer[] => [])
    this.peers = contacts.map((contact, index) => ({
      contact,
      table: tables[index] ?? [],
      alive: true,
      lie: undefined,
    }))
    for (const [index, table] of tables.entries()) this.#fill(index, table)
    this.#byKey = new Map(this.peers.map((peer) => [peer.contact.key, peer]))
  }

  /** So many of them chosen at random. */
  some(count: number): SimulatedPeer[] {
    return this.random.shuffle(this.peers).slice(0, count)
  }

  /** One more that answers, in nobody's table. */
  join(contact: Contact, lie: SimulatedPeer['lie']): void {
    this.#byKey.set(contact.key, { contact, table: [], alive: true, lie })
  }

  /** Lookups for random targets by random peers that are alive and honest. */
  lookups(count: number, conditions: Conditions = {}): Outcome[] {
    const honest = this.peers.filter(({ alive, lie }) => alive && lie === undefined)
    return Array.from({ length: count }, () =>
      this.#lookup(this.random.pick(honest), this.random.bytes(32), honest, conditions),
    )
  }

  #lookup(
    source: SimulatedPeer,
    target: Position,
    honest: SimulatedPeer[],
    { loss = 0, options }: Conditions,
  ): Outcome {
    const seeds = nearest(source.table, target)
    const lookup = Lookup.create({ target, seeds, options: { self: source.contact.key, ...options } })
    const agenda = new Agenda()
    const asked: Contact[] = []
    const ask = (contact: Contact): void => {
      asked.push(contact)
      const peer = this.#byKey.get(contact.key)
      for (const after of REPEATED_AFTER_MS) {
        const lost = this.random.chance(loss) || this.random.chance(loss) || peer?.alive !== true
        const roundTrip = 0.6 + this.random.exponential(0.7) + this.random.exponential(0.7)
        if (peer === undefined || lost) continue
        agenda.at(agenda.now + after + roundTrip, () => {
          lookup.answered(contact, peer.lie?.(target) ?? nearest(peer.table, target), agenda.now)
        })
      }
      agenda.at(agenda.now + FAILED_AFTER_MS, () => lookup.failed(contact, agenda.now))
    }
    for (let step = lookup.next(0); step.type !== 'done'; step = lookup.next(agenda.now)) {
      if (step.type === 'ask') ask(step.contact)
      else agenda.advance(step.until)
    }
    const best = nearest(
      honest.filter((peer) => peer !== source),
      target,
    )
    const result = lookup.result()
    return {
      requests: asked.length,
      ms: agenda.now,
      found: result[0] === best[0],
      reached: asked.some((contact) => contact === best[0]),
      exact: result.length === best.length && result.every((contact, index) => contact === best[index]),
    }
  }

  /** Each bucket with 20 of those that belong there, each equally likely. */
  #fill(index: number, table: SimulatedPeer[]): void {
    const own = this.peers[index]
    const buckets = new Map<number, SimulatedPeer[]>()
    for (const peer of this.peers) {
      if (peer === own || own === undefined) continue
      const prefix = commonPrefix(own.contact.position, peer.contact.position)
      const bucket = buckets.get(prefix)
      if (bucket === undefined) buckets.set(prefix, [peer])
      else bucket.push(peer)
    }
    for (const bucket of buckets.values()) {
      const kept = Math.min(K, bucket.length)
      for (let place = 0; place < kept; place++) {
        const other = this.random.integer(place, bucket.length - 1)
        const chosen = bucket[other]
        const displaced = bucket[place]
        if (chosen === undefined || displaced === undefined) continue
        bucket[other] = displaced
        bucket[place] = chosen
        table.push(chosen)
      }
    }
  }
}

/** The contacts of the 20 nearest. */
export function nearest(peers: readonly SimulatedPeer[], target: Position): Contact[] {
  return peers
    .map(({ contact }) => ({ contact, distance: leadingDistance(target, contact.position) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, K)
    .map(({ contact }) => contact)
}

/** The value that part `p` of the values do not exceed. */
export function percentile(values: readonly number[], p: number): number {
  return values.toSorted((a, b) => a - b)[Math.ceil(p * values.length) - 1] ?? Number.NaN
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

interface Entry {
  readonly at: number
  readonly run: () => void
}

/** What is to happen when: few things at a time. */
class Agenda {
  now = 0
  #entries: Entry[] = []

  at(at: number, run: () => void): void {
    this.#entries.push({ at, run })
  }

  /** Goes on to what comes next, or until that time if that is earlier. */
  advance(until: number): void {
    let next = this.#entries[0]
    for (const each of this.#entries) if (next !== undefined && each.at < next.at) next = each
    if (next === undefined || next.at > until) {
      this.now = until
      return
    }
    this.#entries = this.#entries.filter((entry) => entry !== next)
    this.now = next.at
    next.run()
  }
}
