/** What the scenarios of gossip have in common: news of many origins, and the figures that they are held against. */
import type { Lab } from '../lab.js'
import type { OptionSpecs } from '../options.js'
import type { GossipNetwork } from './gossip-network.js'
import { Spreading } from './spreading.js'

/** Rumors before anything is measured: by them sessions with neighbours are made. */
const WARM_UP_RUMORS = 12
/** Between two rumors, of different origins. */
const PAUSE_MS = 100
/** Longer than anything is announced for (5.1 s). */
const SETTLE_MS = 7_000
const SMALL_BYTES = 200
const LARGE_BYTES = 8_192

export const GOSSIP_OPTIONS: OptionSpecs = {
  nodes: { help: 'nodes', min: 2, max: 10_000, whole: true, default: 1_000 },
  rumors: { help: 'rumors, each of another node as far as there are', min: 1, max: 10_000, whole: true, default: 100 },
}

/** What the issue asks for, by the loss up to which it holds: p99 and the last of all, ms. */
const BARS: readonly { readonly loss: number; readonly p99: number; readonly last: number }[] = [
  { loss: 0, p99: 60, last: 300 },
  { loss: 0.05, p99: 80, last: 500 },
  { loss: 0.2, p99: 200, last: 3_000 },
]
const CRASH_BAR = { crash: 0.3, last: 2_000 }
const PAYLOADS = { small: 3.2, large: 1.1 }

/** Lets news go round until neighbours have sessions. What the first of them took, which met nobody's, is printed: `cold_…`. */
export async function warmUp(lab: Lab, network: GossipNetwork): Promise<void> {
  const cold = new Spreading(lab, network)
  cold.publish(network.random.pick(network.nodes), network.random.bytes(SMALL_BYTES))
  await lab.sleep(SETTLE_MS)
  await cold.close()
  for (let count = 1; count < WARM_UP_RUMORS; count++) {
    network.random.pick(network.nodes).gossip.publish('warm-up', network.random.bytes(SMALL_BYTES))
    await lab.sleep(PAUSE_MS)
  }
  await lab.sleep(SETTLE_MS)
  const { p50, p99 } = cold.times()
  lab.figure('cold_p50_ms', p50)
  lab.figure('cold_p99_ms', p99)
}

export interface SpreadOptions {
  readonly bodies?: 'small' | 'large'
  /** Of the nodes: crashes at the moment of publishing. @default 0 */
  readonly crash?: number
  /** Called when half of the rumors are published. */
  readonly halfway?: () => void
}

/** Publishes `rumors` of as many origins with sessions that are there, and holds what comes of it against the bars. */
export async function measureSpread(lab: Lab, network: GossipNetwork, options: SpreadOptions = {}): Promise<void> {
  const { bodies = 'small', crash = 0, halfway } = options
  const { random } = network
  const loss = lab.has('loss') ? lab.option('loss') : 0
  const rumors = lab.option('rumors')
  const nodes = network.nodes.length
  const before = bodies === 'large' ? network.bodies : network.payloads
  const doomed = random.shuffle(network.nodes).slice(0, Math.floor(crash * nodes))
  const spreading = new Spreading(lab, network)
  for (const node of doomed) node.crash()
  const origins = random.shuffle(network.alive)
  for (let count = 0; count < rumors; count++) {
    const origin = origins[count % origins.length] ?? random.pick(network.alive)
    spreading.publish(origin, random.bytes(bodies === 'large' ? LARGE_BYTES : SMALL_BYTES))
    if (count === Math.floor(rumors / 2)) halfway?.()
    await lab.sleep(PAUSE_MS)
  }
  await lab.sleep(SETTLE_MS)
  const payloads = (bodies === 'large' ? network.bodies : network.payloads) - before
  const { p50, p99, last } = spreading.times()
  lab.figure('reach', spreading.reach, { atLeast: 1 })
  lab.figure('p50_ms', p50)
  const bar = crash > 0 || bodies === 'large' ? undefined : BARS.find((each) => loss <= each.loss)
  const lastBar = crash > 0 && crash <= CRASH_BAR.crash ? CRASH_BAR.last : bar?.last
  lab.figure('p99_ms', p99, bar === undefined ? {} : { atMost: bar.p99 })
  lab.figure('last_ms', last, lastBar === undefined ? {} : { atMost: lastBar })
  const isBarOnPayloads = loss === 0 && crash === 0
  lab.figure('payloads_per_peer', payloads / (rumors * nodes), isBarOnPayloads ? { atMost: PAYLOADS[bodies] } : {})
  lab.figure('delivered_twice', spreading.twice, { atMost: 0 })
  await spreading.close()
}
