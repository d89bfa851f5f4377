/** A network falls apart for a minute, and both halves go on talking: how soon after healing does everybody know everything? */
import { GossipNetwork } from '../gossip/gossip-network.js'
import type { GossipNode } from '../gossip/gossip-node.js'
import { warmUp } from '../gossip/measure.js'
import { Spreading } from '../gossip/spreading.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

/** Longer than the split and the healing. */
const TTL_MS = 300_000
const BYTES = 200
/** Membership calls others offline after so long (design: everybody within 16 s), and finds them again after healing within so long. */
const [OFFLINE_AFTER_MS, OFFLINE_BY_MS, ONLINE_BY_MS] = [4_000, 16_000, 10_000]
const HEAL_BAR_S = 35
/** Longer than the bar, so that a miss is measured too. */
const HEAL_LIMIT_MS = 240_000

export const gossipPartition: Scenario = {
  kind: 'scenario',
  name: 'gossip-partition',
  summary: 'two halves apart for a minute, with news on either side: how soon after healing do all know all of it?',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes', min: 2, max: 10_000, whole: true, default: 200 },
    rumors: { help: 'rumors of each side', min: 1, max: 10_000, whole: true, default: 100 },
    split: { help: 'how long it lasts, s', min: 1, max: 200, default: 60 },
    told: { help: '1: membership notices both, late; 0: never', min: 0, max: 1, whole: true, default: 1 },
  },
  run: async (lab: Lab) => {
    const network = await GossipNetwork.start(lab, lab.option('nodes'))
    const { random } = network
    await warmUp(lab, network)
    const shuffled = random.shuffle(network.nodes)
    const half = Math.floor(shuffled.length / 2)
    const [left, right] = [shuffled.slice(0, half), shuffled.slice(half)]
    const told = lab.option('told') === 1
    const pairs = (say: (node: GossipNode, other: GossipNode) => void): void => {
      for (const a of left) {
        for (const b of right) {
          say(a, b)
          say(b, a)
        }
      }
    }
    /** Each node hears of all others at a moment of its own. */
    const tell = (type: 'up' | 'down', fromMs: number, byMs: number): void =>
      pairs((node, other) => {
        const after = fromMs + random.float() * (byMs - fromMs)
        lab.clock.setTimeout(() => node.tell(type, other.identity.id), after)
      })

    lab.network.partition(
      left.map(({ host }) => host),
      right.map(({ host }) => host),
    )
    if (told) tell('down', OFFLINE_AFTER_MS, OFFLINE_BY_MS)
    const spreading = new Spreading(lab, network)
    const rumors = lab.option('rumors')
    const splitMs = lab.option('split') * 1_000
    for (let count = 0; count < rumors; count++) {
      for (const side of [left, right]) spreading.publish(random.pick(side), random.bytes(BYTES), TTL_MS)
      await lab.sleep(splitMs / rumors)
    }
    const inside = 2 * rumors * network.nodes.length - left.length * rumors - right.length * rumors
    lab.figure('lacking_before_share', spreading.lacking / inside)
    lab.network.heal()
    if (told) tell('up', 0, ONLINE_BY_MS)
    const healMs = await lab.until('all know all in the end', () => spreading.lacking === 0, HEAL_LIMIT_MS)
    lab.figure('heal_s', healMs / 1_000, { atMost: HEAL_BAR_S })
    lab.figure('reach', spreading.reach, { atLeast: 1 })
    lab.figure('delivered_twice', spreading.twice, { atMost: 0 })
    await spreading.close()
    await network.close()
  },
}
