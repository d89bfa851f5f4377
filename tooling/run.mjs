// The door behind every root command. Plain JavaScript without dependencies, because it runs before anything is installed.
// It checks Node, installs what the lockfile names when that has changed, and then hands over to the TypeScript program.

import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stampFile = join(root, 'node_modules', '.peerconnect-setup')

const programs = {
  demo: 'tooling/demo/main.ts',
  test: 'tooling/test.ts',
  'test:slow': 'tooling/test-slow.ts',
  start: 'apps/daemon/src/main.ts',
  pc: 'apps/cli/src/main.ts',
  lab: 'tooling/lab/main.ts',
  netlab: 'tooling/netlab/main.ts',
  bench: 'tooling/bench/main.ts',
  fuzz: 'tooling/fuzz/main.ts',
  mutants: 'tooling/mutants/main.ts',
  pack: 'tooling/pack.ts',
  gates: 'tooling/gates.ts',
  format: 'tooling/format.ts',
}

/**
 * What a program asks of Node. A simulation lives on short-lived objects: with room for 64 MiB of them (the default is 16) fewer are
 * still alive at a collection and have to be copied, which saves a tenth of its time.
 */
const nodeOptions = { lab: ['--max-semi-space-size=64'] }

const [command, ...args] = process.argv.slice(2)
const program = programs[command]
if (program === undefined) {
  console.error(`Unknown command ${JSON.stringify(command)}. Expected one of: ${Object.keys(programs).join(', ')}.`)
  process.exit(2)
}
requireNode(20, 19)
const setupMs = setUp()
hand(program, args, setupMs)

function requireNode(major, minor) {
  const [haveMajor = 0, haveMinor = 0] = process.versions.node.split('.').map(Number)
  if (haveMajor > major || (haveMajor === major && haveMinor >= minor)) return
  console.error(
    `PeerConnect needs Node ${major}.${minor} or newer; this is ${process.version}. Install a newer Node and run again.`,
  )
  process.exit(1)
}

/** Installs dependencies when the lockfile or Node's version changed since the last time. Returns the time it took in ms. */
function setUp() {
  const lockfile = readFileSync(join(root, 'pnpm-lock.yaml'))
  const key = createHash('sha256').update(lockfile).update(process.version).digest('hex')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === key) return 0
  const started = performance.now()
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  console.error(
    `Setting up: installing the pinned dependencies with ${manifest.packageManager} (the first time takes about half a minute) …`,
  )
  // Through a shell on Windows, where npx is a .cmd file. CI=true: never ask, there may be no terminal.
  const install = spawnSync('npx', ['--yes', manifest.packageManager, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: { ...process.env, CI: 'true' },
  })
  if (install.status !== 0) {
    if (install.error !== undefined) console.error(`Could not run npx: ${install.error.message}. It comes with npm.`)
    console.error(
      'Setting up failed: see the lines above. Is the npm registry reachable? Run the command again to retry.',
    )
    process.exit(1)
  }
  mkdirSync(dirname(stampFile), { recursive: true })
  writeFileSync(stampFile, key)
  const tookMs = performance.now() - started
  console.error(`Set up in ${(tookMs / 1000).toFixed(1)} s.`)
  return tookMs
}

/** Runs the TypeScript program from source, passes signals on, and ends as it ended. */
function hand(file, programArgs, tookMs) {
  const tsx = pathToFileURL(join(root, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href
  const child = spawn(
    process.execPath,
    [...(nodeOptions[command] ?? []), '--conditions=@pc/source', '--import', tsx, join(root, file), ...programArgs],
    {
      stdio: 'inherit',
      env: { ...process.env, PC_SETUP_MS: String(Math.round(tookMs)), DO_NOT_TRACK: '1' },
    },
  )
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C at a terminal goes to the whole group: the program has it already, and a second one would mean "at once".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    console.error(`Could not start ${file}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]))
}
