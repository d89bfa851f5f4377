import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CORES, type Core } from '../cores.js'
import { ROOT } from '../steps.js'
import { instrument } from './instrument.js'

const CORE: Core = { name: 'sample/one', package: 'sample', file: 'packages/sample/src/one.ts' }

async function mutantsOf(source: string): Promise<string[]> {
  const { mutants } = await instrument([CORE], () => source)
  return mutants.map(({ mutator, after }) => `${mutator}: ${after}`)
}

describe('instrument', () => {
  it('says of each mutant where it is and what it changes', async () => {
    const { mutants } = await instrument([CORE], () => 'export function one(a: number) {\n  return a < 3\n}\n')
    expect(mutants).toContainEqual({
      id: expect.any(String),
      core: 'sample/one',
      package: 'sample',
      file: 'packages/sample/src/one.ts',
      mutator: 'EqualityOperator',
      line: 2,
      before: '  return a < 3',
      after: '  return a <= 3',
    })
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
  })

  it('leaves types, imports, texts and what is inside the text of an error alone', async () => {
    const source = [
      `import { MyError } from 'there'`,
      `export type Word = 'a' | 'b'`,
      `export const word: Word = 'a'`,
      `export const fail = new MyError('CODE', \`expected \${word === 'a' ? 1 + 2 : 3}\`)`,
      'export const sum = new MyError("a" + word)',
    ].join('\n')
    expect(await mutantsOf(source)).toEqual([])
  })

  it('still changes what decides whether there is an error', async () => {
    const source = `export function check(a: number) {\n  if (a > 3) throw new RangeError(\`got \${a}\`)\n}`
    expect(await mutantsOf(source)).toContain(`ConditionalExpression:   if (false) throw new RangeError(\`got \${a}\`)`)
  })

  it('finds mutants in every real core, the same ones each time', { timeout: 120_000 }, async () => {
    const read = (core: Core) => readFile(join(ROOT, core.file), 'utf8')
    const { mutants, files } = await instrument(CORES, read)
    expect(files.map(({ file }) => file)).toEqual(CORES.map(({ file }) => file))
    expect([...new Set(mutants.map(({ core }) => core))]).toEqual(CORES.map(({ name }) => name))
    expect((await instrument(CORES, read)).mutants).toEqual(mutants)
  })
})
