/** `npm run bench`: benchmarks with a raw baseline in the same run. See README.md for how to add one. */

import { spawnSync } from 'node:child_process'
import { cpus, loadavg } from 'node:os'
import { styleText } from 'node:util'
import { onInterruption } from '../interruption.js'
import { ROOT, tool } from '../steps.js'
import { type Benchmark, figureName } from './benchmark.js'
import { type BenchOptions, parseOptions, USAGE, UsageError } from './options.js'
import { type Plan, planOf } from './plan.js'
import { BENCHMARKS } from './registry.js'
import { Run } from './run.js'
import { tableOf } from './table.js'
import { rounded, type Verdict } from './verdict.js'

const EXIT = { pass: 0, fail: 1, usage: 2, void: 3 } as const

let current: Run | undefined
onInterruption(async () => current?.cleanUp())
process.exitCode = await main()

async function main(): Promise<number> {
  try {
    return await perform(parseOptions(process.argv.slice(2), Object.keys(BENCHMARKS)))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    return EXIT.usage
  }
}

async function perform(options: BenchOptions): Promise<number> {
  if (options.help) {
    console.log(USAGE)
    return EXIT.pass
  }
  const { name } = options
  if (name === 'list') return list(options.json)
  const say = (text: string): void => (options.json ? console.error(text) : console.log(text))
  return name === 'all' ? runAll(options, say) : runOne(name, options, say)
}

async function runAll(options: BenchOptions, say: (text: string) => void): Promise<number> {
  const codes: number[] = []
  for (const name of Object.keys(BENCHMARKS)) codes.push(await runOne(name, options, say))
  const counted = (code: number): number => codes.filter((one) => one === code).length
  const figures = { benchmarks: codes.length, passed: counted(EXIT.pass), void: counted(EXIT.void) }
  const pass = figures.passed === figures.benchmarks
  if (options.json) console.log(JSON.stringify({ bench: 'all', options: { smoke: options.smoke }, pass, figures }))
  return counted(EXIT.fail) > 0 ? EXIT.fail : counted(EXIT.void) > 0 ? EXIT.void : EXIT.pass
}

async function list(json: boolean): Promise<number> {
  const benchmarks = await Promise.all(Object.values(BENCHMARKS).map((load) => load()))
  if (json) {
    const listed = benchmarks.map(({ name, summary, placement, figures }) => {
      return { name, summary, placement, figures: figures.map((figure) => figureName(figure)) }
    })
    console.log(JSON.stringify({ benchmarks: listed }))
    return EXIT.pass
  }
  for (const { name, summary, placement, once, connections } of benchmarks) {
    const takes = once === undefined ? '' : `; measured once, for ${once.ms} ms`
    const holds = connections === undefined ? '' : `; ${connections} connections`
    console.log(`  ${name.padEnd(10)} ${summary} (${placement}${takes}${holds})`)
  }
  console.log('\n  npm run bench -- <name>, or --help')
  return EXIT.pass
}

async function runOne(name: string, options: BenchOptions, say: (text: string) => void): Promise<number> {
  const benchmark = await BENCHMARKS[name]?.()
  if (benchmark === undefined) throw new Error(`"${name}" is not registered`)
  const plan = planOf(benchmark, options)
  const facts = factsOf(benchmark, plan, options)
  const run = new Run(benchmark, plan, options, say)
  current = run
  try {
    if (!options.source) build(benchmark, say)
    introduce(benchmark, facts, plan, say)
    const verdict = await run.execute()
    say(tableOf(verdict).join('\n'))
    conclude(verdict, options, say)
    if (options.json) print(name, facts, verdict)
    return verdict.voidReasons.length > 0 ? EXIT.void : verdict.pass ? EXIT.pass : EXIT.fail
  } catch (error) {
    say(`${styleText('red', '✗')} ${error instanceof Error ? error.message : String(error)}`)
    if (options.json) console.log(JSON.stringify({ bench: name, options: facts, pass: false, figures: {} }))
    return EXIT.fail
  } finally {
    current = undefined
  }
}

/** What users get is what `tsc` writes; what tsx makes of the source at run time is slower. */
function build({ builds }: Benchmark, say: (text: string) => void): void {
  say(`building ${builds.join(', ')} …`)
  const [command = '', ...args] = tool('tsc', '--build', ...builds)
  const result = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8', shell: process.platform === 'win32' })
  if (result.status === 0) return
  const why = result.error?.message ?? result.stdout + result.stderr
  throw new Error(`the packages cannot be built (--source runs without):\n${why}`)
}

/** Everything that a figure depends on, as far as it is known. */
function factsOf(benchmark: Benchmark, { rounds, ms, warmUpMs, connections }: Plan, { smoke, source }: BenchOptions) {
  const processors = cpus()
  return {
    rounds,
    ms,
    warm_up_ms: warmUpMs,
    ...(connections > 0 ? { connections } : {}),
    ...(smoke ? { smoke } : {}),
    code: source ? 'source' : 'built',
    placement: benchmark.placement,
    settings: benchmark.settings ?? {},
    cpus: processors.length,
    cpu: processors[0]?.model ?? 'unknown',
    node: process.version,
    load: rounded(loadavg()[0] ?? 0),
  }
}

function introduce(
  { name, summary, placement, once, settings = {} }: Benchmark,
  { cpus: count, cpu, node, load, code }: ReturnType<typeof factsOf>,
  { rounds, ms, warmUpMs, connections }: Plan,
  say: (text: string) => void,
): void {
  say(`\n${styleText('bold', name)}: ${summary}`)
  say(`  ${placement}; ${count} × ${cpu}, Node ${node}, load ${load}; packages as ${code}`)
  say(
    once === undefined
      ? `  ${rounds} interleaved rounds of ${ms} ms each, after ${warmUpMs} ms of warm-up; garbage collected before each`
      : `  measured once, for ${ms} ms`,
  )
  if (connections > 0) say(`  ${connections} connections`)
  const given = Object.entries(settings).map(([key, value]) => `${key} ${JSON.stringify(value)}`)
  say(`  options that are not at their defaults: ${given.join(', ') || 'none'}`)
  if (load > count / 2) say(`  ${styleText('yellow', 'the machine is busy: expect noise')}`)
}

function conclude(verdict: Verdict, { smoke }: BenchOptions, say: (text: string) => void): void {
  const { voidReasons, missed } = verdict
  say('')
  for (const reason of voidReasons) say(`${styleText('yellow', '∅')} void: ${reason}`)
  for (const text of missed) say(`${styleText('red', '✗')} ${text}`)
  if (voidReasons.length > 0)
    say('This run says nothing about us: the baseline itself was too slow. Measure again on a quiet machine.')
  else if (smoke) say(`${styleText('green', '✓')} it runs; a smoke run judges nothing`)
  else if (missed.length === 0)
    say(`${styleText('green', '✓')} it ran, the baseline counts, and every bar there is holds`)
}

function print(name: string, facts: object, { figures, spread, voidReasons, pass }: Verdict): void {
  const round = (values: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(values).map(([key, value]) => [key, rounded(value)]))
  const ranges = Object.entries(spread).map(([key, range]) => [key, range.map(rounded)])
  const isVoid = voidReasons.length > 0 ? { void: true, void_reasons: voidReasons } : {}
  const figure = { figures: round(figures), spread: Object.fromEntries(ranges) }
  console.log(JSON.stringify({ bench: name, options: facts, pass, ...isVoid, ...figure }))
}
