/**
 * `bench gossip`: peers on loopback in one process, each packet sealed, with sessions to their neighbours: from publishing until all have it.
 *
 * The bars are what js-libp2p's gossipsub once took for the same on the machine of the bars, by number of peers. Raw is as many datagrams by
 * sockets of Node alone, passed on in a fixed order in which none is lost: what cannot be avoided.
 */
import { systemRandom } from '@pc/transport'
import type { Bar, Benchmark } from '../benchmark.js'
import { GOSSIP_ENDPOINT, GossipPeer } from '../gossip-peer.js'
import type { Measure, Near } from '../side.js'
import { SpreadTimes } from '../spread-times.js'

/** Where `--nodes` does not say another number. */
const NODES = 100
const BYTES = 200
/** Before anything is measured rumors go round, until so many in a row made hardly any session: a few neighbours change all the time. */
const WARM_RUMORS = 8
const SELDOM = 0.05
const WARM_UP_PAUSE_MS = 250
const WARM_UP_LIMIT_MS = 60_000

/** Of gossipsub: to reach all, p50 and p99 in ms, and payloads of each peer. */
const GOSSIPSUB: readonly { readonly nodes: number; readonly p50: number; readonly p99: number }[] = [
  { nodes: 20, p50: 26, p99: 44 },
  { nodes: 50, p50: 90, p99: 159 },
  { nodes: 100, p50: 231, p99: 413 },
]
const GOSSIPSUB_PAYLOADS = 6

/** The bar of the least number that was measured and is not below that of this run. */
function barOf(read: (of: (typeof GOSSIPSUB)[number]) => number): (nodes: number) => Bar | undefined {
  return (nodes) => {
    const of = GOSSIPSUB.find((each) => nodes <= each.nodes)
    return of && { atMost: read(of) }
  }
}

export const gossip: Benchmark = {
  name: 'gossip',
  summary: 'peers on loopback that gossip: from publishing until all have it, sealed',
  placement: 'one process',
  builds: ['packages/gossip', 'packages/dispatch'],
  contestants: { ours: import.meta.url, raw: new URL('../raw/spread.ts', import.meta.url).href },
  settings: { endpoint: GOSSIP_ENDPOINT },
  connections: NODES,
  ms: 5_000,
  figures: [
    { name: 'reach_all_p50', unit: 'ms', text: 'until all have a rumor of 200 bytes', barAt: barOf(({ p50 }) => p50) },
    { name: 'reach_all_p99', unit: 'ms', text: 'the slowest of a hundred', tail: true, barAt: barOf(({ p99 }) => p99) },
    { name: 'payloads_per_peer', unit: 'cost', text: 'rumors sent for each peer', bar: { atMost: GOSSIPSUB_PAYLOADS } },
    { name: 'reach', unit: 'count', text: 'share of peers that got it', bar: { atLeast: 1 } },
  ],
}

export const near: Near = async ({ connections: count }) => {
  const peers = await GossipPeer.startAll(count)
  const times = new SpreadTimes(count)
  for (const [index, peer] of peers.entries()) void listen(index, peer)

  async function listen(index: number, { gossip }: GossipPeer): Promise<void> {
    for await (const { body } of gossip.subscribe()) times.came(index, body)
  }

  const payloads = (): number =>
    peers.reduce((sum, { gossip }) => {
      const { pushed, given } = gossip.status()
      return sum + pushed + given
    }, 0)
  let turn = 0
  const publish = (body: Uint8Array): number => {
    const origin = turn++ % count
    peers[origin]?.gossip.publish('bench', body)
    return origin
  }
  const sessions = (): number => peers.reduce((sum, peer) => sum + peer.sessions, 0)
  const started = performance.now()
  for (let warm = 0; warm < WARM_RUMORS && performance.now() - started < WARM_UP_LIMIT_MS; ) {
    const before = sessions()
    publish(systemRandom.bytes(BYTES))
    await new Promise((resolve) => setTimeout(resolve, WARM_UP_PAUSE_MS))
    warm = sessions() - before <= SELDOM * count ? warm + 1 : 0
  }

  const spread: Measure = async ({ ms }) => {
    const before = payloads()
    const { rumors, ...figures } = await times.measure(ms, BYTES, publish)
    return { ...figures, payloads_per_peer: (payloads() - before) / (rumors * count) }
  }
  return {
    measures: { spread },
    async close() {
      await Promise.all(peers.map((peer) => peer.close()))
    },
  }
}
