/** `npm run pack`: builds every package and app and packs them into tarballs/, with the line that installs them elsewhere. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, tool } from './steps.js'

const target = join(ROOT, 'tarballs')
rmSync(target, { recursive: true, force: true })
mkdirSync(target)
run('building', tool('tsc', '--build'))
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { packageManager: string }
run('packing', [
  'npx',
  '--yes',
  manifest.packageManager,
  '--recursive',
  '--filter=./packages/*',
  '--filter=./apps/*',
  'pack',
  '--pack-destination',
  target,
])
const tarballs = readdirSync(target).sort()
console.log(`${tarballs.length} tarballs in tarballs/:`)
for (const file of tarballs) console.log(`  ${file}`)
console.log(
  '\nInstall them in a project of yours (all of them: they name each other):\n  npm install <this folder>/tarballs/*.tgz',
)

function run(what: string, command: readonly string[]): void {
  console.log(`${what} …`)
  const [program = '', ...args] = command
  const result = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8', shell: process.platform === 'win32' })
  if (result.status === 0) return
  console.error(`${what} failed:\n${result.stdout}${result.stderr}`)
  process.exit(1)
}
