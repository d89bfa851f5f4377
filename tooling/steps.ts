/** Runs the named steps of a gate in their order, each with its time, those that may in lanes side by side, and stops at the first that fails. */
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
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
  /** It keeps one core busy and measures no real time: run beside the neighbours in the list that say so too. What it prints comes at its end. */
  readonly beside?: boolean
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
  const runStep = async (step: Step): Promise<void> => {
    console.log(`\n── ${title} ${steps.indexOf(step) + 1}/${steps.length}: ${step.name}`)
    const stepStarted = performance.now()
    const code = await run(step)
    const seconds = ((performance.now() - stepStarted) / 1000).toFixed(1)
    if (code === SKIPPED && step.maySkip === true) {
      skipped.push(step.name)
      console.log(`– ${step.name} skipped`)
      return
    }
    if (code !== 0) {
      for (const child of running) child.kill()
      console.error(`\n✗ ${step.name} failed after ${seconds} s (exit ${code}). Run it alone: ${shown(step)}`)
      process.exit(1)
    }
    console.log(`✓ ${step.name} (${seconds} s)`)
  }
  const left = [...steps]
  const isNextBeside = (): boolean => left[0]?.beside === true
  const lane = async (): Promise<void> => {
    while (isNextBeside()) await runStep(left.shift() as Step)
  }
  while (left.length > 0) {
    if (isNextBeside()) await Promise.all(Array.from({ length: availableParallelism() }, lane))
    else await runStep(left.shift() as Step)
  }
  const notRun = skipped.length === 0 ? '' : `; NOT run on this machine: ${skipped.join(', ')}`
  const passed = steps.length - skipped.length
  console.log(`\n✓ ${title}: ${passed} steps in ${((performance.now() - started) / 1000).toFixed(0)} s${notRun}`)
}

const running = new Set<ChildProcess>()

function run(step: Step): Promise<number> {
  const [command = '', ...args] = step.command
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: step.cwd ?? ROOT,
      stdio: step.beside === true ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
      shell: process.platform === 'win32' && command.endsWith('.cmd'),
      env: { ...process.env, ...step.env },
    })
    running.add(child)
    const said: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => said.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => said.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      running.delete(child)
      process.stdout.write(Buffer.concat(said))
      resolve(code ?? (signal === null ? 1 : 128))
    })
  })
}

function shown(step: Step): string {
  return step.command.map((part) => part.replace(`${ROOT}/`, '').replace(process.execPath, 'node')).join(' ')
}
