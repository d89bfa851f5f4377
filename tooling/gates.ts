/**
 * Proves that the gates can fail: plants one fault at a time in a temporary copy of the repository and runs the step that must
 * notice it. The clean copy must pass the same steps first, so a step that is red for another reason proves nothing.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fromSource, ROOT, tool } from './steps.js'

interface Fault {
  readonly name: string
  /** The step of the gate that must turn red. */
  readonly step: (copy: string) => readonly string[]
  readonly plant: (copy: string) => void
  /** What the red step must say, so that it is red for the right reason. */
  readonly says: RegExp
}

const FAULTS: readonly Fault[] = [
  {
    name: 'an import upwards (wire → transport)',
    step: (copy) => [...fromSource('tooling/check-layers.ts'), copy],
    plant: (copy) =>
      appendFileSync(join(copy, 'packages/wire/src/limits.ts'), "export { systemClock } from '@pc/transport'\n"),
    says: /@pc\/wire \(layer 0\) imports @pc\/transport \(layer 2\): up/,
  },
  {
    name: 'an import sideways (membership → discovery)',
    step: (copy) => [...fromSource('tooling/check-layers.ts'), copy],
    plant: (copy) =>
      appendFileSync(join(copy, 'packages/membership/src/state.ts'), "export { Discovery } from '@pc/discovery'\n"),
    says: /@pc\/membership \(layer 4\) imports @pc\/discovery \(layer 4\): sideways/,
  },
  {
    name: 'a type error',
    step: () => tool('tsc', '--build', 'packages/wire'),
    plant: (copy) =>
      appendFileSync(join(copy, 'packages/wire/src/limits.ts'), "export const planted: number = 'text'\n"),
    says: /error TS2322/,
  },
  {
    name: 'a formatting error',
    step: () => tool('biome', 'check', '.'),
    plant: (copy) => appendFileSync(join(copy, 'packages/wire/src/limits.ts'), 'export   const planted = 1;\n'),
    says: /Formatter would have printed/,
  },
  {
    name: 'the wall clock in a protocol core',
    step: () => tool('biome', 'lint', 'packages/membership'),
    plant: (copy) =>
      appendFileSync(
        join(copy, 'packages/membership/src/state.ts'),
        'export const planted = (): number => Date.now()\n',
      ),
    says: /Time is injected/,
  },
  {
    name: 'chance in a protocol core',
    step: () => tool('biome', 'lint', 'packages/discovery'),
    plant: (copy) =>
      appendFileSync(
        join(copy, 'packages/discovery/src/state.ts'),
        'export const planted = (): number => Math.random()\n',
      ),
    says: /Chance is injected/,
  },
  {
    name: 'a timer in a protocol core',
    step: () => tool('biome', 'lint', 'packages/membership'),
    plant: (copy) =>
      appendFileSync(
        join(copy, 'packages/membership/src/state.ts'),
        'export const planted = setTimeout(() => {}, 1)\n',
      ),
    says: /noRestrictedGlobals/,
  },
  {
    name: 'random bytes in a protocol core',
    step: () => tool('biome', 'lint', 'packages/membership'),
    plant: (copy) =>
      appendFileSync(join(copy, 'packages/membership/src/state.ts'), "export { randomBytes } from 'node:crypto'\n"),
    says: /noRestrictedImports/,
  },
  {
    name: 'a broken example',
    step: (copy) => [...nodeWithSource(), join(copy, 'tooling/examples.ts'), 'packages/wire/'],
    plant: (copy) => {
      const file = join(copy, 'packages/wire/examples/frames.ts')
      writeFileSync(file, readFileSync(file, 'utf8').replace('@pc/wire', '@pc/wire/missing'))
    },
    says: /ERR_PACKAGE_PATH_NOT_EXPORTED/,
  },
]

const copy = mkdtempSync(join(tmpdir(), 'peerconnect-gates-'))
let missed = 0
try {
  for (const fault of FAULTS) {
    reset()
    const clean = run(fault.step(copy))
    if (clean.status !== 0) {
      console.error(`✗ ${fault.name}: the step is red without the fault, so it proves nothing\n${clean.output}`)
      missed += 1
      continue
    }
    fault.plant(copy)
    const planted = run(fault.step(copy))
    const caught = planted.status !== 0 && fault.says.test(planted.output)
    console.log(`${caught ? '✓' : '✗'} ${fault.name}: ${caught ? `red (exit ${planted.status})` : 'NOT noticed'}`)
    if (!caught) {
      missed += 1
      console.error(planted.output)
    }
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
console.log(`${FAULTS.length - missed} of ${FAULTS.length} planted faults turned their gate red`)
process.exit(missed === 0 ? 0 : 1)

/** Lays the tracked and new files anew; installed packages are linked, built output starts empty. */
function reset(): void {
  rmSync(copy, { recursive: true, force: true })
  cpSync(ROOT, copy, {
    recursive: true,
    filter: (path) => !/\/(node_modules|\.git|dist|coverage|tarballs|\.turbo)(\/|$)/.test(path.slice(ROOT.length)),
  })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  for (const folder of ['wire', 'identity', 'transport', 'membership', 'discovery']) {
    symlinkSync(join(ROOT, 'packages', folder, 'node_modules'), join(copy, 'packages', folder, 'node_modules'))
  }
  // Biome asks git what to ignore.
  spawnSync('git', ['init', '--quiet'], { cwd: copy })
}

function run(command: readonly string[]): { status: number | null; output: string } {
  const [program = '', ...args] = command
  const result = spawnSync(program, args, { cwd: copy, encoding: 'utf8' })
  return { status: result.status, output: `${result.stdout}${result.stderr}${result.error?.message ?? ''}` }
}

function nodeWithSource(): string[] {
  return fromSource('').slice(0, -1)
}
