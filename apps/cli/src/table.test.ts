import { expect, it } from 'vitest'
import { renderTable } from './table.js'

it('aligns columns by what is seen, not by what is stored', () => {
  const paint = (text: string): string => `<${text}>`
  const table = renderTable(
    ['NAME', 'STATE', 'ID'],
    [
      ['anna', { text: 'online', paint }, '7k2'],
      ['日本', '', ''],
    ],
  )
  expect(table).toBe('NAME  STATE   ID\nanna  <online>  7k2\n日本\n')
})

it('shows the header alone when there are no rows', () => {
  expect(renderTable(['A', 'B'], [])).toBe('A  B\n')
})
