/** What a scenario gets: networks, hosts, daemons and programs on them, and where to put its results. Everything it made goes with it. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DaemonOptions, DaemonProcess } from '../daemon-process.js'
import type { Bar, Report } from '../report.js'
import { Agent } from './agent.js'
import { BUILT_DAEMON } from './build.js'
import type { OptionValues } from './command-line.js'
import { NetlabError } from './errors.js'
import { Host } from './host.js'
import { Lan } from './lan.js'
import { removeAbandonedNamespaces } from './namespace.js'
import { isAbandoned, OWN } from './owner.js'
import type { Handlers } from './programs/serve.js'

/** Two cores carry no more daemons than this; and addresses end at 254. */
const MAX_HOSTS = 24
const MAX_LANS = 4

export class Netlab {
  readonly options: OptionValues
  /** Of this run alone, should a daemon ever escape. */
  readonly network: string = `netlab-${randomBytes(4).toString('hex')}`
  readonly #report: Report
  readonly #bars: Bar[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), `${OWN}-`))
  readonly #lans: Lan[] = []
  readonly #hosts: Host[] = []
  readonly #daemons: DaemonProcess[] = []
  readonly #agents: Agent<Handlers>[] = []
  #closing: Promise<void> | undefined

  constructor(report: Report, options: OptionValues) {
    this.#report = report
    this.options = options
  }

  /** A number among the options. */
  number(name: string): number {
    return Number(this.options[name])
  }

  lan(): Lan {
    if (this.#lans.length >= MAX_LANS) throw new NetlabError('BAD_ARGUMENT', `at most ${MAX_LANS} networks`)
    const lan = new Lan(this.#lans.length)
    this.#lans.push(lan)
    return lan
  }

  /** A machine that is in those networks, switched on. */
  host(name: string, ...lans: Lan[]): Host {
    if (this.#hosts.length >= MAX_HOSTS) throw new NetlabError('BAD_ARGUMENT', `at most ${MAX_HOSTS} hosts`)
    const host = new Host(name, this.#hosts.length + 1, lans)
    this.#hosts.push(host)
    return host
  }

  /** The built daemon of that host, called like it; not started yet. It uses every interface, as it does without settings. */
  daemon(
    host: Host,
    { name = host.name, env = {} }: { name?: string; env?: DaemonOptions['env'] } = {},
  ): DaemonProcess {
    const daemon = new DaemonProcess({
      name,
      prefix: host.prefix,
      network: this.network,
      interfaces: '',
      folder: this.#folder,
      program: BUILT_DAEMON,
      env,
    })
    this.#daemons.push(daemon)
    return daemon
  }

  /** A daemon on each host, all started. */
  async daemons(...hosts: Host[]): Promise<DaemonProcess[]> {
    const daemons = hosts.map((host) => this.daemon(host))
    await Promise.all(daemons.map((daemon) => daemon.start()))
    return daemons
  }

  /** A program of `programs/` on that host. */
  async agent<H extends Handlers>(host: Host, program: string): Promise<Agent<H>> {
    const agent = await Agent.start<H>(host, program)
    this.#agents.push(agent as unknown as Agent<Handlers>)
    return agent
  }

  /** One finished step, for people. */
  step(text: string): void {
    this.#report.step(text)
  }

  /** Something under way, for people. */
  say(text: string): void {
    this.#report.say(text)
  }

  /** A result, and if wanted the bar it is held against. */
  figure(name: string, value: number, bar: Omit<Bar, 'figure'> = {}): number {
    this.#report.figure(name, value)
    if (bar.atMost !== undefined || bar.atLeast !== undefined) this.#bars.push({ figure: name, ...bar })
    return value
  }

  /** Something that must hold: figure 1 or 0, with the bar 1. `details` are said when it does not. */
  check(name: string, holds: boolean, details = ''): void {
    this.figure(name, holds ? 1 : 0, { atLeast: 1 })
    if (!holds && details !== '') this.#report.say(`  ${name}: ${details}`)
  }

  /** Holds everything against its bars and prints it. */
  finish(): boolean {
    return this.#report.finish(this.#bars)
  }

  /** Stops the daemons politely, in bounded time, then removes everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown()
    return this.#closing
  }

  /** The same at once and without waiting: for the moment in which the process ends. Idempotent. */
  dismantle(): void {
    const failures: unknown[] = []
    for (const part of [...this.#hosts.splice(0), ...this.#lans.splice(0)]) {
      try {
        part.close()
      } catch (error) {
        failures.push(error)
      }
    }
    rmSync(this.#folder, { recursive: true, force: true })
    if (failures.length > 0) throw failures[0]
  }

  async #shutDown(): Promise<void> {
    await Promise.allSettled(this.#agents.map((agent) => agent.kill()))
    await Promise.allSettled(this.#daemons.map((daemon) => daemon.stop()))
    this.dismantle()
  }
}

/** Removes namespaces and folders of runs that are gone; says what. */
export function removeLeftOvers(say: (text: string) => void): void {
  const namespaces = removeAbandonedNamespaces()
  const folders = readdirSync(tmpdir()).filter((name) => isAbandoned(name))
  for (const folder of folders) rmSync(join(tmpdir(), folder), { recursive: true, force: true })
  if (namespaces.length + folders.length === 0) return
  say(`removed what a killed run had left: ${[...namespaces, ...folders].join(', ')}`)
}
