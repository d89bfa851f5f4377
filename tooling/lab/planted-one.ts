/** `lab planted --only`: has the failure again, with exactly the command that a person would type in the copy. */
import { spawn } from 'node:child_process'
import { styleText } from 'node:util'
import { end, endWithUs } from '../planted/children.js'
import type { Copy } from '../planted/copy.js'
import type { Caught, CaughtByScenario, CaughtByTest } from '../planted/hunt.js'
import { runTests } from '../planted/tests.js'
import { commandOf } from './options.js'

export interface Demonstration {
  /** For the root of the copy. */
  readonly command: string
  /** The same check failed at the same virtual time with the same trace, or the same test. */
  readonly same: boolean
}

type Say = (line: string) => void

export function demonstrate(caught: Caught, copy: Copy, say: Say): Promise<Demonstration> {
  return caught.by === 'scenario' ? playAgain(caught, copy, say) : testAgain(caught, copy, say)
}

async function playAgain(caught: CaughtByScenario, copy: Copy, say: Say): Promise<Demonstration> {
  const { hunt, check, at, trace, details } = caught
  const command = commandOf(hunt.order.name, hunt.order.seed, hunt.catcher.given)
  say(`${styleText('red', '✗')} caught by the scenario ${hunt.order.name}, seed ${hunt.order.seed}:`)
  say(`    first violated: ${check}: ${details}\n    at ${at ?? '?'} ms of virtual time, trace ${trace ?? 'none'}`)
  say(`  again, in a fresh process of the copy:\n    ${command}\n`)
  const { code, output } = await shell(`${command} --json`, copy.root)
  const result = lastObject(output)
  const [first] = result?.violated ?? []
  // A run that died or hung leaves no result; then it must do so again.
  const same =
    at === undefined
      ? code !== 0 && first === undefined
      : first?.check === check && first.at === at && result?.trace === trace
  if (first !== undefined) say(`    first violated: ${first.check}: ${first.details.split('\n', 1)[0]}`)
  say(`    at ${first?.at ?? '?'} ms of virtual time, trace ${result?.trace ?? 'none'}, exit code ${code}`)
  say(same ? `${styleText('green', '✓')} the same failure` : `${styleText('red', '✗')} NOT the same failure`)
  return { command, same }
}

async function testAgain({ packageFolder, test }: CaughtByTest, copy: Copy, say: Say): Promise<Demonstration> {
  const file = test.file.slice(packageFolder.length + 1)
  const command = `cd ${packageFolder} && PC_INTERFACES=lo npx vitest run ${file}`
  say(`${styleText('red', '✗')} caught by the test ${test.file || packageFolder}: ${test.name}`)
  say(`  again, in the copy:\n    ${command}\n`)
  const { failed, output } = await runTests(copy.root, packageFolder, {
    bail: false,
    files: test.file === '' ? [] : [test.file],
  })
  const same = failed.some(({ name }) => name === test.name)
  for (const line of output.split('\n').slice(-40)) say(`    ${line}`)
  say(same ? `${styleText('green', '✓')} the same failure` : `${styleText('red', '✗')} NOT the same failure`)
  return { command, same }
}

/** The part of a run's JSON line that is compared. */
interface Result {
  readonly trace?: string
  readonly violated?: readonly { readonly check: string; readonly at: number; readonly details: string }[]
}

function lastObject(output: string): Result | undefined {
  const line = output.trim().split('\n').at(-1) ?? ''
  return line.startsWith('{') ? (JSON.parse(line) as Result) : undefined
}

/** A run that does not end is part of some bugs. */
const TIME_LIMIT_MS = 90_000

function shell(command: string, cwd: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command.replace('npm run', 'npm run -s'), {
      cwd,
      shell: true,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    endWithUs(child)
    let output = ''
    // The whole group: npm, the door, and the program behind it.
    const timer = setTimeout(() => end(child), TIME_LIMIT_MS)
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ code: code ?? 1, output })
    })
  })
}
