/** The real thing on a tiny package: a copy, its instrumented source, a real vitest in a process of its own. */
import { mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Core } from '../cores.js'
import { ROOT } from '../steps.js'
import { instrument } from './instrument.js'
import { Suite } from './suite.js'
import { testMutants, type Verdict } from './test-mutants.js'
import { WorkingCopy } from './working-copy.js'

const SOURCE = `
export function clamp(value: number, top: number): number {
  if (value > top) return top
  return value
}

export function count(to: number): number {
  let steps = 0
  while (steps < to) steps++
  return steps
}

export function unused(flag: boolean): boolean {
  return !flag
}
`
const TEST = `
import { expect, it } from 'vitest'
import { clamp, count } from './sample.js'

it('clamps', () => expect([clamp(1, 3), clamp(5, 3)]).toEqual([1, 3]))
it('counts', () => expect(count(4)).toBe(4))
`
const CONFIG = `
import { defineConfig } from 'vitest/config'
export default defineConfig({ test: { include: ['src/**/*.test.ts'] } })
`
const CORE: Core = { name: 'sample/sample', package: 'sample', file: 'packages/sample/src/sample.ts' }

let root = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'peerconnect-sample-'))
  const folder = join(root, 'packages/sample')
  await mkdir(join(folder, 'src'), { recursive: true })
  await symlink(join(ROOT, 'node_modules'), join(root, 'node_modules'), 'junction')
  await writeFile(join(folder, 'package.json'), '{ "name": "sample", "type": "module" }')
  await writeFile(join(folder, 'vitest.config.ts'), CONFIG)
  await writeFile(join(folder, 'src/sample.ts'), SOURCE)
  await writeFile(join(folder, 'src/sample.test.ts'), TEST)
})

afterAll(() => rm(root, { recursive: true, force: true }))

it('kills what the tests notice, lets survive what they do not, and leaves the original alone', {
  timeout: 120_000,
}, async () => {
  const { files, mutants } = await instrument([CORE], (core) => readFile(join(root, core.file), 'utf8'))
  const copy = await WorkingCopy.of(root, files)
  const verdicts: Verdict[] = []
  try {
    await testMutants((name) => Suite.start(copy.root, name), mutants, {
      parallel: 1,
      typeError: () => undefined,
      onVerdict: (verdict) => verdicts.push(verdict),
      onProgress: () => {},
    })
  } finally {
    await copy.close()
  }
  const outcomeOf = (after: string) => verdicts.find(({ mutant }) => mutant.after.trim() === after)?.outcome
  expect(outcomeOf('if (false) return top')).toBe('killed')
  expect(outcomeOf('if (value <= top) return top')).toBe('killed')
  // At value === top both give the same: nothing can tell them apart.
  expect(outcomeOf('if (value >= top) return top')).toBe('survived')
  expect(outcomeOf('while (steps < to) steps--')).toBe('endless')
  expect(outcomeOf('return flag')).toBe('uncovered')
  expect(verdicts.find(({ outcome }) => outcome === 'killed')?.by).toContain(
    'packages/sample/src/sample.test.ts > clamps',
  )
  expect(await readFile(join(root, CORE.file), 'utf8')).toBe(SOURCE)
  await expect(stat(copy.root)).rejects.toMatchObject({ code: 'ENOENT' })
})

it('says why a suite cannot be started', { timeout: 60_000 }, async () => {
  await expect(Suite.start(root, 'nothing')).rejects.toThrow('The suite of nothing did not start')
})
