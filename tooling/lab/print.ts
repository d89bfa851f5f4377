/** A run in words. */
import { styleText } from 'node:util'
import { type Figure, overBar, plain } from './figures.js'
import type { Failure } from './lab.js'
import { commandOf, type OptionValues } from './options.js'
import type { RunResult } from './run.js'
import { conditionsFrom, DEFAULT_WEATHER, describeWeather } from './weather.js'

export function announce(name: string, seed: string, values: OptionValues): string[] {
  const shown = options(values)
  const weather = describeWeather({ ...DEFAULT_WEATHER, ...conditionsFrom(values) })
  return [`${styleText('bold', name)}, seed ${seed}${shown === '' ? '' : `, ${shown}`}`, `weather: ${weather}`]
}

export function describe(result: RunResult, given: OptionValues): string[] {
  const { scenario, seed, pass, figures, failures, unshown, virtualMs, wallMs, hash, events, checks } = result
  const lines = Object.entries(figures).map(([name, figure]) => figureLine(name, figure))
  lines.push(`  drawn or given: ${options(result.options) || 'nothing'}`)
  lines.push(
    `  ${seconds(virtualMs)} of virtual time in ${seconds(wallMs)} (${Math.round(virtualMs / wallMs)} ×), ${events} timers, ${checks} checks, trace ${hash}`,
  )
  if (pass) return [...lines, `${styleText('green', '✓')} ${scenario} holds, seed ${seed}`]
  for (const failure of failures.slice(0, 1)) lines.push(...story(failure))
  for (const failure of failures) lines.push(headline(failure))
  if (unshown > 0) lines.push(`  … and ${unshown} more`)
  return [
    ...lines,
    `${styleText('red', '✗')} ${scenario} fails with seed ${seed}, trace ${hash}. The same failure again:`,
    `    ${commandOf(scenario, seed, given)}`,
  ]
}

/** The failure that showed first, with what happened before it. */
function story({ check, at, log }: Failure): string[] {
  return [
    `  before "${check}" failed at ${at.toFixed(1)} ms:`,
    ...log.map((line) => `    ${line.at.toFixed(1).padStart(10)} ms  ${line.text}`),
  ]
}

export function headline({ check, at, details }: Pick<Failure, 'check' | 'at' | 'details'>): string {
  return `${styleText('red', '✗')} at ${at.toFixed(1)} ms: ${check}: ${details}`
}

export function figureLine(name: string, figure: Figure): string {
  const { atMost, atLeast } = figure
  const bar = atMost !== undefined ? ` (at most ${atMost})` : atLeast !== undefined ? ` (at least ${atLeast})` : ''
  const mark = overBar(name, figure) === undefined ? ' ' : styleText('red', '✗')
  return `${mark} ${name.padEnd(26)} ${plain({ [name]: figure })[name]}${bar}`
}

function options(values: OptionValues): string {
  return Object.entries(values)
    .map(([key, value]) => `--${key} ${typeof value === 'number' ? Number(value.toPrecision(4)) : value}`)
    .join(' ')
}

function seconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(2)} s` : `${(ms / 1_000).toFixed(1)} s`
}
