/** `lab planted`: does the suite catch bugs that are known? Each in a copy of its own; scenarios first, then tests. */
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { styleText } from 'node:util'
import { type Bug, readBugs } from '../planted/bug.js'
import { type Hunt, hunts } from '../planted/catchers.js'
import { Copy } from '../planted/copy.js'
import { type Caught, huntByScenarios, huntByTests, playOne } from '../planted/hunt.js'
import { LabWorker } from '../planted/lab-worker.js'
import { commandOf, UsageError } from './options.js'
import { type Demonstration, demonstrate } from './planted-one.js'
import type { Program, ProgramContext, ProgramResult, Scenario } from './scenario.js'

type Say = ProgramContext['say']

/** What became of one bug. */
export interface Verdict {
  readonly bug: Bug
  readonly caught: Caught | undefined
  /** Why it could not be tried. */
  readonly fault: string | undefined
  readonly seconds: number
}

export const planted: Program = {
  kind: 'program',
  name: 'planted',
  summary: 'plants known bugs in copies of this repository, one by one: does a scenario or a test catch each?',
  options: {
    only: { help: 'one bug by name: shows its patch and its failure, and has the same failure again', text: true },
    keep: { help: 'with --only: a new folder in which the copy with the bug is left', text: true },
  },
  run: async ({ seed, options, say }) => {
    const bugs = readBugs()
    const { only, keep } = options
    if (keep !== undefined && only === undefined) throw new UsageError('--keep needs --only: the copy of which bug?')
    if (keep !== undefined && existsSync(String(keep)))
      throw new UsageError(`--keep: expected a new folder, but ${keep} exists.`)
    const runs = hunts(await knownScenarios(), seed)
    if (only === undefined) return huntAll(bugs, runs, say)
    const bug = bugs.find(({ name }) => name === only)
    if (bug !== undefined) return showOne(bug, runs, keep === undefined ? undefined : String(keep), say)
    throw new UsageError(
      `There is no planted bug ${JSON.stringify(only)}. There are: ${bugs.map(({ name }) => name).join(', ')}.`,
    )
  },
}

async function huntAll(bugs: readonly Bug[], runs: readonly Hunt[], say: Say): Promise<ProgramResult> {
  using clean = Copy.clean()
  const red = await redRuns(clean, runs, say)
  const green = runs.filter((run) => !red.includes(run))
  say(
    `${bugs.length} bugs, each hunted with up to ${green.length} runs of scenarios, then with the tests of its package and of those above`,
  )
  const verdicts: Verdict[] = []
  await inLanes(bugs, async (bug) => {
    const verdict = await tryBug(bug, clean, green)
    verdicts.push(verdict)
    say(lineOf(verdict))
  })
  verdicts.sort((a, b) => bugs.indexOf(a.bug) - bugs.indexOf(b.bug))
  const caught = verdicts.filter((verdict) => verdict.caught !== undefined)
  const figures = {
    planted: bugs.length,
    caught: caught.length,
    caught_by_scenario: caught.filter((verdict) => verdict.caught?.by === 'scenario').length,
    patches_that_do_not_apply: verdicts.filter(({ fault }) => fault !== undefined).length,
    red_without_a_bug: red.length,
  }
  const pass = figures.caught >= figures.planted - 1 && figures.patches_that_do_not_apply === 0 && red.length === 0
  return { pass, figures, more: { bugs: verdicts.map(asRecord) } }
}

async function showOne(bug: Bug, runs: readonly Hunt[], keep: string | undefined, say: Say): Promise<ProgramResult> {
  say(`Bug: ${bug.what}\nBreaks: ${bug.breaks}\n\n${bug.diff}`)
  using clean = Copy.clean()
  using copy = clean.plant(bug, keep)
  if (keep !== undefined) copy.keep()
  const caught = (await huntByScenarios(copy.root, runs)) ?? (await huntByTests(copy, clean, bug))
  if (caught === undefined) {
    say(`${styleText('red', '✗')} nothing catches it`)
    return { pass: false, figures: { planted: 1, caught: 0 } }
  }
  const red = caught.by === 'scenario' ? (await redRuns(clean, [caught.hunt], say)).length : 0
  const shown: Demonstration = await demonstrate(caught, copy, say)
  if (keep !== undefined) say(`The copy with the bug is in ${copy.root}; run the command there to debug it.`)
  const figures = { planted: 1, caught: 1, red_without_a_bug: red, same_failure: shown.same ? 1 : 0 }
  return { pass: red === 0 && shown.same, figures, more: { command: shown.command, found: caughtAsRecord(caught) } }
}

