/** Clocks that are wrong by hours, and one that jumps by a day: nothing of gossip may depend on them. */
import { GossipNetwork } from '../gossip/gossip-network.js'
import { GOSSIP_OPTIONS, measureSpread, warmUp } from '../gossip/measure.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000

export const gossipClocks: Scenario = {
  kind: 'scenario',
  name: 'gossip-clocks',
  summary:
    'news among nodes whose clocks are off by up to an hour, one of which jumps by a day: the same as with good ones?',
  options: {
    ...WEATHER_OPTIONS,
    ...GOSSIP_OPTIONS,
    offset: { help: 'how far clocks are off at most, h', min: 0, max: 1_000, default: 1 },
    step: { help: 'by how much one jumps half-way, days', min: -1_000, max: 1_000, default: 1 },
  },
  run: async (lab: Lab) => {
    const clocks = lab.random.stream('clocks')
    const most = lab.option('offset') * HOUR_MS
    const network = await GossipNetwork.start(lab, lab.option('nodes'), () => ({
      offsetMs: (2 * clocks.float() - 1) * most,
    }))
    await warmUp(lab, network)
    const jumping = network.random.pick(network.nodes)
    const halfway = (): void => lab.network.changeClock(jumping.host, { offsetMs: lab.option('step') * DAY_MS })
    await measureSpread(lab, network, { halfway })
    await network.close()
  },
}
