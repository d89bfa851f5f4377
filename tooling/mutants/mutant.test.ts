import { describe, expect, it } from 'vitest'
import { changedLines, mutatedSource, smallDiff } from './mutant.js'

const SOURCE = ['const a = 1', '  if (a < b) {', '    one()', '  }', 'end'].join('\n')

describe('changedLines', () => {
  it('gives the touched line whole, before and after', () => {
    const range = { start: { line: 1, column: 6 }, end: { line: 1, column: 11 } }
    expect(changedLines(SOURCE, range, 'a <= b')).toEqual({ before: '  if (a < b) {', after: '  if (a <= b) {' })
  })

  it('gives all lines of a block', () => {
    const range = { start: { line: 1, column: 13 }, end: { line: 3, column: 3 } }
    expect(changedLines(SOURCE, range, '{}')).toEqual({
      before: '  if (a < b) {\n    one()\n  }',
      after: '  if (a < b) {}',
    })
  })
})

describe('mutatedSource', () => {
  it('puts the changed lines where the others were', () => {
    const mutant = { line: 2, before: '  if (a < b) {\n    one()\n  }', after: '  if (a < b) {}' }
    expect(mutatedSource(SOURCE, mutant)).toBe('const a = 1\n  if (a < b) {}\nend')
  })
})

describe('smallDiff', () => {
  it('marks what goes and what comes, without the common indent', () => {
    expect(smallDiff({ before: '    if (a) {\n      b()\n    }', after: '    if (a) {}' })).toBe(
      '- if (a) {\n-   b()\n- }\n+ if (a) {}',
    )
  })

  it('shows a long block by its edges', () => {
    const before = Array.from({ length: 20 }, (_, index) => `line ${index}`).join('\n')
    expect(smallDiff({ before, after: '{}' })).toBe(
      '- line 0\n- line 1\n- line 2\n- line 3\n- … (15 more lines)\n- line 19\n+ {}',
    )
  })

  it('stays readable when nothing is left of a line', () => {
    expect(smallDiff({ before: '  call()', after: '  ' })).toBe('- call()')
  })
})
