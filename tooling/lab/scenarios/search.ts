/** Searches among many peers: are all who match found, how soon, and does everybody stop when the asker has had enough? */
import type { SearchHit } from '@pc/gossip'
import { GossipNetwork } from '../gossip/gossip-network.js'
import type { GossipNode } from '../gossip/gossip-node.js'
import { warmUp } from '../gossip/measure.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const ANSWER = Buffer.from('a color printer, upstairs')
const QUERY = Buffer.from('printer')
/** After so many ms all who match must have been found. */
const FOUND_BAR_MS = 300
/** So long after it was cancelled few may work on a search. */
const STILL_AFTER_MS = 500
const WORKING_BAR = 0.05
const BETWEEN_MS = 2_000

export const search: Scenario = {
  kind: 'scenario',
  name: 'search',
  summary:
    'searches that some of many peers match: are all found, how soon, and who still works after it was cancelled?',
  options: {
    ...WEATHER_OPTIONS,
    loss: { help: 'share of packets lost, also of streams', min: 0, max: 0.6, default: 0.01 },
    nodes: { help: 'nodes', min: 3, max: 10_000, whole: true, default: 500 },
    matches: { help: 'of them: answer', min: 1, max: 1_000, whole: true, default: 20 },
    searches: { help: 'searches, of different askers', min: 1, max: 1_000, whole: true, default: 10 },
  },
  run: async (lab: Lab) => {
    const nodes = lab.option('nodes')
    const matches = Math.min(lab.option('matches'), nodes - 1)
    const matching = new Set(
      lab.random
        .stream('matches')
        .shuffle([...Array(nodes).keys()])
        .slice(0, matches),
    )
    const network = await GossipNetwork.start(lab, nodes, (index) =>
      matching.has(index) ? { answer: () => ANSWER } : {},
    )
    await warmUp(lab, network)
    const askers = network.random.shuffle(network.nodes.filter(({ index }) => !matching.has(index)))
    let [found, last, working] = [Number.POSITIVE_INFINITY, 0, 0]
    for (let count = 0; count < lab.option('searches'); count++) {
      const asker = askers[count % askers.length] as GossipNode
      const result = await once(lab, network, asker)
      found = Math.min(found, result.found)
      last = Math.max(last, result.lastMs)
      working = Math.max(working, result.working)
      await lab.sleep(BETWEEN_MS)
    }
    // The worst of all searches.
    lab.figure('found', found, { atLeast: matches })
    lab.figure('last_match_ms', last, { atMost: FOUND_BAR_MS })
    lab.figure('working_after_cancel', working, { atMost: WORKING_BAR })
    await network.close()
  },
}

interface Found {
  readonly found: number
  readonly lastMs: number
  /** Share of the peers that work on it half a second after it was cancelled. */
  readonly working: number
}

/** Asks with a longer deadline than it takes, and breaks off: as a user who has seen enough. */
async function once(lab: Lab, network: GossipNetwork, asker: GossipNode): Promise<Found> {
  const from = lab.now()
  const abort = new AbortController()
  const hits: SearchHit[] = []
  let lastMs = 0
  const searching = (async () => {
    for await (const hit of asker.gossip.search(QUERY, { deadlineMs: 30_000, limit: 1_000, signal: abort.signal })) {
      hits.push(hit)
      lastMs = lab.now() - from
    }
  })().catch((error: unknown) => {
    if (!abort.signal.aborted) throw error
  })
  // As long as the slowest may take, and some more, so that a late one is told from one that is missing.
  await lab.sleep(3 * FOUND_BAR_MS)
  abort.abort()
  await searching
  await lab.sleep(STILL_AFTER_MS)
  const working = network.nodes.filter(({ gossip }) => gossip.status().queries > 0).length
  const found = new Set(hits.map(({ peer }) => peer.toString())).size
  lab.check('each who matches answers once', found === hits.length, `${hits.length} answers of ${found} peers`)
  return { found, lastMs, working: working / network.nodes.length }
}
