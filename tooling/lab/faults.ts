/** Breaks things, writes down what it broke, and mends it again. What it can do is drawn per seed: see {@link drawFaults}. */
import type { NetworkConditions, SeededRandom } from '@pc/testkit'
import { addressOf } from './addresses.js'
import type { Lab } from './lab.js'
import type { Machine } from './machine.js'
import { DEFAULT_WEATHER } from './weather.js'

export type FaultKind =
  | 'partition'
  | 'one-way partition'
  | 'clog'
  | 'reset'
  | 'spike'
  | 'pause'
  | 'sleep'
  | 'crash'
  | 'power off'
  | 'leave'
  | 'change address'

/** What goes wrong in a run, and how often. */
export interface FaultPlan {
  /** The weather while faults happen. */
  readonly conditions: Partial<NetworkConditions>
  readonly kinds: readonly FaultKind[]
  /** Mean pause between two faults, ms. */
  readonly everyMs: number
  /** The longest a fault lasts, ms; a short one is as likely as a long one. */
  readonly longestMs: number
}

const ALL_KINDS: readonly FaultKind[] = [
  'partition',
  'one-way partition',
  'clog',
  'reset',
  'spike',
  'pause',
  'sleep',
  'crash',
  'power off',
  'leave',
  'change address',
]

/** Longest clog or spike. */
const CLOG_MS = 5_000

/** The ranges of TigerBeetle's VOPR, with the delays of a LAN. */
export function drawFaults(random: SeededRandom): FaultPlan {
  const maybe = (share: number, draw: () => number): number => (random.chance(share) ? draw() : 0)
  const conditions = {
    delayMs: random.pick([0.2, 0.3, 1, 3, 10]),
    jitterMs: random.pick([0.2, 0.7, 3, 10]),
    loss: maybe(0.7, () => random.float() * 0.3),
    multicastLoss: maybe(0.7, () => random.float() * 0.5),
    duplication: maybe(0.5, () => random.float() * 0.3),
    reordering: maybe(0.5, () => random.float() * 0.5),
    reorderMs: random.pick([1, 10, 50]),
    bandwidth: maybe(0.3, () => random.pick([125_000, 1_250_000, 12_500_000])),
    clogging: maybe(0.3, () => random.float() * 0.002),
    clogMs: random.integer(1, 5_000),
  }
  return {
    conditions,
    // Each kind is on in half of the seeds: some bugs only show when another fault does not hide them (swarm testing).
    kinds: ALL_KINDS.filter(() => random.chance(0.5)),
    everyMs: random.pick([2_000, 5_000, 10_000, 20_000]),
    longestMs: random.pick([500, 3_000, 10_000, 40_000]),
  }
}

export class Faults {
  readonly #lab: Lab
  readonly #cuts = new Set<() => void>()
  /** How often everything was healed: what a fault before that wanted to undo later is done already. */
  #healed = 0
  #moves = 0
  #made = 0

  constructor(lab: Lab) {
    this.#lab = lab
  }

  /** Faults so far. */
  get made(): number {
    return this.#made
  }

