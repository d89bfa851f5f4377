/** `npm run netlab -- <scenario> [options] [--json]`: real daemons on several hosts of this machine's own making. */
import { onInterruption } from '../interruption.js'
import { SKIPPED } from '../steps.js'
import { defaultsOf, parseArguments, type Request, type SetName, UsageError } from './command-line.js'
import { helpText, listText } from './help.js'
import { dismantle, interrupt, runScenario } from './run-scenario.js'
import { SCENARIOS } from './scenarios/index.js'

onInterruption(interrupt)
// A fault that nothing caught, or somebody's process.exit: nothing may stay behind then either.
process.on('exit', dismantle)
process.exitCode = await main()

async function main(): Promise<number> {
  let request: Request
  try {
    request = parseArguments(process.argv.slice(2), SCENARIOS)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(error.message)
    return 2
  }
  switch (request.kind) {
    case 'help':
      console.log(helpText(SCENARIOS, request.name))
      return 0
    case 'list':
      if (request.json) console.log(JSON.stringify(SCENARIOS.map(({ name, summary }) => ({ name, summary }))))
      else console.log(listText(SCENARIOS))
      return 0
    case 'run': {
      const { name, values, json } = request
      const scenario = SCENARIOS.find((one) => one.name === name)
      return scenario === undefined ? 2 : runScenario(scenario, values, json)
    }
    case 'set':
      return runSet(request.name, request.json)
    default:
      request satisfies never
      return 2
  }
}

/** Goes on after a failure, so that one run tells all; a skipped scenario makes the set skipped, unless something failed. */
async function runSet(name: SetName, json: boolean): Promise<number> {
  const started = performance.now()
  const chosen = SCENARIOS.filter(({ brief }) => name === 'all' || brief !== undefined)
  const failed: string[] = []
  const skipped: string[] = []
  const say = json ? console.error : console.log
  for (const [index, scenario] of chosen.entries()) {
    say(`\n── netlab ${name} ${index + 1}/${chosen.length}: ${scenario.name}: ${scenario.summary}`)
    const options = { ...defaultsOf(scenario.options), ...(name === 'brief' ? scenario.brief : {}) }
    const code = await runScenario(scenario, options, json)
    if (code === SKIPPED) skipped.push(scenario.name)
    else if (code !== 0) failed.push(scenario.name)
  }
  const seconds = Math.round((performance.now() - started) / 100) / 10
  const passed = chosen.length - failed.length - skipped.length
  const lists = [
    failed.length > 0 ? `; failed: ${failed.join(', ')}` : '',
    skipped.length > 0 ? `; skipped: ${skipped.join(', ')}` : '',
  ]
  say(`\nnetlab ${name}: ${passed} of ${chosen.length} passed in ${seconds} s${lists.join('')}`)
  if (json) {
    const figures = {
      scenarios: chosen.length,
      passed,
      failed: failed.length,
      skipped: skipped.length,
      took_s: seconds,
    }
    const whole = failed.length + skipped.length === 0
    console.log(
      JSON.stringify({
        scenario: name,
        options: {},
        pass: whole,
        figures,
        ...(skipped.length > 0 && { skipped: true }),
      }),
    )
  }
  if (failed.length > 0) return 1
  return skipped.length > 0 ? SKIPPED : 0
}
