/** The directory in a network that loses packets: are lookups still quick, and right? */
import { quantile } from '../figures.js'
import { KadNetwork } from '../kad/kad-network.js'
import { type MeasuredLookup, mean, measureLookup, share } from '../kad/lookups.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const JOIN_MS = 60_000
const SETTLE_MS = 30_000

export const kadLoss: Scenario = {
  kind: 'scenario',
  name: 'kad-loss',
  summary: 'lookups while packets get lost: how long do they take, and do they find the nearest?',
  options: {
    ...WEATHER_OPTIONS,
    loss: { help: 'share of packets lost', min: 0, max: 0.3, default: 0.05 },
    nodes: { help: 'nodes', min: 2, max: 10_000, whole: true, default: 1_000 },
    lookups: { help: 'lookups of random targets', min: 1, max: 100_000, whole: true, default: 1_000 },
  },
  run: async (lab: Lab) => {
    const network = new KadNetwork(lab, lab.option('nodes'))
    await network.grow(lab.option('nodes'), JOIN_MS)
    await lab.sleep(SETTLE_MS)
    const lookups: MeasuredLookup[] = []
    for (let count = 0; count < lab.option('lookups'); count++) {
      const node = network.random.pick(network.nodes)
      lookups.push(await measureLookup(lab, network, node, network.random.bytes(32)))
    }
    const ms = lookups.map(({ ms }) => ms)
    // The bars are those of 5 %: what is lost more often takes longer.
    const bar = (atMost: number): { atMost?: number } => (lab.option('loss') <= 0.05 ? { atMost } : {})
    lab.figure('p50_ms', quantile(ms, 0.5), bar(40))
    lab.figure('p99_ms', quantile(ms, 0.99), bar(120))
    lab.figure(
      'closest_found',
      share(lookups, ({ closest }) => closest),
      { atLeast: 0.99 },
    )
    lab.figure('recall20', mean(lookups.map(({ recall }) => recall)))
    lab.figure('rpcs_mean', mean(lookups.map(({ report }) => report.asked)))
    await network.close()
  },
}
