/** A member with its own key sends far more than anybody may: do others pass on no more than the rate of one origin, and are the rest still heard? */
import { GossipState, readPacket } from '@pc/gossip'
import { GossipNetwork } from '../gossip/gossip-network.js'
import { type GossipNode, textOf } from '../gossip/gossip-node.js'
import { warmUp } from '../gossip/measure.js'
import { Spreading } from '../gossip/spreading.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const BYTES = 200
const TTL_MS = 6_000
const PAUSE_MS = 100
/** After the last rumor of others, for it to arrive. */
const SETTLE_MS = 3_000
/** Until what may come at once is used up. */
const BURST_MS = 4_000
const FORWARDED_BAR = 10
const RATIO_BAR = 2

export const gossipFlood: Scenario = {
  kind: 'scenario',
  name: 'gossip-flood',
  summary:
    'one member sends 10,000 rumors a second past its own limits: what do others pass on, and are others heard in time?',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes, with the one that floods', min: 3, max: 10_000, whole: true, default: 100 },
    rate: { help: 'rumors a second of the one that floods', min: 1, max: 100_000, whole: true, default: 10_000 },
    rumors: { help: 'rumors of others, before the flood and in it', min: 10, max: 10_000, whole: true, default: 150 },
  },
  run: async (lab: Lab) => {
    const forwards = new Forwards()
    const network = await GossipNetwork.start(lab, lab.option('nodes'), (index) => ({
      onSend: (bytes) => forwards.sent(index, bytes),
    }))
    await warmUp(lab, network)
    const [flooder, ...others] = network.random.shuffle(network.nodes) as [GossipNode, ...GossipNode[]]
    const calm = await others99(lab, network, others)

    const flood = new Flood(lab, flooder, others)
    forwards.watch(flooder)
    flood.start()
    await lab.sleep(BURST_MS)
    forwards.count(true)
    const from = lab.now()
    const loud = await others99(lab, network, others)
    const seconds = (lab.now() - from) / 1_000
    forwards.count(false)
    flood.stop()

    lab.check('it did flood', flood.sent >= lab.option('rate') * seconds, `it sent ${flood.sent}`)
    // Of the peer that passed on most.
    lab.figure('forwarded_per_s', forwards.most / seconds, { atMost: FORWARDED_BAR })
    lab.figure('forwarded_per_s_mean', forwards.all / others.length / seconds)
    lab.figure('calm_p99_ms', calm.p99)
    lab.figure('flood_p99_ms', loud.p99)
    lab.figure('others_p99_ratio', loud.p99 / calm.p99, { atMost: RATIO_BAR })
    lab.figure('reach', Math.min(calm.reach, loud.reach), { atLeast: 1 })
    lab.figure('delivered_twice', calm.twice + loud.twice, { atMost: 0 })
    await network.close()
  },
}

/** News of all but the one that floods. */
async function others99(
  lab: Lab,
  network: GossipNetwork,
  others: readonly GossipNode[],
): Promise<{ p99: number; reach: number; twice: number }> {
  const spreading = new Spreading(lab, network)
  for (let count = 0; count < lab.option('rumors'); count++) {
    spreading.publish(others[count % others.length] as GossipNode, network.random.bytes(BYTES), TTL_MS)
    await lab.sleep(PAUSE_MS)
  }
  await lab.sleep(SETTLE_MS)
  await spreading.close()
  return { p99: spreading.times().p99 ?? Number.NaN, reach: spreading.reach, twice: spreading.twice }
}

/** What a member sends that takes the part of gossip which signs and packs, and none that keeps a limit. */
class Flood {
  sent = 0
  readonly #lab: Lab
  readonly #flooder: GossipNode
  readonly #targets: readonly GossipNode[]
  readonly #state: GossipState
  #running = false
  #owed = 0

  constructor(lab: Lab, flooder: GossipNode, targets: readonly GossipNode[]) {
    this.#lab = lab
    this.#flooder = flooder
    this.#targets = targets
    const random = lab.random.stream('flood')
    const { identity } = flooder
    // A run after the one under its own limits. All that it has to say it says to one peer: who really gets it is decided here.
    const boot = Math.floor(flooder.host.clock.unixNow()) + 1
    const limits = { originPerSecond: lab.option('rate'), fanOut: 1, smallNetwork: 0 }
    this.#state = new GossipState({ identity, boot, random: () => random.float(), now: lab.now(), ...limits })
    this.#state.handle({ type: 'peer-up', peer: (targets[0] as GossipNode).identity.id }, lab.now())
  }

  start(): void {
    this.#running = true
    this.#tick()
  }

  stop(): void {
    this.#running = false
  }

  #tick(): void {
    if (!this.#running) return
    for (this.#owed += this.#lab.option('rate') / 1_000; this.#owed >= 1; this.#owed -= 1) this.#send()
    this.#lab.clock.setTimeout(() => this.#tick(), 1)
  }

  #send(): void {
    const options = { ttlMs: TTL_MS, createdAt: 1 }
    const body = Buffer.from(`${this.sent} of many`)
    const effects = this.#state.handle({ type: 'publish', topic: 'flood', body, options }, this.#lab.now())
    for (const effect of effects) {
      if (effect.type !== 'send') continue
      void this.#flooder.sendRaw(this.#targets[this.sent % this.#targets.length] as GossipNode, effect.bytes)
      this.sent += 1
    }
  }
}

/** Rumors of one origin that others pass on, pushed or given: when each of them did so first. */
class Forwards {
  readonly #passed = new Map<number, Set<string>>()
  readonly #counts = new Map<number, number>()
  #flooder: GossipNode | undefined
  #counting = false

  get most(): number {
    return Math.max(0, ...this.#counts.values())
  }

  get all(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Notes from now on what is passed on, and counts it not yet. */
  watch(flooder: GossipNode): void {
    this.#flooder = flooder
  }

  count(counting: boolean): void {
    this.#counting = counting
  }

  sent(index: number, bytes: Uint8Array): void {
    if (this.#flooder === undefined || this.#flooder.index === index) return
    const packet = readPacket(bytes)
    if (packet.type !== 'rumor' || textOf(packet.rumor.origin) !== textOf(this.#flooder.identity.id.bytes)) return
    const passed = this.#passed.get(index) ?? new Set()
    this.#passed.set(index, passed)
    if (passed.has(packet.rumor.key)) return
    passed.add(packet.rumor.key)
    if (this.#counting) this.#counts.set(index, (this.#counts.get(index) ?? 0) + 1)
  }
}
