/** News of many peers, one after the other: do all get them, once, and how soon? */
import { GossipNetwork } from '../gossip/gossip-network.js'
import { GOSSIP_OPTIONS, measureSpread, warmUp } from '../gossip/measure.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

export const gossip: Scenario = {
  kind: 'scenario',
  name: 'gossip',
  summary:
    'news of many peers, with loss, crashes as they are published, and large bodies: do all get them once, and when?',
  options: {
    ...WEATHER_OPTIONS,
    ...GOSSIP_OPTIONS,
    crash: {
      help: 'share of the nodes that crashes, unnoticed, as the first is published',
      min: 0,
      max: 0.9,
      default: 0,
    },
    bodies: { help: 'small: 200 bytes with the news; large: 8 KiB by streams', text: true, default: 'small' },
  },
  run: async (lab: Lab) => {
    const bodies = lab.text('bodies')
    if (bodies !== 'small' && bodies !== 'large') throw new Error(`--bodies: expected small or large, got ${bodies}`)
    const network = await GossipNetwork.start(lab, lab.option('nodes'))
    await warmUp(lab, network)
    await measureSpread(lab, network, { bodies, crash: lab.option('crash') })
    await network.close()
  },
}
