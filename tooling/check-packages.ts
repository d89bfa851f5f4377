/**
 * Every package has the same boring manifest, a README whose first example is a file that CI runs, and licence and changelog files
 * in its tarball. Differences are named, one line each.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './steps.js'

/** An example is read in one glance. */
const MAX_EXAMPLE_LINES = 20

const problems: string[] = []
for (const name of readdirSync(join(ROOT, 'packages'))) {
  const folder = `packages/${name}`
  const problem = (text: string): number => problems.push(`${folder}: ${text}`)
  const manifest = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Record<string, unknown>
  const expected = {
    name: `@pc/${name}`,
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=20.19' },
    exports: expectedExports(Object.keys(Object(manifest.exports))),
    scripts: { build: 'tsc -b', test: 'vitest run' },
    files: [
      'dist',
      'src',
      '!src/**/*.test.ts',
      ...['PROTOCOL.md', 'vectors'].filter((part) => existsSync(join(ROOT, folder, part))),
      'CHANGELOG.md',
    ],
  }
  for (const [key, value] of Object.entries(expected)) {
    if (JSON.stringify(manifest[key]) !== JSON.stringify(value)) {
      problem(`package.json "${key}" is ${JSON.stringify(manifest[key])}, expected ${JSON.stringify(value)}`)
    }
  }
  const outsideCatalog = Object.entries({
    ...(manifest.dependencies as Record<string, string> | undefined),
    ...(manifest.devDependencies as Record<string, string> | undefined),
  }).filter(([, range]) => range !== 'catalog:' && range !== 'workspace:^')
  for (const [dependency, range] of outsideCatalog)
    problem(`${dependency} is "${range}", expected "catalog:" or "workspace:^"`)
  checkExample(folder, problem)
}

if (problems.length > 0) {
  console.error(`Package check: ${problems.length} problem(s)\n${problems.map((line) => `  ${line}`).join('\n')}`)
  process.exit(1)
}
console.log('Package check: manifests, READMEs and examples agree.')

/** The front door is `index`; a further door `./client` is `client-index`. Each has source for development and dist for users. */
function expectedExports(doors: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    doors.map((door) => {
      if (door === './package.json') return [door, door]
      const file = door === '.' ? 'index' : `${door.slice(2)}-index`
      return [door, { '@pc/source': `./src/${file}.ts`, types: `./dist/${file}.d.ts`, default: `./dist/${file}.js` }]
    }),
  )
}

function checkExample(folder: string, problem: (text: string) => void): void {
  const readme = join(ROOT, folder, 'README.md')
  if (!existsSync(readme)) {
    problem('README.md is missing')
    return
  }
  const block = /```ts\n([\s\S]*?)```/.exec(readFileSync(readme, 'utf8'))?.[1]
  if (block === undefined) {
    problem('README.md has no ```ts example')
    return
  }
  const lines = block.trimEnd().split('\n').length
  if (lines > MAX_EXAMPLE_LINES)
    problem(`the README's first example has ${lines} lines, expected at most ${MAX_EXAMPLE_LINES}`)
  const examples = join(ROOT, folder, 'examples')
  const files = existsSync(examples) ? readdirSync(examples) : []
  const same = files.some((file) => readFileSync(join(examples, file), 'utf8').trimEnd() === block.trimEnd())
  if (!same) problem("the README's first ```ts block equals no file of examples/, so nothing would run it")
}
