/** What a scenario works with: one simulated network with its clock and chance, machines on it, checks and figures. */
import { createIdentity, type PeerId } from '@pc/identity'
import type { PeerOptions } from '@pc/peer'
import { SeededRandom, SimulatedNetwork, Trace, VirtualClock } from '@pc/testkit'
import { addressOf } from './addresses.js'
import { EventLog, type LogLine } from './event-log.js'
import { Faults } from './faults.js'
import type { Bar, Combine, Figure } from './figures.js'
import { overBar } from './figures.js'
import { Machine } from './machine.js'
import type { OptionSpecs, OptionValues } from './options.js'
import { Recorder } from './recorder.js'
import { conditionsFrom, DEFAULT_WEATHER } from './weather.js'

/** One rule that did not hold. */
export interface Failure {
  readonly check: string
  /** Virtual ms. */
  readonly at: number
  readonly details: string
  /** What happened before. */
  readonly log: readonly LogLine[]
}

export interface LabOptions {
  readonly seed: string
  readonly options: OptionValues
  readonly specs: OptionSpecs
}

export interface MachineOptions {
  /** @default p1, p2, … */
  readonly name?: string
  readonly segment?: string
  /** How far its wall clock is off, ms, and how fast its clocks run. @default 0 */
  readonly clock?: { readonly offsetMs?: number; readonly driftPpm?: number }
  /** Further options of `createPeer`. */
  readonly peer?: Partial<PeerOptions>
}

/** Kept with each failure. */
const LOG_LINES = 25
/** The rest is counted: one cause breaks many rules. */
const MAX_FAILURES = 50
const POLL_MS = 5

export class Lab {
  readonly seed: string
  readonly random: SeededRandom
  readonly trace: Trace
  /** Of the network; machines have their own, `machine.host.clock`. */
  readonly clock: VirtualClock
  readonly network: SimulatedNetwork<PeerId>
  readonly recorder: Recorder
  readonly faults: Faults
  readonly log = new EventLog()
  readonly #options: LabOptions
  readonly #machines: Machine[] = []
  readonly #figures: Record<string, Figure> = {}
  readonly #failures: Failure[] = []
  readonly #used: Record<string, number | string> = {}
  #unshown = 0
  #checks = 0

  constructor(options: LabOptions) {
    this.#options = options
    this.seed = options.seed
    this.random = new SeededRandom(options.seed)
    this.trace = new Trace()
    this.clock = new VirtualClock({ trace: this.trace })
    const weather = { ...DEFAULT_WEATHER, ...conditionsFrom(options.options) }
    this.network = new SimulatedNetwork({ clock: this.clock, random: this.random, trace: this.trace, ...weather })
    this.recorder = new Recorder(this.trace)
    this.faults = new Faults(this)
  }

  // ---- options

  /** A number that was given or has a default. */
  option(name: string): number {
    const value = this.#options.options[name]
    if (typeof value !== 'number') throw new Error(`option ${name} has neither a value nor a default: use draw()`)
    this.#used[name] = value
    return value
  }

  /** A text that was given or has a default. */
  text(name: string): string {
    const value = this.#options.options[name]
    if (typeof value !== 'string') throw new Error(`option ${name} has neither a text nor a default`)
    return value
  }

  /** Whether it was given or has a default. */
  has(name: string): boolean {
    return this.#options.options[name] !== undefined
  }

  /** The option if it was given, else drawn from the seed: a further draw elsewhere changes nothing here. */
  draw(name: string, pick: (random: SeededRandom) => number): number {
    const value = this.has(name) ? this.option(name) : pick(this.random.stream(`option ${name}`))
    this.#used[name] = value
    return value
  }

  /** Options as they were used, drawn ones included. */
  get options(): OptionValues {
    return { ...this.#options.options, ...this.#used }
  }

  // ---- time

  now(): number {
    return this.clock.now()
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimeout(resolve, ms))
  }

  /** Waits until the condition holds, and returns how long that took; a check with the name `what` fails after `limitMs`. */
  async until(what: string, condition: () => boolean, limitMs: number, why?: () => string): Promise<number> {
    const from = this.now()
    while (!condition() && this.now() - from < limitMs) await this.sleep(POLL_MS)
    const held = condition()
    this.check(what, held, () => `not within ${limitMs} ms${why === undefined ? '' : `: ${why()}`}`)
    return this.now() - from
  }

  // ---- machines

  /** Adds a machine, switched off: `machine.start()` starts its peer. Keys, addresses and chance come from the seed. */
  machine(options: MachineOptions = {}): Machine {
    const index = this.#machines.length
    const name = options.name ?? `p${index + 1}`
    const random = this.random.stream(`machine ${name}`)
    const identity = createIdentity(random.stream('key').bytes(32))
    const address = addressOf(index, 0)
    const one = { name: 'eth0', address, netmask: '255.0.0.0', ...(options.segment && { segment: options.segment }) }
    const host = this.network.host({
      id: identity.id,
      interfaces: [one],
      ...(options.clock && { clock: options.clock }),
    })
    this.recorder.identity(identity.id.toString(), name)
    const machine = new Machine({
      name,
      identity,
      host,
      network: this.network,
      random,
      recorder: this.recorder,
      now: () => this.now(),
      note: (text) => this.note(text),
      options: options.peer ?? {},
    })
    this.#machines.push(machine)
    return machine
  }

  get machines(): readonly Machine[] {
    return this.#machines
  }

  /** A machine whose peer runs. */
  async peer(options: MachineOptions = {}): Promise<Machine> {
    const machine = this.machine(options)
    await machine.start()
    return machine
  }

  // ---- what came of it

  /** For people who read a failure. Goes into the trace too. */
  note(text: string): void {
    this.log.add(this.now(), text)
    this.trace.add('note', this.now(), text)
  }

  /** A rule. When it does not hold the run has failed; it goes on, so that what follows is seen too. */
  check(name: string, holds: boolean, details: string | (() => string) = ''): void {
    this.#checks += 1
    if (holds) return
    this.fail(name, this.now(), typeof details === 'function' ? details() : details)
  }

  /** A violation that shows at a virtual moment, maybe a past one. */
  fail(check: string, at: number, details: string): void {
    if (this.#failures.length >= MAX_FAILURES) {
      this.#unshown += 1
      return
    }
    this.trace.add('failed', check, at, details)
    this.#failures.push({ check, at, details, log: this.log.before(at, LOG_LINES) })
    this.log.add(this.now(), `FAILED: ${check}`)
  }

  /** A measured value, and the bar it is held against. Over many seeds it is combined: the worst of those with a bar, else the mean. */
  figure(name: string, value: number | undefined, bar: Bar & { readonly combine?: Combine } = {}): void {
    if (value === undefined) return
    const worst = bar.atMost !== undefined ? 'max' : bar.atLeast !== undefined ? 'min' : 'mean'
    const figure: Figure = { ...bar, value, combine: bar.combine ?? worst }
    this.#figures[name] = figure
    const over = overBar(name, figure)
    if (over !== undefined) this.fail('a figure misses its bar', this.now(), over)
  }

  get figures(): Readonly<Record<string, Figure>> {
    return this.#figures
  }

  /** In the order in which they were found. */
  get failures(): readonly Failure[] {
    return this.#failures
  }

  /** Failures beyond those kept. */
  get unshown(): number {
    return this.#unshown
  }

  get checks(): number {
    return this.#checks
  }
}
