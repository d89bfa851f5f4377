/** Looks for one planted bug with everything the suite has, and says what caught it. */
import type { Bug } from './bug.js'
import type { Hunt } from './catchers.js'
import type { Copy } from './copy.js'
import { LabWorker } from './lab-worker.js'
import { type FailedTest, packagesAbove, runTests } from './tests.js'

/** A run of a scenario that failed: what was violated first, and when. */
export interface CaughtByScenario {
  readonly by: 'scenario'
  readonly hunt: Hunt
  readonly check: string
  /** Virtual ms; absent when the process died or hung. */
  readonly at: number | undefined
  readonly details: string
  /** Trace hash; absent as above. */
  readonly trace: string | undefined
}

export interface CaughtByTest {
  readonly by: 'test'
  readonly packageFolder: string
  readonly test: FailedTest
}

export type Caught = CaughtByScenario | CaughtByTest

/** The first run that fails in the copy. */
export async function huntByScenarios(root: string, runs: readonly Hunt[]): Promise<CaughtByScenario | undefined> {
  using worker = new LabWorker(root)
  for (const hunt of runs) {
    const caught = await playOne(worker, hunt)
    if (caught !== undefined) return caught
  }
  return undefined
}

/** Undefined: the run passed. */
export async function playOne(worker: LabWorker, hunt: Hunt): Promise<CaughtByScenario | undefined> {
  const played = await worker.play(hunt.order)
  if (!played.ended) {
    return { by: 'scenario', hunt, check: 'the run ends', at: undefined, details: played.reason, trace: undefined }
  }
  const { pass, failures, hash } = played.run
  const [first] = failures
  if (pass || first === undefined) return undefined
  const details = first.details.split('\n', 1)[0] ?? ''
  return { by: 'scenario', hunt, check: first.check, at: first.at, details, trace: hash }
}

/**
 * The first test that fails in the copy: of the touched packages, then of those above. It counts only if the same test fails again,
 * and its file holds in the clean copy: else it was chance, the machine's load, or red before.
 */
export async function huntByTests(copy: Copy, clean: Copy, bug: Bug): Promise<CaughtByTest | undefined> {
  for (const packageFolder of packagesAbove(copy.root, bug.files)) {
    const refuted = new Set<string>()
    // Most bugs show in the first failure; only if that one does not count the others are looked for.
    for (const bail of [true, false]) {
      const { failed } = await runTests(copy.root, packageFolder, { bail })
      for (const test of failed) {
        if (refuted.has(`${test.file} ${test.name}`)) continue
        if (await counts(copy, clean, packageFolder, test)) return { by: 'test', packageFolder, test }
        refuted.add(`${test.file} ${test.name}`)
      }
      if (failed.length === 0) break
    }
  }
  return undefined
}

async function counts(copy: Copy, clean: Copy, packageFolder: string, { file, name }: FailedTest): Promise<boolean> {
  const options = { bail: false, files: file === '' ? [] : [file] }
  const again = await runTests(copy.root, packageFolder, options)
  if (!again.failed.some((test) => test.name === name)) return false
  const unharmed = await runTests(clean.root, packageFolder, options)
  return unharmed.failed.length === 0
}
