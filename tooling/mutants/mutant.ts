/** One small change of one core, and how it is shown to people. */

export interface Mutant {
  /** The instrumenter's number: the switch that makes this change active in the instrumented source. */
  readonly id: string
  /** As in `wire/frame`. */
  readonly core: string
  readonly package: string
  readonly file: string
  readonly mutator: string
  /** First line, from 1. */
  readonly line: number
  /** The whole lines as they stand and as the mutant has them. */
  readonly before: string
  readonly after: string
}

/** From 0, both in UTF-16 units, as the instrumenter says them. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** The lines that `replacement` touches, before and after. */
export function changedLines(
  source: string,
  range: { readonly start: Place; readonly end: Place },
  replacement: string,
): { before: string; after: string } {
  const lines = source.split('\n').slice(range.start.line, range.end.line + 1)
  const head = (lines[0] ?? '').slice(0, range.start.column)
  const tail = (lines.at(-1) ?? '').slice(range.end.column)
  return { before: lines.join('\n'), after: head + replacement + tail }
}

/** The whole file as the mutant has it. */
export function mutatedSource(
  source: string,
  { line, before, after }: Pick<Mutant, 'line' | 'before' | 'after'>,
): string {
  const lines = source.split('\n')
  lines.splice(line - 1, before.split('\n').length, after)
  return lines.join('\n')
}

/** A removed block is shown by its edges. */
const SHOWN_LINES = 6

export function smallDiff({ before, after }: Pick<Mutant, 'before' | 'after'>): string {
  return [...marked('-', before), ...marked('+', after)].join('\n')
}

function marked(sign: string, text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const indent = Math.min(...lines.map((line) => line.search(/\S/)))
  const shown =
    lines.length <= SHOWN_LINES
      ? lines
      : [
          ...lines.slice(0, SHOWN_LINES - 2),
          `${' '.repeat(indent)}… (${lines.length - SHOWN_LINES + 1} more lines)`,
          ...lines.slice(-1),
        ]
  return shown.map((line) => `${sign} ${line.slice(indent)}`)
}
