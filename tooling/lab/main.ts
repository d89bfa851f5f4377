/** `npm run lab -- …`: plays scenarios on the simulated network. */
import { randomInt } from 'node:crypto'
import { styleText } from 'node:util'
import { ENTRIES } from './entries.js'
import { plain } from './figures.js'
import { catalogue, helpOf } from './help.js'
import { commandOf, parseArguments, type Request, UsageError } from './options.js'
import { announce, describe, figureLine } from './print.js'
import { type RangeResult, runRange } from './range.js'
import { runScenario } from './run.js'
import type { Program, Scenario } from './scenario.js'

type Run = Extract<Request, { kind: 'run' }>
type Say = (line: string) => void

const SEEDS = 1e9

process.exitCode = await main(process.argv.slice(2))

/** Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  let request: Request
  try {
    request = parseArguments(args, ENTRIES)
  } catch (error) {
    return sayUsage(error)
  }
  if (request.kind === 'list') return print(catalogue(ENTRIES))
  if (request.kind === 'help') return print(helpOf(ENTRIES, request.name))
  const { name, json } = request
  const entry = ENTRIES.find((one) => one.name === name)
  if (entry === undefined) throw new Error(`no entry ${name}`)
  const say: Say = (line) => (json ? console.error(line) : console.log(line))
  if (entry.kind === 'program') return runProgram(entry, request, say).catch(sayUsage)
  return request.seeds === undefined ? runOne(entry, request, say) : runMany(entry, request, say)
}

/** What cannot be run as it was asked for. */
function sayUsage(error: unknown): number {
  if (!(error instanceof UsageError)) throw error
  console.error(error.message)
  return 2
}

async function runOne(scenario: Scenario, request: Run, say: Say): Promise<number> {
  const seed = request.seed ?? drawSeed()
  for (const line of announce(scenario.name, seed, request.values)) say(line)
  const result = await runScenario(scenario, { seed, options: request.values })
  for (const line of describe(result, request.given)) say(line)
  const { pass, figures, options, hash, virtualMs, wallMs, failures } = result
  const violated = failures.map(({ check, at, details }) => ({ check, at, details }))
  const more = { trace: hash, virtual_ms: virtualMs, wall_ms: Math.round(wallMs), ...(pass ? {} : { violated }) }
  return finish(request, { scenario: scenario.name, seed, options, pass, figures: plain(figures), ...more })
}

async function runMany(scenario: Scenario, request: Run, say: Say): Promise<number> {
  const range = request.seeds ?? { first: 1, last: 1 }
  const seeds = `${range.first}..${range.last}`
  for (const line of announce(scenario.name, seeds, request.values)) say(line)
  const onProgress = progress(range.last - range.first + 1)
  const result = await runRange({ name: scenario.name, values: request.values, range, onProgress })
  for (const line of summary(scenario.name, result, request)) say(line)
  const pass = result.failed.length === 0
  const failed = result.failed.map(({ seed, reason, hash }) => ({ seed, reason, trace: hash }))
  const more = pass ? {} : { failed }
  return finish(request, {
    scenario: scenario.name,
    seeds,
    options: request.values,
    pass,
    figures: plain(result.figures),
    ...more,
  })
}

async function runProgram(program: Program, request: Run, say: Say): Promise<number> {
  if (request.seeds !== undefined) {
    console.error(`${program.name} takes --seed, not --seeds.`)
    return 2
  }
  const seed = request.seed ?? drawSeed()
  for (const line of announce(program.name, seed, request.values)) say(line)
  const { pass, figures, more = {} } = await program.run({ seed, options: request.values, say })
  for (const [name, value] of Object.entries(figures)) say(`  ${name.padEnd(26)} ${value}`)
  say(
    pass
      ? `${styleText('green', '✓')} ${program.name} holds`
      : `${styleText('red', '✗')} ${program.name} fails with seed ${seed}. Again:`,
  )
  if (!pass) say(`    ${commandOf(program.name, seed, request.given)}`)
  return finish(request, { scenario: program.name, seed, options: request.values, pass, figures, ...more })
}

function finish(request: Run, result: { readonly pass: boolean; readonly [key: string]: unknown }): number {
  if (request.json) console.log(JSON.stringify(result))
  return result.pass ? 0 : 1
}

function summary(name: string, result: RangeResult, { given }: Run): string[] {
  const lines = Object.entries(result.figures).map(([key, figure]) => figureLine(key, figure))
  const times = `${(result.virtualMs / 3_600_000).toFixed(2)} h of virtual time in ${(result.wallMs / 1_000).toFixed(1)} s`
  for (const { seed, reason, hash, sameAgain } of result.failed) {
    const again =
      sameAgain === undefined ? '' : sameAgain ? ', the same in a fresh process' : ', NOT the same in a fresh process'
    lines.push(`${styleText('red', '✗')} seed ${seed} ${reason} (trace ${hash ?? 'none'}${again})`)
    lines.push(`    ${commandOf(name, seed, given)}`)
  }
  const mark = result.failed.length === 0 ? styleText('green', '✓') : styleText('red', '✗')
  return [...lines, `${mark} ${result.seeds - result.failed.length} of ${result.seeds} seeds hold; ${times}`]
}

/** One line that is written over at a terminal, else a line now and then. */
function progress(all: number): (done: number, failed: number) => void {
  let saidAt = performance.now()
  return (done, failed) => {
    const now = performance.now()
    if (now - saidAt < (process.stderr.isTTY ? 200 : 5_000) && done < all) return
    saidAt = now
    const line = `${done} of ${all} seeds, ${failed} failed`
    process.stderr.write(process.stderr.isTTY ? `\r${line}${done === all ? '\n' : ''}` : `${line}\n`)
  }
}

function print(lines: readonly string[]): number {
  for (const line of lines) console.log(line)
  return 0
}

function drawSeed(): string {
  return String(randomInt(SEEDS))
}
