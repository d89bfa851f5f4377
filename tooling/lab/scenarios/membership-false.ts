/** Nobody is gone, and packets are lost: is anybody called offline? */
import type { Lab } from '../lab.js'
import { MemberNetwork } from '../membership/member-network.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

export const membershipFalse: Scenario = {
  kind: 'scenario',
  name: 'membership-false',
  summary: 'hours of lost packets, and nobody gone: is anybody called offline?',
  options: {
    ...WEATHER_OPTIONS,
    loss: { help: 'share of packets lost', min: 0, max: 0.3, default: 0.1 },
    nodes: { help: 'nodes', min: 2, max: 1_000, whole: true, default: 20 },
    hours: { help: 'node-hours: nodes times virtual hours', min: 0.1, max: 10_000, default: 100 },
  },
  run: async (lab: Lab) => {
    const network = new MemberNetwork(lab, lab.option('nodes'))
    await network.grow(lab.option('nodes'))
    const from = lab.now()
    await lab.sleep((lab.option('hours') / lab.option('nodes')) * 3_600_000)
    lab.figure('false_offline', network.verdicts.length, { atMost: 0 })
    lab.figure('node_hours', ((lab.now() - from) / 3_600_000) * network.alive.length)
    lab.figure(
      'news',
      network.alive.reduce((sum, { membership }) => sum + membership.status().news, 0),
    )
    await network.close()
  },
}
