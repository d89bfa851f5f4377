/**
 * A range of seeds on every core. Worker processes play one seed after the other; a seed that fails is played again in a fresh
 * process, so that its replay command is known to work before it is printed.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Bar, combine, type Figure, type Figures } from './figures.js'
import type { OptionValues, SeedRange } from './options.js'
import type { RunResult } from './run.js'

/** From the parent to a worker. */
export interface WorkOrder {
  readonly name: string
  readonly seed: string
  readonly values: OptionValues
}

export interface FailedSeed {
  readonly seed: string
  /** What was violated first, with its virtual time. */
  readonly reason: string
  readonly hash: string | undefined
  /** Whether a fresh process failed again with the same trace. Undefined when it could not be tried. */
  readonly sameAgain: boolean | undefined
}

export interface RangeResult {
  readonly seeds: number
  readonly failed: readonly FailedSeed[]
  readonly figures: Figures
  readonly virtualMs: number
  readonly wallMs: number
}

export interface RangeOptions {
  readonly name: string
  readonly values: OptionValues
  readonly range: SeedRange
  /** @default the number of cores */
  readonly workers?: number
  /** After it a worker that says nothing is ended, and its seed has failed. @default 600000 */
  readonly wallLimitMs?: number
  readonly onProgress: (done: number, failed: number) => void
}

const WALL_LIMIT_MS = 600_000
const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))

export async function runRange(options: RangeOptions): Promise<RangeResult> {
  const { range, workers = availableParallelism() } = options
  const startedAt = performance.now()
  const results: RunResult[] = []
  const failed: FailedSeed[] = []
  let next = range.first
  const lane = async (): Promise<void> => {
    let worker: Worker | undefined
    while (next <= range.last) {
      const seed = String(next++)
      worker ??= new Worker(options.wallLimitMs ?? WALL_LIMIT_MS)
      const result = await worker.play({ name: options.name, seed, values: options.values })
      if (!result.ended) worker = undefined
      else results.push(result.run)
      if (!result.ended) failed.push({ seed, reason: result.reason, hash: undefined, sameAgain: undefined })
      else if (!result.run.pass) failed.push(await playAgain(options, result.run))
      options.onProgress(results.length + failed.filter(({ hash }) => hash === undefined).length, failed.length)
    }
    worker?.end()
  }
  const count = range.last - range.first + 1
  await Promise.all(Array.from({ length: Math.min(workers, count) }, lane))
  failed.sort((a, b) => Number(a.seed) - Number(b.seed))
  const virtualMs = results.reduce((sum, run) => sum + run.virtualMs, 0)
  return {
    seeds: count,
    failed,
    figures: withCounts(results, failed),
    virtualMs,
    wallMs: performance.now() - startedAt,
  }
}

async function playAgain(options: RangeOptions, first: RunResult): Promise<FailedSeed> {
  const worker = new Worker(options.wallLimitMs ?? WALL_LIMIT_MS)
  const again = await worker.play({ name: options.name, seed: first.seed, values: options.values })
  worker.end()
  const [failure] = first.failures
  const reason =
    failure === undefined ? 'unknown' : `at ${failure.at.toFixed(1)} ms: ${failure.check}: ${failure.details}`
  const sameAgain = again.ended && !again.run.pass && again.run.hash === first.hash
  return { seed: first.seed, reason: reason.split('\n', 1)[0] ?? reason, hash: first.hash, sameAgain }
}

function withCounts(results: readonly RunResult[], failed: readonly FailedSeed[]): Figures {
  const figure = (value: number, bar: Bar = {}): Figure => ({ ...bar, value, combine: 'sum' })
  return {
    seeds: figure(results.length),
    failed: figure(failed.length, { atMost: 0 }),
    ...combine(results.map(({ figures }) => figures)),
  }
}

type Played =
  | { readonly ended: true; readonly run: RunResult }
  /** The process died or said nothing for too long; it is gone. */
  | { readonly ended: false; readonly reason: string }

class Worker {
  readonly #process: ChildProcess
  readonly #wallLimitMs: number

  constructor(wallLimitMs: number) {
    this.#wallLimitMs = wallLimitMs
    // As this process was started: from source, with the same loader.
    this.#process = fork(WORKER, {
      execArgv: process.execArgv,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
  }

  play(order: WorkOrder): Promise<Played> {
    return new Promise((resolve) => {
      const settle = (played: Played): void => {
        clearTimeout(timer)
        this.#process.off('message', onMessage)
        this.#process.off('exit', onExit)
        resolve(played)
      }
      const onMessage = (run: unknown): void => settle({ ended: true, run: run as RunResult })
      const onExit = (code: number | null): void => settle({ ended: false, reason: `its process ended (${code})` })
      const timer = setTimeout(() => {
        this.#process.kill('SIGKILL')
        settle({ ended: false, reason: `it did not end within ${this.#wallLimitMs / 1_000} s of real time` })
      }, this.#wallLimitMs + 5_000)
      this.#process.once('message', onMessage)
      this.#process.once('exit', onExit)
      this.#process.send(order, (error) => {
        if (error !== null) settle({ ended: false, reason: `its process is gone (${error.message})` })
      })
    })
  }

  end(): void {
    if (this.#process.connected) this.#process.disconnect()
  }
}
