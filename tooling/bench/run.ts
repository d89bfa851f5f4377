/** One benchmark from start to verdict: processes up, rounds, processes down, whatever happens in between. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atSize, type Benchmark } from './benchmark.js'
import { Contestant } from './contestant.js'
import { requireOpenFiles } from './open-files.js'
import type { BenchOptions } from './options.js'
import type { Plan } from './plan.js'
import { runRounds } from './rounds.js'
import { StatusLine } from './status-line.js'
import { judge, type Verdict } from './verdict.js'

export class Run {
  readonly #benchmark: Benchmark
  readonly #options: Pick<BenchOptions, 'smoke' | 'source'>
  readonly #plan: Plan
  readonly #say: (text: string) => void
  readonly #status = new StatusLine()
  #folder: string | undefined
  #contestants: readonly Contestant[] = []

  constructor(
    benchmark: Benchmark,
    plan: Plan,
    options: Pick<BenchOptions, 'smoke' | 'source'>,
    say: (text: string) => void,
  ) {
    this.#benchmark = benchmark
    this.#plan = plan
    this.#options = options
    this.#say = (text) => {
      this.#status.clear()
      say(text)
    }
  }

  async execute(): Promise<Verdict> {
    // The sides inherit this process's limit.
    requireOpenFiles(this.#plan.connections)
    try {
      const contestants = this.#make()
      for (const contestant of contestants) await contestant.start()
      const started = performance.now()
      const samples = await runRounds(contestants, {
        ...this.#plan,
        onRound: (round) => {
          const seconds = ((performance.now() - started) / 1_000).toFixed(0).padStart(4)
          this.#say(`${seconds} s  ${round === 0 ? 'warm-up' : `round ${round} of ${this.#plan.rounds}`} …`)
        },
      })
      for (const contestant of contestants) await contestant.stop()
      return judge(atSize(this.#benchmark, this.#plan.connections), samples, !this.#options.smoke)
    } finally {
      await this.cleanUp()
    }
  }

  /** Ends every process at once and removes what they wrote. Idempotent; also in the middle of a run. */
  async cleanUp(): Promise<void> {
    this.#status.clear()
    await Promise.all(this.#contestants.map((contestant) => contestant.kill()))
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true })
  }

  #make(): readonly Contestant[] {
    const parent = mkdtempSync(join(tmpdir(), 'peerconnect-bench-'))
    this.#folder = parent
    const fromSource = this.#options.source
    this.#contestants = Object.entries(this.#benchmark.contestants).flatMap(([name, module]) => {
      if (module === undefined) return []
      const folder = join(parent, name)
      mkdirSync(folder)
      const onProgress = (text: string): void => this.#status.show(`        ${name}: ${text} …`)
      return [new Contestant({ name, module, folder, fromSource, connections: this.#plan.connections, onProgress })]
    })
    return this.#contestants
  }
}
