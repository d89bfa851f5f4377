/** `npm run mutants`: how many random small changes of the pure cores does the suite notice? */
import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { CORES } from '../cores.js'
import { onInterruption } from '../interruption.js'
import { Report } from '../report.js'
import { ROOT } from '../steps.js'
import { type Arguments, parseArguments, USAGE, UsageError } from './arguments.js'
import { draw } from './draw.js'
import { instrument, MUTATORS_OFF, MUTATORS_ON } from './instrument.js'
import { mutatedSource, smallDiff } from './mutant.js'
import { closeSuites, Suite } from './suite.js'
import { isKilled, testMutants, type Verdict } from './test-mutants.js'
import { TypeCheck } from './type-check.js'
import { WorkingCopy } from './working-copy.js'

const KILLED_SHARE_AT_LEAST = 0.8

async function main(args: readonly string[]): Promise<number> {
  let given: Arguments
  try {
    given = parseArguments(args, () => String(Date.now() % 1_000_000))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    return 2
  }
  if (given.help) {
    console.log(USAGE)
    return 0
  }
  if (given.list) {
    for (const core of CORES) console.log(`${core.name.padEnd(28)} ${core.file}`)
    return 0
  }
  return (await run(given)) ? 0 : 1
}

async function run(given: Arguments): Promise<boolean> {
  const { seed, count, only, core, json } = given
  const options = { seed, count, ...(core === undefined ? {} : { core }), ...(only === undefined ? {} : { only }) }
  const report = new Report('mutants', options, json)
  try {
    const sources = new Map<string, string>()
    for (const { file } of given.cores) sources.set(file, await readFile(join(ROOT, file), 'utf8'))
    const sourceOf = ({ file }: { file: string }): string => sources.get(file) ?? ''
    const { files, mutants: all } = await instrument(given.cores, sourceOf)
    const drawn = draw(all, Math.max(count, only ?? 0), seed)
    const numberOf = new Map(drawn.map((mutant, index) => [mutant, index + 1] as const))
    const chosen = only === undefined ? drawn : drawn.slice(only - 1, only)
    if (chosen.length === 0) throw new Error(`--only ${only}: there are ${all.length} mutants.`)
    report.say(
      `seed ${seed}; mutators on: ${MUTATORS_ON.join(', ')}; off: ${MUTATORS_OFF.join(', ')} and texts of errors`,
    )
    report.step(`${all.length} mutants in ${given.cores.length} cores, ${chosen.length} drawn`)

    await using copy = await WorkingCopy.of(ROOT, files)
    onInterruption(async () => {
      await closeSuites()
      await copy.close()
    })
    report.step('a copy of the workspace is instrumented')

    const types = new TypeCheck(
      copy.root,
      given.cores.map(({ file }) => file),
    )
    const verdicts: Verdict[] = []
    const show = (verdict: Verdict): void => {
      verdicts.push(verdict)
      const again = `npm run mutants -- --seed ${seed}${core === undefined ? '' : ` --core ${core}`} --only ${numberOf.get(verdict.mutant)}`
      const told = given.verbose || only !== undefined || !isKilled(verdict)
      if (told) report.say(describe(verdict, again))
      else if (verdicts.length % 25 === 0) report.step(`${verdicts.length} of ${chosen.length} mutants tried`)
    }
    await testMutants((name) => Suite.start(copy.root, name), chosen, {
      parallel: Math.min(2, availableParallelism()),
      typeError: (mutant) => types.refusal(mutant.file, sourceOf(mutant), mutatedSource(sourceOf(mutant), mutant)),
      onVerdict: show,
      onProgress: (text) => report.step(text),
    })
    return summarise(report, verdicts)
  } catch (error) {
    report.fail(error)
    return false
  }
}

function summarise(report: Report, verdicts: readonly Verdict[]): boolean {
  const killed = verdicts.filter(isKilled)
  report.say(`\n${'core'.padEnd(28)} mutants  killed`)
  for (const core of new Set(verdicts.map(({ mutant }) => mutant.core).sort())) {
    const of = verdicts.filter(({ mutant }) => mutant.core === core)
    const share = of.filter(isKilled).length / of.length
    report.say(`${core.padEnd(28)} ${String(of.length).padStart(7)}  ${(100 * share).toFixed(0).padStart(4)} %`)
  }
  report.figure('mutants', verdicts.length)
  report.figure('killed', killed.length)
  report.figure('killed_endless', verdicts.filter(({ outcome }) => outcome === 'endless').length)
  report.figure('killed_by_types', verdicts.filter(({ outcome }) => outcome === 'refused').length)
  report.figure('survived', verdicts.filter(({ outcome }) => outcome === 'survived').length)
  report.figure('uncovered', verdicts.filter(({ outcome }) => outcome === 'uncovered').length)
  // Set here, because figure() rounds to tenths.
  report.figures.killed_share = Math.floor((1000 * killed.length) / verdicts.length) / 1000
  return report.finish([{ figure: 'killed_share', atLeast: KILLED_SHARE_AT_LEAST }])
}

const WORDS: Readonly<Record<Verdict['outcome'], string>> = {
  killed: 'killed',
  refused: 'no test fails, but the compiler refuses it:',
  endless: 'killed, as an endless loop',
  survived: 'SURVIVED',
  uncovered: 'SURVIVED, no test passes here',
}

function describe({ mutant, outcome, by }: Verdict, again: string): string {
  const diff = smallDiff(mutant).replaceAll(/^/gm, '    ')
  const why = by === undefined ? '' : `\n    by ${by}`
  return `\n${WORDS[outcome]}  ${mutant.file}:${mutant.line}  ${mutant.mutator}\n${diff}${why}\n    ${again}`
}

process.exitCode = await main(process.argv.slice(2))
