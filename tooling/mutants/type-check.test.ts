import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ROOT } from '../steps.js'
import { TypeCheck } from './type-check.js'

it('refuses what the compiler refuses, and only that', { timeout: 60_000 }, () => {
  const file = 'packages/membership/src/peer-state.ts'
  const source = readFileSync(join(ROOT, file), 'utf8')
  const types = new TypeCheck(ROOT, [file])
  const wrong = `${source}\nexport const wrong: string = 1\n`
  expect(types.refusal(file, source, source)).toBeUndefined()
  expect(types.refusal(file, source, wrong)).toMatch(/^TS2322: /)
  // Each is judged by itself.
  expect(types.refusal(file, source, `${source}\nconst unused = 1\n`)).toBeUndefined()
  // What was wrong before says nothing about the change.
  expect(types.refusal(file, wrong, `${wrong}\nexport const more: string = 2\n`)).toBeUndefined()
})
