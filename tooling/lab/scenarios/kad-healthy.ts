/** The directory in a network in which nobody fails: are lookups exact, how many requests do they take, and how long? */
import { quantile } from '../figures.js'
import { KadNetwork } from '../kad/kad-network.js'
import { type MeasuredLookup, mean, measureLookup, share } from '../kad/lookups.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const JOIN_MS = 60_000
const SETTLE_MS = 30_000

export const kadHealthy: Scenario = {
  kind: 'scenario',
  name: 'kad-healthy',
  summary: 'lookups among nodes that all live: exact, with few requests, within milliseconds?',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes', min: 2, max: 10_000, whole: true, default: 3_000 },
    lookups: { help: 'lookups of random targets', min: 1, max: 100_000, whole: true, default: 1_000 },
  },
  run: async (lab: Lab) => {
    const lossless = !lab.has('loss') || lab.option('loss') === 0
    const network = new KadNetwork(lab, lab.option('nodes'))
    await network.grow(lab.option('nodes'), JOIN_MS)
    await lab.sleep(SETTLE_MS)

    // Cold: with sessions to those whom the node met until then, its table among them. Warm: the same again at once, so that
    // there are sessions with all who are asked.
    const cold: MeasuredLookup[] = []
    const warm: MeasuredLookup[] = []
    for (let count = 0; count < lab.option('lookups'); count++) {
      const node = network.random.pick(network.nodes)
      const target = network.random.bytes(32)
      cold.push(await measureLookup(lab, network, node, target))
      warm.push(await measureLookup(lab, network, node, target))
    }
    const [coldMs, warmMs] = [cold.map(({ ms }) => ms), warm.map(({ ms }) => ms)]
    const contacts = network.nodes.map(({ kademlia }) => kademlia.status().contacts)
    lab.figure(
      'exact_share',
      share(cold, ({ exact }) => exact),
      { atLeast: 0.999 },
    )
    lab.figure('recall20', mean(cold.map(({ recall }) => recall)))
    lab.figure('rpcs_mean', mean(cold.map(({ report }) => report.asked)), { atMost: 26 })
    lab.figure('warm_p50_ms', quantile(warmMs, 0.5), lossless ? { atMost: 10 } : {})
    lab.figure('warm_p99_ms', quantile(warmMs, 0.99), lossless ? { atMost: 25 } : {})
    lab.figure('cold_p50_ms', quantile(coldMs, 0.5))
    lab.figure('cold_p99_ms', quantile(coldMs, 0.99))
    lab.figure('hops_mean', mean(cold.map(({ report }) => report.hops)))
    lab.figure('rpcs_to_join_mean', mean(network.requestsToJoin))
    lab.figure('contacts_mean', mean(contacts))
    lab.figure('contacts_min', Math.min(...contacts))
    lab.figure('sessions_mean', mean(network.nodes.map(({ endpoint }) => endpoint.size.sessions)))
    await network.close()
  },
}
