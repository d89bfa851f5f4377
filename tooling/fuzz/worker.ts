/** The process in which cases run; its parent may end it at any moment. */
import { openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { type CaseRange, CaseRunner, noteStray, type RangeResult } from './run-cases.js'
import { targetNamed } from './targets/index.js'

export type WorkerReport = { readonly range: CaseRange; readonly result: RangeResult } | { readonly error: string }

/** Where the parent reads which case is under way: it survives every way to die. */
const heartbeat = openSync(process.argv[2] ?? '', 'r+')
/** Folders that targets make lie beside it: the parent removes all of them, however this process ends. */
process.env.TMPDIR = dirname(process.argv[2] ?? '')
const beat = Buffer.alloc(16)
let beats = 0

process.on('uncaughtException', noteStray)
process.on('unhandledRejection', noteStray)
process.on('disconnect', () => process.exit(0))
process.on('message', (range: CaseRange) => {
  void perform(range).then((report) => process.send?.(report))
})

const runners = new Map<string, Promise<CaseRunner>>()

async function perform(range: CaseRange): Promise<WorkerReport> {
  try {
    const runner = await runnerOf(range)
    const result = await runner.run(range)
    began(-1)
    return { range, result }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

function runnerOf({ target: name, seed }: CaseRange): Promise<CaseRunner> {
  const key = `${name} ${seed}`
  const known = runners.get(key)
  if (known !== undefined) return known
  const target = targetNamed(name)
  const runner = Promise.resolve(target.seeds()).then((seeds) => new CaseRunner(target, seeds, seed, began))
  runners.set(key, runner)
  return runner
}

/** The number of the case (-1: none is under way) and a count, so that a case that stays can be told from one that comes again. */
function began(number: number): void {
  beat.writeDoubleBE(number, 0)
  beat.writeDoubleBE(++beats, 8)
  writeSync(heartbeat, beat, 0, 16, 0)
}
