/**
 * Runs mutants against the suites of their own packages, the covering test files only, quickest first, until the first failure.
 * A few suites run at once; each keeps to one package while that has mutants left, because starting a suite costs seconds.
 */
import type { Mutant } from './mutant.js'
import type { Suite, SuiteRun } from './suite.js'
import type { TestFileRun } from './suite-messages.js'

export interface Verdict {
  readonly mutant: Mutant
  /** `uncovered` and `survived` are not caught; the others are. */
  readonly outcome: 'killed' | 'endless' | 'refused' | 'survived' | 'uncovered'
  /** The test that failed and how, or the compiler's error. */
  readonly by?: string
}

export interface TestOptions {
  /** Suites at once. */
  readonly parallel: number
  /** The compiler's error about a mutant that no test killed, if it has one. */
  readonly typeError: (mutant: Mutant) => string | undefined
  readonly onVerdict: (verdict: Verdict) => void
  readonly onProgress: (text: string) => void
}

/** What a suite can be started with; a test gives its own. */
export type StartSuite = (name: string) => Promise<Pick<Suite, 'run' | 'close' | 'package'>>

/** A dry run of the longest suite takes about 10 s on a machine of its own. */
const DRY_RUN_LIMIT_MS = 300_000
/** As long as one test may take in it: instrumented code is several times slower, and others may use the processor. */
const DRY_TEST_LIMIT_MS = 120_000
/** A test that waits for what a mutant took away fails by this, or by four times what its file took in the dry run. */
const TEST_LIMIT_MS = 15_000
/** A mutant's run may take this and four times what its files took in the dry run. Real loops end sooner, by the hit limit. */
const RUN_LIMIT_MS = 20_000
/** As in Stryker: passing a place a hundred times more often than the dry run did is an endless loop. */
const HITS_ALLOWED = 100
const MIN_HIT_LIMIT = 1_000

/** @throws Error when a suite fails without any mutant, or cannot be started */
export async function testMutants(
  startSuite: StartSuite,
  mutants: readonly Mutant[],
  { parallel, typeError, onVerdict, onProgress }: TestOptions,
): Promise<void> {
  const queues = new Map<string, Mutant[]>()
  for (const mutant of mutants) queues.set(mutant.package, [...(queues.get(mutant.package) ?? []), mutant])
  const coverage = new Map<string, Promise<readonly TestFileRun[]>>()
  const claimed = new Set<string>()
  let stopped = false
  const work = async (): Promise<void> => {
    let suite: Awaited<ReturnType<StartSuite>> | undefined
    try {
      for (;;) {
        const name = nextPackage(queues, claimed, suite?.package)
        if (stopped || name === undefined) return
        claimed.add(name)
        if (suite?.package !== name) {
          await suite?.close()
          suite = undefined
          suite = await startSuite(name)
        }
        const known = coverage.get(name)
        if (known === undefined) {
          const started = dryRun(suite, name)
          coverage.set(name, started)
          const files = await started
          onProgress(
            `${name}: ${files.length} test files pass without a mutant; ${queues.get(name)?.length} mutants to try`,
          )
        }
        const files = await (known ?? coverage.get(name))
        const mutant = queues.get(name)?.shift()
        if (mutant === undefined || files === undefined) continue
        const verdict = await judge(suite, mutant, files)
        if (verdict.lost) suite = undefined
        onVerdict(isKilled(verdict) ? verdict : compiled(verdict, typeError(mutant)))
      }
    } catch (error) {
      stopped = true
      throw error
    } finally {
      await suite?.close()
    }
  }
  // All of them end before the first error is passed on: the copy is deleted after that.
  const ends = await Promise.allSettled(Array.from({ length: parallel }, work))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}

export function isKilled({ outcome }: Verdict): boolean {
  return outcome !== 'survived' && outcome !== 'uncovered'
}

function compiled(verdict: Verdict, error: string | undefined): Verdict {
  return error === undefined ? verdict : { ...verdict, outcome: 'refused', by: error }
}

/** Stays where it is as long as there is work; else starts with what is left most, preferring what nobody has started. */
function nextPackage(
  queues: ReadonlyMap<string, readonly Mutant[]>,
  claimed: ReadonlySet<string>,
  current: string | undefined,
): string | undefined {
  if (current !== undefined && (queues.get(current)?.length ?? 0) > 0) return current
  const waiting = [...queues].filter(([, queue]) => queue.length > 0)
  waiting.sort(([a, left], [b, right]) => Number(claimed.has(a)) - Number(claimed.has(b)) || right.length - left.length)
  return waiting[0]?.[0]
}

async function dryRun(suite: Pick<Suite, 'run'>, name: string): Promise<readonly TestFileRun[]> {
  const dry = await suite.run({ testLimitMs: DRY_TEST_LIMIT_MS }, DRY_RUN_LIMIT_MS)
  if (dry === undefined)
    throw new Error(`The suite of ${name} did not end in ${DRY_RUN_LIMIT_MS / 1000} s, or died, without any mutant.`)
  if (dry.failure !== undefined) {
    throw new Error(`The suite of ${name} fails without any mutant; repair it first. ${dry.failure}`)
  }
  return [...dry.files].sort((a, b) => a.tookMs - b.tookMs)
}

async function judge(
  suite: Pick<Suite, 'run'>,
  mutant: Mutant,
  files: readonly TestFileRun[],
): Promise<Verdict & { lost: boolean }> {
  const covering = files.filter(({ hits }) => hits[mutant.id] !== undefined)
  if (covering.length === 0) return { mutant, outcome: 'uncovered', lost: false }
  const hits = Math.max(...covering.map((file) => file.hits[mutant.id] ?? 0))
  const tookMs = covering.reduce((sum, file) => sum + file.tookMs, 0)
  const slowestMs = Math.max(...covering.map((file) => file.tookMs))
  const run: SuiteRun | undefined = await suite.run(
    {
      mutant: mutant.id,
      files: covering.map(({ file }) => file),
      hitLimit: Math.max(MIN_HIT_LIMIT, hits * HITS_ALLOWED),
      testLimitMs: Math.max(TEST_LIMIT_MS, 4 * slowestMs),
    },
    RUN_LIMIT_MS + 4 * tookMs,
  )
  if (run === undefined) return { mutant, outcome: 'endless', by: 'the time limit', lost: true }
  if (run.failure === undefined) return { mutant, outcome: 'survived', lost: false }
  return { mutant, outcome: run.endless ? 'endless' : 'killed', by: run.failure, lost: false }
}
