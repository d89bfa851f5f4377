/** Coverage per package, from the run before: a table, and red below the floor. */
import { readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { ROOT } from './steps.js'

/** Share of lines; a floor that notices untested code, not a goal. */
const FLOOR = 0.8

interface Counts {
  lines: { total: number; covered: number }
  branches: { total: number; covered: number }
}
const summary = JSON.parse(readFileSync(join(ROOT, 'coverage', 'coverage-summary.json'), 'utf8')) as Record<
  string,
  Counts
>
const packages = new Map<string, Counts>()
for (const [file, counts] of Object.entries(summary)) {
  if (file === 'total') continue
  const name = relative(ROOT, file).split(sep).slice(0, 2).join('/')
  const sum = packages.get(name) ?? { lines: { total: 0, covered: 0 }, branches: { total: 0, covered: 0 } }
  for (const kind of ['lines', 'branches'] as const) {
    sum[kind].total += counts[kind].total
    sum[kind].covered += counts[kind].covered
  }
  packages.set(name, sum)
}

const share = ({ total, covered }: { total: number; covered: number }): number => (total === 0 ? 1 : covered / total)
const percent = (value: number): string => `${(100 * value).toFixed(1)} %`.padStart(8)
let low = 0
console.log(`${'package'.padEnd(24)}    lines  branches`)
for (const [name, counts] of [...packages].sort(([a], [b]) => a.localeCompare(b))) {
  // Apps are wrappers: what they do is run by the demo and the tour, in processes that coverage does not see.
  const below = name.startsWith('packages/') && share(counts.lines) < FLOOR
  if (below) low += 1
  console.log(
    `${name.padEnd(24)} ${percent(share(counts.lines))}  ${percent(share(counts.branches))}${below ? '  ← below the floor' : ''}`,
  )
}
if (low > 0) {
  console.error(`${low} package(s) below ${percent(FLOOR).trim()} of lines.`)
  process.exit(1)
}
