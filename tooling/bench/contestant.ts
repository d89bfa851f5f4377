/** One contestant: its near and its far process, started, asked and ended by the harness. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ROOT } from '../steps.js'
import type { Json } from './side.js'
import type { Answer, Command } from './side-process.js'

/** Far above what it takes, so that only a process that hangs is cut. */
const START_LIMIT_MS = 60_000
const BEYOND_MEASURE_MS = 60_000
const CLOSE_LIMIT_MS = 3_000

export interface ContestantOptions {
  readonly name: string
  /** URL of the module with `near` and perhaps `far`. */
  readonly module: string
  /** A folder of its own, which the harness removes. */
  readonly folder: string
  /** Run `@pc/*` from source through tsx instead of what was built. */
  readonly fromSource: boolean
  /** See {@link NearContext}. */
  readonly connections: number
  /** What a side says it is at, while it measures. */
  readonly onProgress: (text: string) => void
}

export class Contestant {
  readonly name: string
  readonly #options: ContestantOptions
  readonly #sides: Side[] = []
  #near: Side | undefined
  #measures: readonly string[] = []

  constructor(options: ContestantOptions) {
    this.name = options.name
    this.#options = options
  }

  /** Names of what can be measured, once it is started. */
  get measures(): readonly string[] {
    return this.#measures
  }

  /** Resolves when both ends say that they are ready. After a failure `stop` is still due. */
  async start(): Promise<void> {
    const { folder, connections } = this.#options
    const far = this.#spawn('far')
    const found = (await far.ask({ type: 'start', hello: null, folder, connections }, START_LIMIT_MS)) as {
      far: boolean
      hello?: Json
    }
    if (!found.far) await far.stop()
    this.#near = this.#spawn('near')
    const hello = found.hello ?? null
    const measures = await this.#near.ask({ type: 'start', hello, folder, connections }, START_LIMIT_MS)
    this.#measures = measures as string[]
  }

  /** Collects garbage on both sides, and measures. */
  async measure(name: string, ms: number): Promise<Readonly<Record<string, number>>> {
    if (this.#near === undefined) throw new Error(`${this.name} was not started`)
    for (const side of this.#sides) if (side.running) await side.ask({ type: 'collect' }, BEYOND_MEASURE_MS)
    return (await this.#near.ask({ type: 'measure', name, ms }, ms + BEYOND_MEASURE_MS)) as Record<string, number>
  }

  /** Ends both processes, politely at first; resolves when they are gone. Idempotent. */
  async stop(): Promise<void> {
    for (const side of [...this.#sides].reverse()) await side.stop()
  }

  /** Ends both at once. */
  async kill(): Promise<void> {
    await Promise.all(this.#sides.map((side) => side.kill()))
  }

  #spawn(role: 'near' | 'far'): Side {
    const side = new Side(`${this.name} (${role})`, this.#options, role)
    this.#sides.push(side)
    return side
  }
}

/** A child process that answers one command at a time. */
class Side {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #onProgress: (text: string) => void
  #limit: NodeJS.Timeout | undefined
  #waiting: { resolve(value: Json): void; reject(error: Error): void } | undefined

  constructor(name: string, { module, fromSource, onProgress }: ContestantOptions, role: 'near' | 'far') {
    this.#name = name
    this.#onProgress = onProgress
    const tsx = pathToFileURL(join(ROOT, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href
    const execArgv = ['--expose-gc', '--import', tsx, ...(fromSource ? ['--conditions=@pc/source'] : [])]
    const file = fileURLToPath(new URL('./side-process.ts', import.meta.url))
    // What a side prints goes where people read: stdout is for the figures.
    this.#child = fork(file, [module, role], { execArgv, stdio: ['ignore', 2, 2, 'ipc'] })
    this.#child.on('message', (answer: Answer) => this.#settle(answer))
    this.#child.on('error', (error) => this.#fail(error.message))
    this.#child.on('exit', (code, signal) => this.#fail(`it ended with ${signal ?? `exit code ${code}`}`))
  }

  get running(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** `limitMs` begins anew with each word of progress. */
  async ask(command: Command, limitMs: number): Promise<Json> {
    if (!this.running) throw new Error(`${this.#name} is not running`)
    const answered = new Promise<Json>((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
    this.#limit = setTimeout(() => this.#fail(`no answer to "${command.type}" within ${limitMs} ms`), limitMs)
    this.#child.send(command, (error) => {
      if (error !== null) this.#fail(error.message)
    })
    return answered.finally(() => clearTimeout(this.#limit))
  }

  async stop(): Promise<void> {
    if (!this.running) return
    // Whatever it says: it is ended in any case.
    await this.ask({ type: 'close' }, CLOSE_LIMIT_MS).catch(() => {})
    await this.kill()
  }

  async kill(): Promise<void> {
    if (!this.running) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await gone
  }

  #settle(answer: Answer): void {
    if ('progress' in answer) {
      if (this.#waiting === undefined) return
      this.#limit?.refresh()
      this.#onProgress(answer.progress)
      return
    }
    if ('failed' in answer) {
      this.#fail(answer.failed)
      return
    }
    this.#waiting?.resolve(answer.done)
    this.#waiting = undefined
  }

  #fail(why: string): void {
    this.#waiting?.reject(new Error(`${this.#name}: ${why}`))
    this.#waiting = undefined
  }
}
