import { displayWidth } from './text.js'

export interface Cell {
  readonly text: string
  /** Applied after padding was measured, so that colours take no room. */
  readonly paint?: ((text: string) => string) | undefined
}

/** Columns two spaces apart, the last one unpadded; each line ends with a newline. Cells must be safe lines. */
export function renderTable(header: readonly string[], rows: readonly (readonly (Cell | string)[])[]): string {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell)))
  const lines: readonly Cell[][] = [header.map((text) => ({ text })), ...cells]
  const widths = header.map((_, column) => Math.max(...lines.map((line) => displayWidth(line[column]?.text ?? ''))))
  return lines.map((line) => `${renderLine(line, widths)}\n`).join('')
}

function renderLine(line: readonly Cell[], widths: readonly number[]): string {
  return line
    .map(({ text, paint = same }, column) => {
      const padding = column === line.length - 1 ? 0 : (widths[column] ?? 0) - displayWidth(text)
      return paint(text) + ' '.repeat(Math.max(0, padding))
    })
    .join('  ')
    .trimEnd()
}

function same(text: string): string {
  return text
}
