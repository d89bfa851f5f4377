/** Scenarios as catchers: a process that plays them with the code of one copy of the repository. */
import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { WorkOrder } from '../lab/range.js'
import type { RunResult } from '../lab/run.js'
import { end, endWithUs } from './children.js'

export type Played =
  | { readonly ended: true; readonly run: RunResult }
  /** The process died, or said nothing for so long that it was ended. */
  | { readonly ended: false; readonly reason: string }

/** What the catchers play takes a second or two; a bug may make it spin for ever. */
const SILENCE_LIMIT_MS = 60_000

export class LabWorker implements Disposable {
  readonly #root: string
  #process: ChildProcess | undefined

  constructor(root: string) {
    this.#root = root
  }

  /** Plays one run; one at a time. After a process has ended the next run has a new one. */
  play(order: WorkOrder): Promise<Played> {
    this.#process ??= start(this.#root)
    const child = this.#process
    return new Promise((resolve) => {
      const settle = (played: Played): void => {
        clearTimeout(timer)
        child.off('message', onMessage)
        child.off('exit', onExit)
        child.off('error', onError)
        if (!played.ended) this[Symbol.dispose]()
        resolve(played)
      }
      const onMessage = (run: unknown): void => settle({ ended: true, run: run as RunResult })
      const onExit = (code: number | null, signal: string | null): void =>
        settle({ ended: false, reason: `its process ended (${code ?? signal})` })
      const onError = (error: Error): void => settle({ ended: false, reason: `its process failed: ${error.message}` })
      const timer = setTimeout(
        () => settle({ ended: false, reason: `no end within ${SILENCE_LIMIT_MS / 1_000} s of real time` }),
        SILENCE_LIMIT_MS,
      )
      child.once('message', onMessage)
      child.once('exit', onExit)
      child.once('error', onError)
      child.send(order)
    })
  }

  [Symbol.dispose](): void {
    const child = this.#process
    this.#process = undefined
    if (child !== undefined) end(child)
  }
}

function start(root: string): ChildProcess {
  const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href
  const child = fork(join(root, 'tooling', 'lab', 'worker.ts'), {
    cwd: root,
    execArgv: ['--conditions=@pc/source', '--import', tsx],
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  })
  endWithUs(child)
  // Whoever waits for it hears of it; this keeps one that fails between two runs from ending us.
  child.on('error', () => {})
  return child
}
