/**
 * What a user of the tarballs gets: each passes publint and attw, all install into an empty project with npm alone, and every
 * package's examples run there.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exampleFiles, runExample } from './examples.js'
import { LOOPBACK } from './loopback.js'
import { fromSource, ROOT, tool } from './steps.js'

const project = mkdtempSync(join(tmpdir(), 'peerconnect-tarballs-'))
let failed = 0
try {
  require('pack', fromSource('tooling/pack.ts'), ROOT)
  const tarballs = readdirSync(join(ROOT, 'tarballs')).map((file) => join(ROOT, 'tarballs', file))
  for (const tarball of tarballs) {
    const name = /pc-([a-z]+)-/.exec(tarball)?.[1] ?? ''
    attempt(`publint --strict ${name}`, tool('publint', 'run', '--strict', tarball))
    // Apps have no library entry point for attw to look at.
    if (!['daemon', 'cli'].includes(name))
      attempt(`attw --profile esm-only ${name}`, tool('attw', '--profile', 'esm-only', tarball))
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'newcomer', private: true, type: 'module' }))
  require('npm install of all tarballs', ['npm', 'install', '--no-audit', '--no-fund', ...tarballs], project)
  for (const file of exampleFiles()) {
    // Types are stripped by tsx of this repository: the project itself has nothing but the tarballs.
    const copy = join(project, file.replaceAll('/', '-'))
    copyFileSync(join(ROOT, file), copy)
    const [node = '', , ...rest] = fromSource('')
    if (!runExample(`${file} on the tarballs`, [node, ...rest.slice(0, 2), copy], project)) failed += 1
  }
  // The installed CLI starts the installed daemon, talks to it and stops it.
  for (const line of [['up', '--name', 'newcomer', '--interfaces', LOOPBACK], ['status'], ['down']]) {
    attempt(`installed: pc ${line.join(' ')}`, [
      join(project, 'node_modules', '.bin', 'pc'),
      '--state',
      join(project, 'state'),
      ...line,
    ])
  }
} finally {
  rmSync(project, { recursive: true, force: true })
}
process.exit(failed === 0 ? 0 : 1)

function attempt(what: string, command: readonly string[]): boolean {
  const [program = '', ...args] = command
  const result = spawnSync(program, args, { cwd: project, encoding: 'utf8' })
  const ok = result.status === 0
  console.log(`${ok ? '✓' : '✗'} ${what}`)
  if (!ok) {
    failed += 1
    console.error(`${result.error?.message ?? ''}${result.stdout}${result.stderr}`)
  }
  return ok
}

function require(what: string, command: readonly string[], cwd: string): void {
  const [program = '', ...args] = command
  const result = spawnSync(program, args, { cwd, encoding: 'utf8' })
  console.log(`${result.status === 0 ? '✓' : '✗'} ${what}`)
  if (result.status === 0) return
  // Thrown, so that the folder is removed.
  throw new Error(`${what} failed: ${result.error?.message ?? ''}${result.stdout}${result.stderr}`)
}
