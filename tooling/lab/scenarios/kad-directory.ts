/** The lists of peers: do they have everybody who lives, and soon nobody who is gone? */
import { KadNetwork } from '../kad/kad-network.js'
import type { KadNode } from '../kad/kad-node.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const JOIN_MS = 60_000
const SETTLE_MS = 30_000
const AFTER_LEAVE_MS = 60_000
const AFTER_CRASH_MS = 11 * 60_000

export const kadDirectory: Scenario = {
  kind: 'scenario',
  name: 'kad-directory',
  summary:
    'a listing of everybody: who is missing, and who is gone and still listed, after goodbyes and after crashes?',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes', min: 10, max: 10_000, whole: true, default: 2_000 },
    leave: {
      help: 'share of them that leaves, and then share of the rest that crashes',
      min: 0,
      max: 0.5,
      default: 0.2,
    },
    readers: { help: 'nodes that list everybody, each time', min: 1, max: 100, whole: true, default: 3 },
  },
  run: async (lab: Lab) => {
    const network = new KadNetwork(lab, lab.option('nodes'))
    const { random } = network
    await network.grow(lab.option('nodes'), JOIN_MS)
    await lab.sleep(SETTLE_MS)
    const atFirst = await listings(lab, network)
    lab.figure('live_listed', atFirst.live, { atLeast: 0.995 })

    const some = (): KadNode[] => {
      const { alive } = network
      return random.shuffle(alive).slice(0, Math.round(lab.option('leave') * alive.length))
    }
    // Within a minute, as machines are switched off in the evening.
    await Promise.all(
      some().map(async (node) => {
        await lab.sleep(random.float() * AFTER_LEAVE_MS)
        await node.kademlia.leave()
        await node.close()
      }),
    )
    await lab.sleep(AFTER_LEAVE_MS)
    const afterLeave = await listings(lab, network)
    lab.figure('dead_listed_after_leave', afterLeave.dead, { atMost: 0.01 })
    lab.figure('live_listed_after_leave', afterLeave.live, { atLeast: 0.995 })

    for (const node of some()) node.crash()
    await lab.sleep(AFTER_CRASH_MS)
    const afterCrash = await listings(lab, network)
    lab.figure('dead_listed_after_crash', afterCrash.dead, { atMost: 0.01 })
    lab.figure('live_listed_after_crash', afterCrash.live, { atLeast: 0.995 })
    await network.close()
  },
}

/** The worst of several readers: the share of those who live that it found, and the share of dead ones among what it found. */
async function listings(lab: Lab, network: KadNetwork): Promise<{ live: number; dead: number }> {
  const alive = new Set(network.alive.map(({ name }) => name))
  const worst = { live: 1, dead: 0 }
  for (let count = 0; count < lab.option('readers'); count++) {
    const listed = new Set<string>()
    for await (const page of network.random.pick(network.alive).kademlia.directory()) {
      for (const { name } of page) {
        lab.check('a listing has each peer once', !listed.has(name), name)
        listed.add(name)
      }
    }
    const dead = [...listed].filter((name) => !alive.has(name)).length
    worst.live = Math.min(worst.live, (listed.size - dead) / alive.size)
    worst.dead = Math.max(worst.dead, dead / listed.size)
  }
  return worst
}
