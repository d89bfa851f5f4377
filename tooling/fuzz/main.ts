/** `npm run fuzz`: mutated input for every decoder and packet handler of this repository. */
import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { styleText } from 'node:util'
import { onInterruption } from '../interruption.js'
import { runCampaign, type TargetResult } from './campaign.js'
import { uncovered } from './covered.js'
import { CONVERSATION_BAR_US, LARGE_BAR_US, quantile, SMALL_BAR_US } from './measure.js'
import { type FuzzOptions, readOptions, USAGE, UsageError } from './options.js'
import { Progress } from './progress.js'
import { replay } from './replay.js'
import { printed } from './shown.js'
import type { Target } from './target.js'
import { TARGETS } from './targets/index.js'

// Its end takes the children and their folders along (supervisor.ts).
onInterruption(async () => {})
process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  try {
    const options = readOptions(args)
    if (options === undefined) {
      console.log(USAGE)
      return 0
    }
    if (options.list) return list()
    const targets = chosen(options.targets)
    if (options.replay !== undefined) return await replay(options, targets)
    return await fuzz(options, targets)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    return 2
  }
}

async function fuzz(options: FuzzOptions, targets: readonly Target[]): Promise<number> {
  const say = options.json ? console.error : console.log
  const { seed, jobs, minutes } = options
  const cases = minutes === undefined ? options.cases : undefined
  const forgotten = await uncovered()
  for (const name of forgotten)
    say(`${styleText('red', '✗')} ${name} is fuzzed by no target: add one in tooling/fuzz/targets`)
  say(`fuzz: ${cases ?? `${minutes} minutes of`} cases, ${targets.length} targets, seed ${seed}`)
  const started = performance.now()
  const deadline = minutes === undefined ? Number.POSITIVE_INFINITY : started + minutes * 60_000
  const progress = new Progress(say, started)
  const results = await runCampaign({
    targets,
    seed,
    cases,
    deadline,
    jobs,
    onProgress: (all) => progress.show(all),
    onNote: (text) => say(`  ${text}`),
  })
  for (const result of results) say(rowOf(result))
  for (const failure of results.flatMap((one) => one.failures)) say(printed(failure))
  // Reading a record or a certificate is one signature check and little else; how fast this machine is at that must be seen beside it.
  const figures = {
    ...figuresOf(results),
    ...(options.untimed ? {} : { signature_check_us: tenth(signatureCheckUs()) }),
  }
  const timeBars = { p999_us: SMALL_BAR_US, p999_conversation_us: CONVERSATION_BAR_US, p999_64k_us: LARGE_BAR_US }
  const bars = { crashes: 0, hangs: 0, alloc_over_bound: 0, ...(options.untimed ? {} : timeBars) }
  let pass = forgotten.length === 0 && !results.some(({ givenUp }) => givenUp)
  for (const [name, value] of Object.entries(figures)) {
    const bar = (bars as Readonly<Record<string, number>>)[name]
    const holds = bar === undefined || value <= bar
    if (!holds) pass = false
    say(
      `${holds ? ' ' : styleText('red', '✗')} ${name.padEnd(18)} ${value}${bar === undefined ? '' : `  (at most ${bar})`}`,
    )
  }
  say(
    `${pass ? styleText('green', '✓ passed') : styleText('red', '✗ failed')} in ${((performance.now() - started) / 1_000).toFixed(1)} s`,
  )
  const shown = {
    ...(cases === undefined ? { minutes } : { cases }),
    jobs,
    ...(options.targets.length > 0 && { target: options.targets }),
  }
  if (options.json) console.log(JSON.stringify({ scenario: 'fuzz', seed, options: shown, pass, figures }))
  return pass ? 0 : 1
}

function figuresOf(results: readonly TargetResult[]): Record<string, number> {
  const sum = (of: (result: TargetResult) => number): number => results.reduce((total, one) => total + of(one), 0)
  const ofKind = (conversation: boolean): readonly TargetResult[] =>
    results.filter(({ target }) => (target.conversation ?? false) === conversation)
  const small = quantile(together(ofKind(false).flatMap((one) => one.small)), 0.999)
  const conversations = quantile(together(ofKind(true).flatMap((one) => one.small)), 0.999)
  const large = quantile(together(results.flatMap((one) => one.large)), 0.999)
  return {
    cases: sum((one) => one.cases),
    accepted: sum((one) => one.accepted),
    targets: results.length,
    crashes: sum((one) => one.crashes),
    hangs: sum((one) => one.hangs),
    alloc_over_bound: sum((one) => one.overBound),
    ...(Number.isNaN(small) ? {} : { p999_us: tenth(small) }),
    ...(Number.isNaN(conversations) ? {} : { p999_conversation_us: tenth(conversations) }),
    ...(Number.isNaN(large) ? {} : { p999_64k_us: tenth(large) }),
  }
}

/** Median of a bare Ed25519 verification, without anything of ours around it. */
function signatureCheckUs(): number {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const message = new Uint8Array(200)
  const signature = sign(null, message, privateKey)
  const times = Float64Array.from({ length: 1_001 }, () => {
    const started = performance.now()
    verify(null, message, publicKey, signature)
    return (performance.now() - started) * 1_000
  })
  return quantile(times, 0.5)
}

function rowOf({ target, cases, accepted, crashes, hangs, overBound, small, large }: TargetResult): string {
  const time = (parts: readonly Float64Array[]): string => {
    const value = quantile(together(parts), 0.999)
    return (target.untimed || Number.isNaN(value) ? '–' : value.toFixed(0)).padStart(6)
  }
  const bad = crashes + hangs + overBound > 0
  const share = `${Math.round((100 * accepted) / Math.max(1, cases))} %`.padStart(5)
  const sign = bad ? styleText('red', '✗') : styleText('green', '✓')
  const found = bad ? `  ${crashes} crashes, ${hangs} hangs, ${overBound} over the bound of memory` : ''
  return `${sign} ${target.name.padEnd(34)}${String(cases).padStart(7)} cases ${share} accepted  p99.9${time(small)} µs, large${time(large)} µs${found}`
}

function list(): number {
  for (const { name, about, covers } of TARGETS)
    console.log(`${name.padEnd(34)}${about}\n${' '.repeat(34)}${covers.join(', ')}`)
  console.log(`\n${TARGETS.length} targets`)
  return 0
}

/** @throws UsageError */
function chosen(names: readonly string[]): readonly Target[] {
  if (names.length === 0) return TARGETS
  for (const name of names) {
    if (TARGETS.some((one) => one.name.startsWith(name))) continue
    throw new UsageError(`no target is called ${name}: expected one of ${TARGETS.map((one) => one.name).join(', ')}`)
  }
  return TARGETS.filter(({ name }) =>
    names.some((wanted) => name === wanted || (name.startsWith(wanted) && !TARGETS.some((one) => one.name === wanted))),
  )
}

function together(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10
}
