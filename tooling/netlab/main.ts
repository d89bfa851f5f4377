/** `npm run netlab -- <scenario> [--json]`: real daemons on several hosts of this machine's own making. */
import { Report } from '../report.js'
import { SKIPPED } from '../steps.js'
import { whyNoNamespaces } from './hosts.js'
import { twoHosts } from './two-hosts.js'

const SCENARIOS: Record<string, (report: Report) => Promise<boolean>> = { 'two-hosts': twoHosts }

const json = process.argv.includes('--json')
const name = process.argv.slice(2).find((argument) => !argument.startsWith('-')) ?? 'list'
const scenario = SCENARIOS[name]
const obstacle = whyNoNamespaces()
if (scenario === undefined) {
  console.log(`Scenarios: ${Object.keys(SCENARIOS).join(', ')}`)
  process.exitCode = name === 'list' ? 0 : 2
} else if (obstacle !== undefined) {
  console.error(`netlab is skipped: ${obstacle}`)
  if (json) console.log(JSON.stringify({ scenario: name, options: {}, skipped: true }))
  process.exitCode = SKIPPED
} else {
  process.exitCode = (await scenario(new Report(name, {}, json))) ? 0 : 1
}
