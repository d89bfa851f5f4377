/** The main program's end of a suite process: one run at a time, each with a time limit, after which the process is killed. */
import { type ChildProcess, fork } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { LOOPBACK } from '../loopback.js'
import type { RunRequest, SuiteReply } from './suite-messages.js'

/** What comes from the process, and that it is no more. */
type Event = SuiteReply | { readonly kind: 'ended'; readonly reason: string } | { readonly kind: 'late' }

export type SuiteRun = Extract<SuiteReply, { kind: 'ran' }>

/** Starting takes about two seconds; a busy machine is given time. */
const START_LIMIT_MS = 120_000
const SAID_AT_MOST = 4_000

/** Those whose process has not ended. */
const running = new Set<Suite>()

/** Ends every suite there is: before the copy they run in is removed. */
export async function closeSuites(): Promise<void> {
  await Promise.all([...running].map((suite) => suite.close()))
}

export class Suite {
  readonly package: string
  readonly #child: ChildProcess
  #said = ''
  #waiting: ((event: Event) => void) | undefined

  private constructor(root: string, name: string) {
    this.package = name
    this.#child = fork(fileURLToPath(new URL('suite-process.ts', import.meta.url)), [root, name], {
      execArgv: ['--conditions=@pc/source', '--import', tsx()],
      env: { ...process.env, PC_INTERFACES: process.env.PC_INTERFACES || LOOPBACK },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    running.add(this)
    this.#child.once('exit', () => running.delete(this))
    this.#child.stderr?.on('data', (data) => {
      this.#said = `${this.#said}${data}`.slice(-SAID_AT_MOST)
    })
    this.#child.on('message', (reply: SuiteReply) => this.#settle(reply))
    this.#child.on('error', (error) => this.#settle({ kind: 'broken', reason: error.message }))
    this.#child.on('exit', (code, signal) => {
      this.#settle({ kind: 'ended', reason: `its process ended (${signal ?? code}). ${this.#said}` })
    })
  }

  /** @throws Error when the suite cannot be started */
  static async start(root: string, name: string): Promise<Suite> {
    const suite = new Suite(root, name)
    const event = await suite.#next(START_LIMIT_MS)
    if (event.kind === 'ready') return suite
    await suite.close()
    throw new Error(`The suite of ${name} did not start: ${'reason' in event ? event.reason : event.kind}`)
  }

  /**
   * `undefined`: it did not end in time, or took its process with it. The suite is closed then.
   * @throws Error when the runner itself failed: that says nothing about the mutant
   */
  async run(request: RunRequest, limitMs: number): Promise<SuiteRun | undefined> {
    const waiting = this.#next(limitMs)
    this.#child.send(request)
    const event = await waiting
    if (event.kind === 'ran') return event
    await this.close()
    if (event.kind === 'late' || event.kind === 'ended') return undefined
    throw new Error(`The suite of ${this.package} broke: ${'reason' in event ? event.reason : event.kind}`)
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await ended
  }

  #next(limitMs: number): Promise<Event> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle({ kind: 'late' }), limitMs)
      this.#waiting = (event) => {
        clearTimeout(timer)
        resolve(event)
      }
    })
  }

  #settle(event: Event): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(event)
  }
}

function tsx(): string {
  return pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
}
