/** Runs the named steps of a gate one after the other, each with its time, and stops at the first that fails. */
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const ROOT: string = dirname(dirname(fileURLToPath(import.meta.url)))

export interface Step {
  readonly name: string
  readonly command: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Whether exit code 77 means that this machine cannot run it; said again at the end, so that nobody takes it for a pass. */
  readonly maySkip?: boolean
}

/** `node` arguments that run a TypeScript program of this repository from source. */
export function fromSource(file: string, ...args: string[]): string[] {
  const tsx = pathToFileURL(join(ROOT, 'node_modules', 'tsx', 'dist', 'loader.mjs')).href
  return [process.execPath, '--conditions=@pc/source', '--import', tsx, join(ROOT, file), ...args]
}

/** A tool from node_modules/.bin. */
export function tool(name: string, ...args: string[]): string[] {
  return [join(ROOT, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name), ...args]
}

/** As automake has it. */
export const SKIPPED = 77

export async function runSteps(title: string, steps: readonly Step[]): Promise<void> {
  const started = performance.now()
  const skipped: string[] = []
  for (const [index, step] of steps.entries()) {
    console.log(`\n── ${title} ${index + 1}/${steps.length}: ${step.name}`)
    const stepStarted = performance.now()
    const code = await run(step)
    const seconds = ((performance.now() - stepStarted) / 1000).toFixed(1)
    if (code === SKIPPED && step.maySkip === true) {
      skipped.push(step.name)
      console.log(`– ${step.name} skipped`)
      continue
    }
    if (code !== 0) {
      console.error(`\n✗ ${step.name} failed after ${seconds} s (exit ${code}). Run it alone: ${shown(step)}`)
      process.exit(1)
    }
    console.log(`✓ ${step.name} (${seconds} s)`)
  }
  const left = skipped.length === 0 ? '' : `; NOT run on this machine: ${skipped.join(', ')}`
  const passed = steps.length - skipped.length
  console.log(`\n✓ ${title}: ${passed} steps in ${((performance.now() - started) / 1000).toFixed(0)} s${left}`)
}

function run(step: Step): Promise<number> {
  const [command = '', ...args] = step.command
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: step.cwd ?? ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32' && command.endsWith('.cmd'),
      env: { ...process.env, ...step.env },
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(code ?? (signal === null ? 1 : 128)))
  })
}

function shown(step: Step): string {
  return step.command.map((part) => part.replace(`${ROOT}/`, '').replace(process.execPath, 'node')).join(' ')
}
