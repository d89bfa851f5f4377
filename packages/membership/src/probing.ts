/**
 * The failure detector of SWIM (§4.1, §4.3): in each period one peer is pinged, in turn, and one of those with a control connection, whose
 * datagrams are of interest even while the connection is alive.
 *
 *     0 ms  ping · max(2 round trips, 100 ms)  ping again · 300 ms  three others are asked to try, and the connection is pinged
 *     400 ms  a third ping, and if there is no connection a dial · end of the period  nobody heard: accuse it
 *
 * Where we differ: whoever was heard within 5 s is left out, so that busy networks probe almost nobody; further pings (Wi-Fi loses one in ten),
 * and the connection (memberlist's), so that a firewall that drops datagrams makes nobody suspected; the dial comes after those who were asked
 * to try have had time to answer, as at 10 % loss one probe in thirty would make a connection that nobody needs.
 */
import { type Inside, isLive } from './inside.js'
import type { Entry } from './member.js'
import type { Pings } from './pings.js'

export interface ProbeOutcome {
  readonly entry: Entry
  readonly startedAt: number
  /** One of those who tried got an answer. */
  readonly reachedByOthers: boolean
}

interface Probe {
  readonly entry: Entry
  readonly startedAt: number
  readonly endsAt: number
  /** Key of whoever was asked to try. */
  readonly helpers: Set<string>
  readonly sequence: number
  stage: number
  dial: number | undefined
  nacks: number
  reachedByOthers: boolean
}

interface ProbingPorts {
  readonly pings: Pings
  /** Returns the number of the dial. */
  dial(entry: Entry, timeoutMs: number): number
  measure(entry: Entry): void
  /** Nothing came by datagram. What else came, the entry says. */
  over(outcome: ProbeOutcome): void
}

/** The second ping at the earliest. */
const SECOND_PING_MS = 100
const INDIRECT_AT_MS = 300
const DIAL_AT_MS = 400
/** Those with a connection are asked a little before their datagrams are missed by users. */
const LINKED_QUIET_SHARE = 0.8
/** With slow periods those of before may not be over. */
const MAX_PROBES = 16

export class Probing {
  readonly #inside: Inside
  readonly #ports: ProbingPorts
  readonly #probes = new Set<Probe>()
  /** Datagrams to it were not answered though its connection was: once more, before it is called blocked. */
  readonly #again: Entry[] = []
  #tickAt = Number.POSITIVE_INFINITY

  constructor(inside: Inside, ports: ProbingPorts) {
    this.#inside = inside
    this.#ports = ports
  }