  /** Makes faults until `until` (virtual ms) among the machines there are. Those that last longer are left to {@link Faults.heal}. */
  async storm(plan: FaultPlan, until: number): Promise<void> {
    const random = this.#lab.random.stream('faults')
    this.#lab.network.change(plan.conditions)
    this.#lab.note(`the weather turns: ${JSON.stringify(plan.conditions)}`)
    while (plan.kinds.length > 0) {
      await this.#lab.sleep(random.exponential(plan.everyMs))
      if (this.#lab.now() >= until) return
      this.make(random.pick(plan.kinds), random.float() ** 2 * plan.longestMs, random)
    }
  }

  /** One fault now, undone after `ms`. */
  make(kind: FaultKind, ms: number, random: SeededRandom): void {
    const { machines } = this.#lab
    const victim = random.pick(machines)
    this.#made += 1
    const acts: Readonly<Record<FaultKind, () => void>> = {
      partition: () => this.partition(drawSides(machines, random), ms),
      'one-way partition': () => this.partition(drawSides(machines, random), ms, true),
      clog: () => this.#clog(victim, random.pick(machines), Math.min(ms, CLOG_MS)),
      reset: () => this.#reset(victim, random.pick(machines)),
      spike: () => this.#spike(random.pick([20, 100, 300]), Math.min(ms, CLOG_MS)),
      pause: () => {
        victim.pause()
        this.#later(ms, () => victim.resume())
      },
      sleep: () => {
        victim.sleep()
        this.#later(ms, () => victim.wake())
      },
      crash: () => this.#down(victim, ms, () => victim.crash()),
      'power off': () => this.#down(victim, ms, () => victim.powerOff()),
      leave: () => this.#leave(victim, ms),
      'change address': () => this.changeAddress(victim),
    }
    acts[kind]()
  }

  /** Nothing goes from the first side to the second, and unless `oneWay` nothing back. All partitions end together after `ms`. */
  partition([a, b]: readonly [readonly Machine[], readonly Machine[]], ms: number, oneWay = false): void {
    if (a.length === 0 || b.length === 0) return
    const names = (side: readonly Machine[]): string => side.map(({ name }) => name).join(', ')
    this.#lab.note(`partition for ${Math.round(ms)} ms: ${names(a)} ${oneWay ? '→' : '↔'} ${names(b)}`)
    const hosts = (side: readonly Machine[]): Machine['host'][] => side.map(({ host }) => host)
    this.#lab.network.partition(hosts(a), hosts(b), { oneWay })
    const end = (): void => {
      if (!this.#cuts.delete(end)) return
      this.#lab.note('the partitions end')
      this.#cuts.clear()
      this.#lab.network.heal()
    }
    this.#cuts.add(end)
    this.#later(ms, end)
  }

  changeAddress(machine: Machine): void {
    if (machine.state !== 'running') return
    this.#moves += 1
    const address = addressOf(this.#lab.machines.indexOf(machine), this.#moves)
    this.#lab.note(`${machine.name} moves to ${address}`)
    this.#lab.network.changeAddress(machine.host, 'eth0', address)
  }

  /** Ends all faults: calm weather, no partitions, every machine runs. Resolves when all peers have started. */
  async heal(): Promise<void> {
    const { network, machines } = this.#lab
    this.#lab.note('everything heals')
    this.#healed += 1
    const calm = { loss: 0, multicastLoss: 0, duplication: 0, reordering: 0, bandwidth: 0, clogging: 0 }
    network.change({ ...DEFAULT_WEATHER, ...calm })
    this.#cuts.clear()
    network.heal()
    for (const machine of machines) {
      machine.resume()
      machine.wake()
    }
    await this.#lab.until(
      'every machine runs within 60 s of healing',
      () => {
        for (const machine of machines) if (machine.state === 'off') void machine.start()
        return machines.every((machine) => machine.ready !== undefined)
      },
      60_000,
    )
  }

  #clog(one: Machine, other: Machine, ms: number): void {
    if (one === other) return
    this.#lab.note(`clog for ${Math.round(ms)} ms: ${one.name}, ${other.name}`)
    this.#lab.network.clog(one.host, other.host, ms)
  }

  #reset(one: Machine, other: Machine): void {
    if (one === other) return
    this.#lab.note(`reset: ${one.name}, ${other.name}`)
    this.#lab.network.resetStreams(one.host, other.host)
  }

  #spike(jitterMs: number, ms: number): void {
    const { network } = this.#lab
    const before = network.conditions.jitterMs
    this.#lab.note(`a spike for ${Math.round(ms)} ms: delays of ${jitterMs} ms`)
    network.change({ jitterMs })
    this.#later(ms, () => {
      if (network.conditions.jitterMs === jitterMs) network.change({ jitterMs: before })
    })
  }

  #down(machine: Machine, ms: number, act: () => void): void {
    if (machine.state === 'off') return
    act()
    this.#later(ms, () => this.#startAgain(machine))
  }

  #leave(machine: Machine, ms: number): void {
    if (machine.ready === undefined) return
    const before = this.#healed
    void machine.stop().then(() => {
      if (this.#healed === before) this.#later(ms, () => this.#startAgain(machine))
    })
  }

  #startAgain(machine: Machine): void {
    if (machine.state === 'off') void machine.start()
  }

  #later(ms: number, undo: () => void): void {
    const before = this.#healed
    this.#lab.clock.setTimeout(() => {
      if (this.#healed === before) undo()
    }, ms)
  }
}

/** Two sides: a random half, one machine alone, or a random number of them. Some machines may be on neither. */
function drawSides(machines: readonly Machine[], random: SeededRandom): [Machine[], Machine[]] {
  const shuffled = random.shuffle([...machines])
  const size = random.pick([1, Math.floor(shuffled.length / 2), random.integer(1, shuffled.length)])
  const other = random.pick([shuffled.length, random.integer(1, shuffled.length)])
  return [shuffled.slice(0, size), shuffled.slice(size, size + other)]
}
