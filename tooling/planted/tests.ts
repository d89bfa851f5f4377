/** Tests as catchers: runs those of one package in a copy, and tells which one failed first. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { LOOPBACK } from '../loopback.js'
import { packageOf } from './bug.js'
import { end, endWithUs } from './children.js'

export interface FailedTest {
  /** From the root of the repository. */
  readonly file: string
  /** Empty when the file could not even be loaded. */
  readonly name: string
}

export interface TestRun {
  readonly failed: readonly FailedTest[]
  /** What vitest said, for people. */
  readonly output: string
}

/** A package's tests take seconds; ten times as much means that a bug made them hang. */
const TIME_LIMIT_MS = 120_000

/** The packages of these files, then those that depend on them, nearest first. */
export function packagesAbove(root: string, files: readonly string[]): string[] {
  const touched = [...new Set(files.flatMap((file) => packageOf(file) ?? []))]
  const all = dependencies(root)
  const found = [...touched]
  for (const below of found) {
    const name = all.get(below)?.name
    for (const [folder, { uses }] of all) {
      if (name !== undefined && uses.includes(name) && !found.includes(folder)) found.push(folder)
    }
  }
  return found
}

export interface TestOptions {
  /** End with the first failure. @default true */
  readonly bail?: boolean
  /** From the root; only these. */
  readonly files?: readonly string[]
}

/** Runs the tests of a package. */
export async function runTests(root: string, folder: string, options: TestOptions = {}): Promise<TestRun> {
  const { bail = true, files = [] } = options
  const cwd = join(root, folder)
  const report = join(cwd, 'planted-report.json')
  rmSync(report, { force: true })
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [
    'run',
    ...(bail ? ['--bail=1'] : []),
    '--maxWorkers=1',
    '--reporter=json',
    '--reporter=default',
    `--outputFile.json=${report}`,
  ]
  const wanted = files.map((file) => relative(folder, file))
  const { output, timedOut } = await start(cwd, [vitest, ...args, ...wanted])
  if (timedOut) return { failed: [{ file: folder, name: `no end within ${TIME_LIMIT_MS / 1000} s` }], output }
  if (!existsSync(report)) return { failed: [{ file: folder, name: 'the tests could not be started' }], output }
  return { failed: failedOf(JSON.parse(readFileSync(report, 'utf8')) as Report, root), output }
}

/** The part of vitest's JSON report that is read here. */
interface Report {
  readonly success: boolean
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

function failedOf(report: Report, root: string): FailedTest[] {
  const failed = report.testResults.flatMap(({ name, status, assertionResults }) => {
    const file = relative(root, name)
    const tests = assertionResults.filter((test) => test.status === 'failed')
    if (tests.length > 0) return tests.map((test) => ({ file, name: test.fullName.trim() }))
    return status === 'failed' ? [{ file, name: '' }] : []
  })
  // An unhandled rejection fails a run in which every test passed.
  return failed.length > 0 || report.success ? failed : [{ file: '', name: 'an error outside of any test' }]
}

function dependencies(root: string): Map<string, { name: string; uses: string[] }> {
  const found = new Map<string, { name: string; uses: string[] }>()
  for (const group of ['packages', 'apps']) {
    for (const entry of readdirSync(join(root, group), { withFileTypes: true })) {
      const manifest = join(root, group, entry.name, 'package.json')
      if (!entry.isDirectory() || !existsSync(manifest)) continue
      const { name, dependencies: uses = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
        name: string
        dependencies?: Record<string, string>
      }
      found.set(`${group}/${entry.name}`, { name, uses: Object.keys(uses) })
    }
  }
  return found
}

function start(cwd: string, args: readonly string[]): Promise<{ output: string; timedOut: boolean }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PC_INTERFACES: process.env.PC_INTERFACES || LOOPBACK, CI: 'true', NO_COLOR: '1' },
    })
    endWithUs(child)
    let output = ''
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      // The whole group: it is one of vitest's workers that hangs.
      end(child)
    }, TIME_LIMIT_MS)
    const add = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-100_000)
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', () => {
      clearTimeout(timer)
      resolve({ output, timedOut })
    })
  })
}
