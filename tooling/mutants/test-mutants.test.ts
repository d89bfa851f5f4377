import { describe, expect, it } from 'vitest'
import type { Mutant } from './mutant.js'
import type { SuiteRun } from './suite.js'
import type { RunRequest } from './suite-messages.js'
import { type StartSuite, testMutants, type Verdict } from './test-mutants.js'

const mutant = (id: string, name = 'sample'): Mutant => ({
  id,
  core: `${name}/one`,
  package: name,
  file: `packages/${name}/src/one.ts`,
  mutator: 'EqualityOperator',
  line: 1,
  before: 'a',
  after: 'b',
})

const DRY: SuiteRun = {
  kind: 'ran',
  failure: undefined,
  endless: false,
  files: [
    { file: 'slow.test.ts', tookMs: 900, hits: { 1: 5, 2: 50 } },
    { file: 'quick.test.ts', tookMs: 10, hits: { 1: 2, 3: 1, 4: 1 } },
    { file: 'other.test.ts', tookMs: 1, hits: {} },
  ],
}

/** A suite in which mutant 1 is killed, 2 survives, 3 loops for ever, 4 takes the process with it. */
class ScriptedSuites {
  readonly log: string[] = []
  readonly requests: RunRequest[] = []
  dry: SuiteRun | undefined = DRY
  open = 0

  readonly start: StartSuite = async (name) => {
    this.log.push(`start ${name}`)
    this.open += 1
    return {
      package: name,
      run: async (request) => {
        this.requests.push(request)
        if (request.mutant === undefined) return this.dry
        if (request.mutant === '4') return undefined
        if (request.mutant === '2') return { ...DRY, files: [] }
        return { ...DRY, failure: 'a test: broke', endless: request.mutant === '3', files: [] }
      },
      close: async () => {
        this.open -= 1
      },
    }
  }
}

async function verdictsOf(suites: ScriptedSuites, mutants: readonly Mutant[], parallel = 1): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  await testMutants(suites.start, mutants, {
    parallel,
    typeError: ({ id }) => (id === '6' ? 'TS1' : undefined),
    onVerdict: (verdict) => verdicts.push(verdict),
    onProgress: () => {},
  })
  return verdicts
}

describe('testMutants', () => {
  it('tells killed, endless, surviving and uncovered mutants apart', async () => {
    const suites = new ScriptedSuites()
    const verdicts = await verdictsOf(
      suites,
      ['1', '2', '3', '4', '5', '6'].map((id) => mutant(id)),
    )
    expect(verdicts.map(({ mutant: { id }, outcome, by }) => [id, outcome, by])).toEqual([
      ['1', 'killed', 'a test: broke'],
      ['2', 'survived', undefined],
      ['3', 'endless', 'a test: broke'],
      ['4', 'endless', 'the time limit'],
      ['5', 'uncovered', undefined],
      ['6', 'refused', 'TS1'],
    ])
  })

  it('runs the covering files only, the quick one first, and allows a hundred times the passes of the dry run', async () => {
    const suites = new ScriptedSuites()
    await verdictsOf(suites, [mutant('1'), mutant('2')])
    expect(suites.requests).toEqual([
      { testLimitMs: 120_000 },
      { mutant: '1', files: ['quick.test.ts', 'slow.test.ts'], hitLimit: 1_000, testLimitMs: 15_000 },
      { mutant: '2', files: ['slow.test.ts'], hitLimit: 5_000, testLimitMs: 15_000 },
    ])
  })

  it('starts a suite anew after one was lost, without a second dry run', async () => {
    const suites = new ScriptedSuites()
    await verdictsOf(suites, [mutant('4'), mutant('1')])
    expect(suites.log).toEqual(['start sample', 'start sample'])
    expect(suites.requests.filter((request) => request.mutant === undefined)).toHaveLength(1)
  })

  it('takes one package after the other, two at once, and closes what it started', async () => {
    const suites = new ScriptedSuites()
    const mutants = ['a', 'b', 'c'].flatMap((name) => [mutant('1', name), mutant('2', name)])
    const verdicts = await verdictsOf(suites, mutants, 2)
    expect(verdicts).toHaveLength(6)
    expect(suites.log.slice(0, 2)).toEqual(['start a', 'start b'])
    expect(suites.requests.filter((request) => request.mutant === undefined)).toHaveLength(3)
    // A lost suite closes itself; these were all closed by their user.
    expect(suites.open).toBe(0)
  })

  it('gives a slow test four times what its file took', async () => {
    const suites = new ScriptedSuites()
    suites.dry = { ...DRY, files: [{ file: 'slow.test.ts', tookMs: 9_000, hits: { 1: 1 } }] }
    await verdictsOf(suites, [mutant('1')])
    expect(suites.requests.at(-1)).toMatchObject({ mutant: '1', testLimitMs: 36_000 })
  })

  it('refuses to judge by a suite that fails, or does not end, without any mutant', async () => {
    const failing = new ScriptedSuites()
    failing.dry = { ...DRY, failure: 'a.test.ts > adds: 3' }
    await expect(verdictsOf(failing, [mutant('1')], 2)).rejects.toThrow(
      'The suite of sample fails without any mutant; repair it first. a.test.ts > adds: 3',
    )
    expect(failing.open).toBe(0)
    const hanging = new ScriptedSuites()
    hanging.dry = undefined
    await expect(verdictsOf(hanging, [mutant('1')])).rejects.toThrow('did not end')
  })
})
