/**
 * One package's suite in a process of its own, run again and again: `node … suite-process.ts <copy> <package>`. It stays alive
 * between mutants, so that starting and transforming is paid once. Each test file still gets a fresh worker.
 */
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVitest, type Reporter, type TestSpecification, type Vitest } from 'vitest/node'
import { ENDLESS, type RunRequest, type SuiteReply, type TestFileRun } from './suite-messages.js'

const [root = '', packageName = ''] = process.argv.slice(2)

/** The test files of a run in the order in which they are asked for. */
class OrderGiven {
  sort<T>(files: T): T {
    return files
  }
  shard<T>(files: T): T {
    return files
  }
}

let failure: string | undefined
let endless = false
let vitest: Vitest | undefined

const reporter: Reporter = {
  onTestCaseResult(test) {
    const result = test.result()
    if (result.state === 'failed') noteFailure(`${nameOf(test.module.moduleId)} > ${test.fullName}`, result.errors)
  },
  onTestModuleEnd(module) {
    const errors = module.errors()
    if (errors.length > 0) noteFailure(nameOf(module.moduleId), errors)
  },
  onTestRunEnd(_modules, errors) {
    if (errors.length > 0) noteFailure('outside any test', errors)
  },
}

try {
  vitest = await createVitest(
    'test',
    {
      root: join(root, 'packages', packageName),
      config: join(root, 'packages', packageName, 'vitest.config.ts'),
      watch: false,
      // Threads, not processes: when this process is killed because of an endless loop, the loop ends with it.
      pool: 'threads',
      maxWorkers: 1,
      // A mutant is chosen when its module is loaded: each test file loads all of them anew.
      isolate: true,
      reporters: [reporter],
      setupFiles: [fileURLToPath(new URL('setup-mutant.ts', import.meta.url))],
      sequence: { sequencer: OrderGiven },
      coverage: { enabled: false },
      cache: false,
    },
    { clearScreen: false },
  )
  await vitest.standalone()
  const all = await vitest.globTestSpecifications()
  const running = vitest
  process.on('message', (request: RunRequest) => {
    run(running, all, request).then(reply, (error: unknown) => reply({ kind: 'broken', reason: String(error) }))
  })
  reply({ kind: 'ready' })
} catch (error) {
  reply({ kind: 'broken', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) })
}
process.on('disconnect', () => process.exit())

async function run(suite: Vitest, all: readonly TestSpecification[], request: RunRequest): Promise<SuiteReply> {
  failure = undefined
  endless = false
  const project = suite.getRootProject()
  project.provide('mutant', request.mutant ?? '')
  project.provide('hitLimit', request.hitLimit ?? 0)
  // Read anew for each run. Tests that ask for a limit of their own keep it.
  project.config.testTimeout = request.testLimitMs
  project.config.hookTimeout = request.testLimitMs
  const wanted = request.files?.map((file) => all.find((one) => nameOf(one.moduleId) === file))
  const specifications = (wanted ?? all).filter((one) => one !== undefined)
  const { testModules } = await suite.runTestSpecifications(specifications)
  const files = testModules.map(
    (module): TestFileRun => ({
      file: nameOf(module.moduleId),
      tookMs: module.diagnostic().duration + module.diagnostic().collectDuration,
      hits: request.mutant === undefined ? (module.meta().hits ?? {}) : {},
    }),
  )
  return { kind: 'ran', failure, endless, files }
}

function noteFailure(where: string, errors: readonly { message?: string }[] | undefined): void {
  if (errors?.some(({ message }) => message?.includes(ENDLESS) === true)) endless = true
  if (failure !== undefined) return
  failure = `${where}: ${(errors?.[0]?.message ?? 'failed').split('\n')[0]?.slice(0, 160)}`
  vitest?.cancelCurrentRun('test-failure').catch((error: unknown) => reply({ kind: 'broken', reason: String(error) }))
}

function nameOf(path: string): string {
  return relative(root, path).split(sep).join('/')
}

function reply(message: SuiteReply): void {
  process.send?.(message)
}
