import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Scenario } from '../lab/scenario.js'
import { ROOT } from '../steps.js'
import { packageOf, readBugs } from './bug.js'
import { CATCHERS, hunts } from './catchers.js'
import { applyPatch } from './copy.js'
import { packagesAbove } from './tests.js'

const DIFF = `--- a/packages/one/src/a.ts
+++ b/packages/one/src/a.ts
@@ -1,2 +1,2 @@
 first
-second
+2nd
`

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pc-planted-test-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

function patch(text: string): void {
  writeFileSync(join(folder, 'some-bug.patch'), text)
}

describe('readBugs', () => {
  test('reads header, diff and files', () => {
    patch(`Bug: It counts wrong.\nBreaks: order\n\n${DIFF}`)
    const [bug] = readBugs(folder)
    expect(bug).toMatchObject({ name: 'some-bug', what: 'It counts wrong.', breaks: 'order', diff: DIFF })
    expect(bug?.files).toEqual(['packages/one/src/a.ts'])
  })

  test.each([
    ['no header', DIFF],
    ['no promise', `Bug: It counts wrong.\n\n${DIFF}`],
    ['no diff', 'Bug: It counts wrong.\nBreaks: order\n'],
  ])('refuses a patch with %s, by name', (_, text) => {
    patch(text)
    expect(() => readBugs(folder)).toThrow(/some-bug\.patch: expected the lines "Bug: …" and "Breaks: …"/)
  })

  test('every planted bug changes packages, and no tests', () => {
    for (const { name, files } of readBugs()) {
      for (const file of files) {
        expect(packageOf(file), name).toBeDefined()
        expect(file, name).not.toContain('.test.ts')
      }
    }
  })
})

describe('applyPatch', () => {
  const write = (text: string): string => {
    const file = join(folder, 'packages/one/src/a.ts')
    mkdirSync(join(folder, 'packages/one/src'), { recursive: true })
    writeFileSync(file, text)
    return file
  }
  const bug = () => {
    patch(`Bug: It counts wrong.\nBreaks: order\n\n${DIFF}`)
    const [only] = readBugs(folder)
    if (only === undefined) throw new Error('no bug')
    return only
  }

  test('changes the file; only looks with check', () => {
    const file = write('first\nsecond\n')
    applyPatch(bug(), folder, { check: true })
    expect(readFileSync(file, 'utf8')).toBe('first\nsecond\n')
    applyPatch(bug(), folder)
    expect(readFileSync(file, 'utf8')).toBe('first\n2nd\n')
  })

  test('says which patch does not apply any more', () => {
    write('first\nthird\n')
    expect(() => applyPatch(bug(), folder)).toThrow(/The patch some-bug does not apply any more/)
  })
})

test('packagesAbove names the touched package, then those that depend on it, however far', () => {
  const above = packagesAbove(ROOT, ['packages/transport/src/pair.ts'])
  expect(above[0]).toBe('packages/transport')
  expect(above).toEqual(expect.arrayContaining(['packages/messaging', 'packages/peer', 'apps/daemon']))
  expect(above).not.toContain('packages/wire')
})

describe('hunts', () => {
  const scenario: Scenario = {
    kind: 'scenario',
    name: 'some',
    summary: '',
    options: { nodes: { help: '', min: 1, max: 9, default: 3 }, drawn: { help: '', min: 0, max: 1 } },
    run: async () => {},
  }

  test('one run per seed, with defaults filled in and what was given on top', () => {
    const runs = hunts([scenario], '7', [{ scenario: 'some', seeds: 2, given: { drawn: 0.5 } }])
    expect(runs.map(({ order }) => order)).toEqual([
      { name: 'some', seed: '7-1', values: { nodes: 3, drawn: 0.5 } },
      { name: 'some', seed: '7-2', values: { nodes: 3, drawn: 0.5 } },
    ])
  })

  test('a catcher that does not exist is a mistake', () => {
    expect(() => hunts([scenario], '7', CATCHERS)).toThrow('There is no scenario hello')
  })
})
