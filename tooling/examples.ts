/**
 * Runs every package's examples, from source or inside a project that has the tarballs installed. Each must end by itself with 0.
 * Alone: `examples.ts [start of path]`.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { LOOPBACK } from './loopback.js'
import { fromSource, ROOT } from './steps.js'

/** An example is a newcomer's first minute: it may not hang. */
const TIME_LIMIT_MS = 20_000

export function exampleFiles(): string[] {
  return readdirSync(join(ROOT, 'packages')).flatMap((name) => {
    const folder = join(ROOT, 'packages', name, 'examples')
    return existsSync(folder) ? readdirSync(folder).map((file) => `packages/${name}/examples/${file}`) : []
  })
}

export function runExample(label: string, command: readonly string[], cwd: string): boolean {
  const started = performance.now()
  const [program = '', ...args] = command
  const result = spawnSync(program, args, {
    cwd,
    encoding: 'utf8',
    timeout: TIME_LIMIT_MS,
    env: { ...process.env, PC_INTERFACES: LOOPBACK },
  })
  const ok = result.status === 0 && result.stdout.trim() !== ''
  console.log(`${ok ? '✓' : '✗'} ${label} (${Math.round(performance.now() - started)} ms)`)
  if (!ok) {
    const why =
      result.error?.message ?? (result.status === 0 ? 'it printed nothing' : `exit ${result.status ?? result.signal}`)
    console.error(`  ${why}\n${result.stdout}${result.stderr}`)
  }
  return ok
}

if (process.argv[1] !== undefined && basename(process.argv[1]) === 'examples.ts') {
  const chosen = exampleFiles().filter((file) => file.startsWith(process.argv[2] ?? ''))
  const failed = chosen.filter((file) => !runExample(file, fromSource(file), ROOT))
  process.exit(chosen.length > 0 && failed.length === 0 ? 0 : 1)
}
