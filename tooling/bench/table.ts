/** A verdict for people: one block per figure, bars side by side, because looking beats reading numbers. Pure. */
import { lowerIsBetter, type Unit } from './benchmark.js'
import type { Summary } from './statistics.js'
import { type Cell, type Row, rounded, type Verdict } from './verdict.js'

const BAR_WIDTH = 28
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const UNITS: Readonly<Record<Unit, string>> = {
  per_s: ' /s',
  mb_per_s: ' MB/s',
  us: ' µs',
  ms: ' ms',
  count: '',
  cost: '',
}

export function tableOf({ rows }: Verdict): string[] {
  return rows.filter(({ cells }) => cells.length > 0).flatMap(blockOf)
}

function blockOf({ figure, cells, ratio, difference }: Row): string[] {
  const unit = UNITS[figure.unit]
  const better = lowerIsBetter(figure.unit) ? 'shorter is better' : 'longer is better'
  const ratioText =
    ratio === undefined ? '' : `: ours is ${rounded(ratio.median)} × raw${rangeOf(' (rounds ', ratio, ')')}`
  const differenceText = difference === undefined ? '' : `; ours is ${rounded(difference.median)} beyond raw`
  // Of a count of nothing at all a bar is drawn too.
  const longest = Math.max(...cells.map(({ summary }) => summary.median)) || 1
  const widest = Math.max(...cells.map(({ contestant }) => contestant.length))
  const line = ({ contestant, summary }: Cell): string => {
    const bar = barOf(summary.median / longest).padEnd(BAR_WIDTH)
    const value = `${readable(summary.median)}${unit}`.padStart(16)
    return `    ${contestant.padEnd(widest)} ${bar} ${value}${rangeOf('   ', summary)}`
  }
  return ['', `  ${figure.name}  ${figure.text}, ${better}${ratioText}${differenceText}`, ...cells.map(line)]
}

/** @param share 0 to 1; anything above nothing is seen */
export function barOf(share: number): string {
  const eighths = Math.max(1, Math.round(share * BAR_WIDTH * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
}

/** Nothing when there is but one value. */
function rangeOf(before: string, { min, max }: Summary, after = ''): string {
  return min === max ? '' : `${before}${readable(min)} – ${readable(max)}${after}`
}

function readable(value: number): string {
  return rounded(value).toLocaleString('en-US', { maximumFractionDigits: 6 })
}