  get dueAt(): number {
    let due = this.#tickAt
    for (const probe of this.#probes) due = Math.min(due, this.#stepAt(probe))
    return due
  }

  get size(): number {
    return this.#probes.size
  }

  /** There is somebody to probe: goes on until there is nobody. */
  begin(): void {
    // Not all at once after a common start.
    if (this.#tickAt === Number.POSITIVE_INFINITY)
      this.#tickAt = this.#inside.at + this.#inside.random() * this.#periodMs
  }

  again(entry: Entry): void {
    if (!this.#again.includes(entry) && this.#again.length < MAX_PROBES) this.#again.push(entry)
  }

  wake(): void {
    const { at, table } = this.#inside
    for (const probe of [...this.#probes]) this.#step(probe)
    if (this.#tickAt > at) return
    this.#tickAt = table.live > 0 ? at + this.#periodMs : Number.POSITIVE_INFINITY
    this.#probe(this.#inside.everybody.next((entry) => this.#isQuiet(entry)))
    this.#probe(this.#nextLinked())
  }

  /** One of those that were asked to try a peer says how that went. */
  tried(sequence: number, by: Entry, answered: boolean): void {
    for (const probe of this.#probes) {
      if (probe.sequence !== sequence || !probe.helpers.delete(by.key)) continue
      if (answered) probe.reachedByOthers = true
      else probe.nacks += 1
    }
  }

  /** The dial could not be made, for want of something here: the probe proves nothing. */
  undecided(dial: number): void {
    for (const probe of this.#probes) if (probe.dial === dial) this.#probes.delete(probe)
  }

  /** This machine slept: what was not answered proves nothing. */
  giveUp(): void {
    this.#probes.clear()
  }

  get #periodMs(): number {
    return this.#inside.limits.periodMs * (this.#inside.health.multiplier + 1)
  }

  #isQuiet(entry: Entry): boolean {
    // Of a lost connection the check decides.
    if (!isLive(entry) || entry.check?.kind === 'lost' || this.#isProbed(entry)) return false
    return this.#inside.at - entry.provedAt >= this.#inside.limits.quietMs
  }

  /** The one whose datagrams are missed longest. */
  #nextLinked(): Entry | undefined {
    const again = this.#again.shift()
    if (again?.link !== undefined && isLive(again)) return again
    const { at, table, limits } = this.#inside
    let longest: Entry | undefined
    for (const entry of table.linked) {
      const quiet = at - Math.max(entry.datagramAt, entry.probedAt) >= limits.quietMs * LINKED_QUIET_SHARE
      if (!quiet || !isLive(entry) || this.#isProbed(entry)) continue
      if (longest === undefined || lastTried(entry) < lastTried(longest)) longest = entry
    }
    return longest
  }

  #isProbed(entry: Entry): boolean {
    for (const probe of this.#probes) if (probe.entry === entry) return true
    return false
  }

  #probe(entry: Entry | undefined): void {
    if (entry === undefined || this.#probes.size >= MAX_PROBES) return
    const { at } = this.#inside
    entry.probedAt = at
    this.#probes.add({
      entry,
      startedAt: at,
      endsAt: at + this.#periodMs,
      helpers: new Set(),
      sequence: this.#ports.pings.send(entry),
      stage: 0,
      dial: undefined,
      nacks: 0,
      reachedByOthers: false,
    })
  }

  #stepAt({ stage, startedAt, endsAt, entry }: Probe): number {
    const second = Math.min(INDIRECT_AT_MS, Math.max(SECOND_PING_MS, 2 * (entry.roundTripMs ?? 0)))
    const after = stage === 0 ? second : stage === 1 ? INDIRECT_AT_MS : DIAL_AT_MS
    return stage > 2 ? endsAt : Math.min(endsAt, startedAt + after)
  }

  #step(probe: Probe): void {
    const { entry, startedAt } = probe
    const { health, at } = this.#inside
    if (entry.datagramAt >= startedAt && entry.datagramAt > Number.NEGATIVE_INFINITY) {
      this.#probes.delete(probe)
      health.answered()
      return
    }
    if (entry.gone || !isLive(entry)) {
      this.#probes.delete(probe)
      return
    }
    if (this.#stepAt(probe) > at) return
    if (at < probe.endsAt) this.#goOn(probe)
    else {
      this.#probes.delete(probe)
      const proved = entry.provedAt >= startedAt || probe.reachedByOthers
      if (!proved && probe.nacks === 0) health.unheard()
      this.#ports.over({ entry, startedAt, reachedByOthers: probe.reachedByOthers })
    }
  }

  #goOn(probe: Probe): void {
    const { entry } = probe
    probe.stage += 1
    if (probe.stage === 1) this.#ports.pings.send(entry)
    else if (probe.stage === 2) {
      this.#askOthers(probe)
      if (entry.link !== undefined) this.#ports.measure(entry)
    } else if (!probe.reachedByOthers) {
      this.#ports.pings.send(entry)
      if (entry.link === undefined) probe.dial = this.#ports.dial(entry, probe.endsAt - this.#inside.at)
    }
  }

  #askOthers({ entry, helpers, sequence }: Probe): void {
    const { everybody, limits } = this.#inside
    const willing = everybody.pick(limits.indirectProbes, (one) => isLive(one) && one !== entry && !one.udpBlocked)
    for (const helper of willing) {
      helpers.add(helper.key)
      this.#inside.send(helper, { type: 'ping-req', sequence, target: entry.key })
    }
  }
}

function lastTried({ datagramAt, probedAt }: Entry): number {
  return Math.max(datagramAt, probedAt)
}
