/** A verdict for people: one block per figure, bars side by side, because looking beats reading numbers. Pure. */
import { lowerIsBetter, type Unit } from './benchmark.js'
import { type Cell, type Row, rounded, type Verdict } from './verdict.js'

const BAR_WIDTH = 28
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']
const UNITS: Readonly<Record<Unit, string>> = { per_s: '/s', mb_per_s: 'MB/s', us: 'µs', ms: 'ms' }

export function tableOf({ rows }: Verdict): string[] {
  return rows.filter(({ cells }) => cells.length > 0).flatMap(blockOf)
}

function blockOf({ figure, cells, ratio }: Row): string[] {
  const unit = UNITS[figure.unit]
  const better = lowerIsBetter(figure.unit) ? 'shorter is better' : 'longer is better'
  const ratioText =
    ratio === undefined ? '' : `: ours is ${rounded(ratio.median)} × raw (rounds ${range(ratio.min, ratio.max)})`
  const longest = Math.max(...cells.map(({ summary }) => summary.median))
  const widest = Math.max(...cells.map(({ contestant }) => contestant.length))
  const line = ({ contestant, summary }: Cell): string => {
    const bar = barOf(summary.median / longest).padEnd(BAR_WIDTH)
    const value = `${readable(summary.median)} ${unit}`.padStart(16)
    return `    ${contestant.padEnd(widest)} ${bar} ${value}   ${readable(summary.min)} – ${readable(summary.max)}`
  }
  return ['', `  ${figure.name}  ${figure.text}, ${better}${ratioText}`, ...cells.map(line)]
}

/** @param share 0 to 1; anything above nothing is seen */
export function barOf(share: number): string {
  const eighths = Math.max(1, Math.round(share * BAR_WIDTH * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? '')
}

function range(min: number, max: number): string {
  return `${rounded(min)} – ${rounded(max)}`
}

function readable(value: number): string {
  return rounded(value).toLocaleString('en-US', { maximumFractionDigits: 6 })
}
