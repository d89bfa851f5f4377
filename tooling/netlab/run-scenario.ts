/** Runs one scenario from its preconditions to the last namespace removed. */
import { Report } from '../report.js'
import { SKIPPED } from '../steps.js'
import { buildDaemon } from './build.js'
import type { OptionValues } from './command-line.js'
import { obstacle } from './commands.js'
import { NetlabError } from './errors.js'
import { Netlab, removeLeftOvers } from './netlab.js'
import type { Scenario } from './scenario.js'

/** The run under way, for those who must end it from outside. */
let current: { readonly lab: Netlab; readonly abort: AbortController } | undefined

/** Resolves with the exit code. */
export async function runScenario(scenario: Scenario, options: OptionValues, json: boolean): Promise<number> {
  const why = obstacle(scenario.tools)
  if (why !== undefined) {
    console.error(`netlab ${scenario.name} is skipped: ${why}`)
    if (json) console.log(JSON.stringify({ scenario: scenario.name, options, skipped: true, why }))
    return SKIPPED
  }
  const report = new Report(scenario.name, options, json)
  removeLeftOvers((text) => report.say(text))
  const abort = new AbortController()
  const lab = new Netlab(report, options)
  current = { lab, abort }
  try {
    if (scenario.built) await buildDaemon((text) => report.say(text), abort.signal)
    await within(scenario, scenario.run(lab), abort.signal)
    // Before the result: what cannot be removed is no pass.
    await lab.close()
    return lab.finish() ? 0 : 1
  } catch (error) {
    if (!abort.signal.aborted) report.fail(error)
    return 1
  } finally {
    await lab.close()
    current = undefined
  }
}

/** For signals: bounded, as stopping a daemon is. */
export async function interrupt(): Promise<void> {
  current?.abort.abort(new Error('interrupted'))
  await current?.lab.close()
}

/** For the moment in which the process ends, however it came to that. */
export function dismantle(): void {
  current?.lab.dismantle()
}

async function within(scenario: Scenario, run: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  let onAbort = (): void => {}
  // The loser is still told when its daemons go; nobody waits for it any more.
  run.catch(() => {})
  try {
    await Promise.race([
      run,
      new Promise<never>((_, reject) => {
        const text = `${scenario.name} was not over after ${scenario.limitS} s`
        timer = setTimeout(() => reject(new NetlabError('TIME_LIMIT', text)), scenario.limitS * 1_000)
        onAbort = () => reject(signal.reason)
        signal.addEventListener('abort', onAbort)
      }),
    ])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
