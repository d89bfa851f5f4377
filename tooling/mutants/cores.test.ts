import { describe, expect, it } from 'vitest'
import { CORES, coreViolations } from '../cores.js'

describe('the list of pure cores', () => {
  it('names each file once, and each of them is there and imports no Node module that is not excepted', () => {
    expect(new Set(CORES.map(({ name }) => name)).size).toBe(CORES.length)
    expect(coreViolations()).toEqual([])
  })

  it.each([
    [`import { readFileSync } from 'node:fs'`],
    [`import 'node:fs'`],
    [`import { a } from './a.js'\nimport {\n  createReadStream,\n} from 'node:fs'`],
    [`import { type Stats, statSync } from 'node:fs'`],
  ])('notices %s', (source) => {
    const violations = coreViolations(() => source)
    expect(violations).toHaveLength(CORES.length)
    expect(violations[0]).toContain(`${CORES[0]?.file}: a pure core imports no Node module, got node:fs`)
  })

  it('lets types through, and each exception where it is named only', () => {
    expect(coreViolations(() => `import type { Stats } from 'node:fs'`)).toEqual([])
    const excepted = coreViolations(() => `import { isUtf8 } from 'node:buffer'`)
    expect(excepted.some((line) => line.startsWith('packages/wire/src/value-scan.ts'))).toBe(false)
    expect(excepted.some((line) => line.startsWith('packages/wire/src/envelope-reader.ts'))).toBe(false)
    expect(excepted).toHaveLength(CORES.length - 2)
  })
})