async function tryBug(bug: Bug, clean: Copy, runs: readonly Hunt[]): Promise<Verdict> {
  const startedAt = performance.now()
  const verdict = (caught: Caught | undefined, fault?: string): Verdict => ({
    bug,
    caught,
    fault,
    seconds: (performance.now() - startedAt) / 1_000,
  })
  try {
    using copy = clean.plant(bug)
    return verdict((await huntByScenarios(copy.root, runs)) ?? (await huntByTests(copy, clean, bug)))
  } catch (error) {
    return verdict(undefined, error instanceof Error ? error.message : String(error))
  }
}

/** Runs that fail without any bug planted: what they catch proves nothing. */
async function redRuns(clean: Copy, runs: readonly Hunt[], say: Say): Promise<Hunt[]> {
  const red: Hunt[] = []
  const startedAt = performance.now()
  const workers = Array.from({ length: availableParallelism() }, () => new LabWorker(clean.root))
  try {
    await inLanes(runs, async (run, lane) => {
      const worker = workers[lane]
      const failed = worker === undefined ? undefined : await playOne(worker, run)
      if (failed === undefined) return
      red.push(run)
      say(
        `${styleText('red', '✗')} fails without any bug: ${failed.check}: ${failed.details}\n    ${commandOfHunt(run)}`,
      )
    })
  } finally {
    for (const worker of workers) worker[Symbol.dispose]()
  }
  const took = ((performance.now() - startedAt) / 1_000).toFixed(1)
  say(`without a bug ${runs.length - red.length} of ${runs.length} runs hold (${took} s)`)
  return red
}

/** One after the other in as many lanes as there are cores. */
async function inLanes<T>(items: readonly T[], work: (item: T, lane: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (number: number): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item, number)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, (_, number) => lane(number)))
}

async function knownScenarios(): Promise<Scenario[]> {
  // Not at the top: the list has this program in it.
  const { ENTRIES } = await import('./entries.js')
  return ENTRIES.filter((entry) => entry.kind === 'scenario')
}

export function commandOfHunt({ catcher, order }: Hunt): string {
  return commandOf(order.name, order.seed, catcher.given)
}

function lineOf({ bug, caught, fault, seconds }: Verdict): string {
  const mark = caught === undefined ? styleText('red', '✗') : styleText('green', '✓')
  const how = fault ?? (caught === undefined ? 'nothing catches it' : textOf(caught))
  return `${mark} ${bug.name.padEnd(30)} ${seconds.toFixed(1).padStart(5)} s  ${how}`
}

function textOf(caught: Caught): string {
  if (caught.by === 'test') return `test ${caught.test.file || caught.packageFolder}: ${caught.test.name}`
  const { hunt, check, at } = caught
  return `scenario ${hunt.order.name} --seed ${hunt.order.seed}${at === undefined ? '' : ` at ${at.toFixed(1)} ms`}: ${check}`
}

function asRecord({ bug, caught, fault, seconds }: Verdict): Readonly<Record<string, unknown>> {
  const how = caught === undefined ? {} : caughtAsRecord(caught)
  return { bug: bug.name, ...how, ...(fault === undefined ? {} : { fault }), seconds: Math.round(seconds * 10) / 10 }
}

function caughtAsRecord(caught: Caught): Readonly<Record<string, unknown>> {
  if (caught.by === 'test') return { caught_by: 'test', file: caught.test.file, test: caught.test.name }
  const { hunt, check, at, trace } = caught
  return {
    caught_by: 'scenario',
    scenario: hunt.order.name,
    seed: hunt.order.seed,
    check,
    at_ms: at,
    trace,
    replay: commandOfHunt(hunt),
  }
}
