/**
 * Hands ranges of cases to child processes, and ends those that do not come back: a case that takes more than two seconds is
 * looked at once more in a process of its own, and is a hang if it takes as long again.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ROOT } from '../steps.js'
import type { CaseRange, Failure, RangeResult } from './run-cases.js'
import type { WorkerReport } from './worker.js'

/** What one case may take, with everything around it. */
export const CASE_LIMIT_MS = 2_000
const LOOK_EVERY_MS = 200

/** A process ended in the middle of a range. */
export interface Ending {
  readonly range: CaseRange
  /** The case that was under way; `undefined`: none was. */
  readonly number: number | undefined
  readonly kind: Failure['kind']
  readonly what: string
}

/** Those that are not closed. A child that spins never sees that its parent is gone: none may outlive us. */
const open = new Set<CaseProcess>()
process.on('exit', () => {
  for (const one of [...open]) one.close()
})

/** One child process at a time; another one when that has ended. */
export class CaseProcess {
  readonly #folder = mkdtempSync(join(tmpdir(), 'pc-fuzz-'))
  readonly #heartbeat = join(this.#folder, 'heartbeat')
  #child: ChildProcess | undefined

  constructor() {
    open.add(this)
  }

  /** Settles with the result, or with how the process ended. */
  async run(range: CaseRange): Promise<RangeResult | Ending> {
    const child = this.#child ?? this.#start()
    const watch = new Watch(this.#heartbeat)
    try {
      return await new Promise<RangeResult | Ending>((resolve, reject) => {
        const end = (kind: Failure['kind'], what: string): void => {
          this.#child = undefined
          resolve({ range, kind, what, number: watch.number })
        }
        const look = setInterval(() => {
          if (watch.stayedMs() < CASE_LIMIT_MS) return
          clearInterval(look)
          child.removeAllListeners()
          child.kill('SIGKILL')
          end('hang', `it did not end within ${CASE_LIMIT_MS} ms`)
        }, LOOK_EVERY_MS)
        const done = (): void => {
          clearInterval(look)
          child.removeAllListeners()
        }
        child.once('message', (report: WorkerReport) => {
          done()
          if ('error' in report) reject(new Error(report.error))
          else resolve(report.result)
        })
        child.once('exit', (code, signal) => {
          done()
          end('crash', `the process ended with ${signal ?? `exit code ${code}`}`)
        })
        child.send(range)
      })
    } finally {
      watch.close()
    }
  }

  close(): void {
    open.delete(this)
    this.#child?.removeAllListeners()
    this.#child?.kill('SIGKILL')
    this.#child = undefined
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 })
  }

  #start(): ChildProcess {
    writeFileSync(this.#heartbeat, idle())
    const tsx = pathToFileURL(join(ROOT, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href
    const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [this.#heartbeat], {
      execArgv: ['--expose-gc', '--conditions=@pc/source', '--import', tsx],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child = child
    return child
  }
}

/** Reads which case is under way, and for how long it has been the same. */
class Watch {
  readonly #file: number
  readonly #bytes = idle()
  #beats = -1
  #since = performance.now()

  constructor(heartbeat: string) {
    this.#file = openSync(heartbeat, 'r')
  }

  get number(): number | undefined {
    readSync(this.#file, this.#bytes, 0, this.#bytes.length, 0)
    const number = this.#bytes.readDoubleBE(0)
    return number < 0 ? undefined : number
  }

  stayedMs(): number {
    const { number } = this
    const beats = this.#bytes.readDoubleBE(8)
    if (beats !== this.#beats || number === undefined) this.#since = performance.now()
    this.#beats = beats
    return performance.now() - this.#since
  }

  close(): void {
    closeSync(this.#file)
  }
}

function idle(): Buffer {
  const bytes = Buffer.alloc(16)
  bytes.writeDoubleBE(-1, 0)
  return bytes
}
