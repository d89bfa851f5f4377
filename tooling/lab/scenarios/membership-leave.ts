/** Peers say goodbye: how soon is that known to everybody? */
import { quantile } from '../figures.js'
import type { Lab } from '../lab.js'
import { MemberNetwork } from '../membership/member-network.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const BETWEEN_MS = 2_000
const WATCH_MS = 10_000

export const membershipLeave: Scenario = {
  kind: 'scenario',
  name: 'membership-leave',
  summary: 'peers say goodbye: how soon is that known to everybody?',
  options: {
    ...WEATHER_OPTIONS,
    loss: { help: 'share of packets lost', min: 0, max: 0.3, default: 0.05 },
    nodes: { help: 'nodes', min: 3, max: 2_000, whole: true, default: 1_000 },
    leavers: { help: 'peers that leave', min: 1, max: 100, whole: true, default: 10 },
  },
  run: async (lab: Lab) => {
    const network = new MemberNetwork(lab, lab.option('nodes'))
    await network.grow(lab.option('nodes'))
    const leavers = network.random
      .shuffle([...network.nodes])
      .slice(0, Math.min(lab.option('leavers'), lab.option('nodes') - 2))
    const left: { node: (typeof leavers)[number]; at: number }[] = []
    for (const node of leavers) {
      left.push({ node, at: lab.now() })
      await node.leave()
      await lab.sleep(BETWEEN_MS)
    }
    await lab.sleep(WATCH_MS)
    const times: number[] = []
    let missed = 0
    for (const { node, at } of left) {
      const verdicts = network.verdictsOn(node, at)
      for (const other of network.alive) {
        const seen = verdicts.get(other)
        if (seen === undefined) missed += 1
        else times.push(seen - at)
      }
    }
    const known = times.length / (times.length + missed)
    lab.figure('known_share', known, { atLeast: 0.99 })
    // Who never heard of it counts as the slowest.
    lab.figure('leave_p99_ms', quantile([...times, ...Array<number>(missed).fill(WATCH_MS)], 0.99), { atMost: 500 })
    lab.figure('leave_p50_ms', quantile(times, 0.5))
    // Of those that left nobody knows better who missed their goodbyes: they are gone.
    const gone = new Set(leavers.map(({ id }) => id.toString()))
    const wrong = network.verdicts.filter(({ about }) => !gone.has(about)).length
    lab.check('nobody who stays is called offline', wrong === 0, `${wrong} verdicts`)
    await network.close()
  },
}
