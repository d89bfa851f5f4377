/**
 * `bench kad`: a directory of 200 peers on loopback in one process, each packet sealed, with the sessions that bootstrapping left: what it takes
 * to get in, to find the nearest peers of a position, to get a value, and to get one after a part of the peers was killed.
 *
 * The bars are what the best of hyperdht, bittorrent-dht and js-libp2p once took for the same on another machine, unsealed. Raw is what cannot be
 * avoided: the key exchange of two peers.
 */
import { createIdentity, createKeyExchange, type KeyExchange, openNetwork, PeerId } from '@pc/identity'
import { contactOf, type Position, plainRecord, positionOf, RoutingTable } from '@pc/kademlia'
import { systemRandom } from '@pc/transport'
import type { Benchmark } from '../benchmark.js'
import { KAD_LIMITS, KadPeer } from '../kad-peer.js'
import { residentBytes } from '../resident.js'
import type { Measure, Near } from '../side.js'
import { percentile } from '../statistics.js'

/** Peers; `--connections` makes it another number. */
const PEERS = 200
/** Each peer gets in through one of these. */
const DOORS = 8
const VALUES = 200
const KILLED = 0.3
const TABLE = 5_000
/** Key exchanges that are measured. */
const PAIRS = 400

export const kad: Benchmark = {
  name: 'kad',
  summary: 'a directory of 200 peers on loopback: bootstrapping, lookups, values, and after a part was killed',
  placement: 'one process',
  builds: ['packages/kademlia', 'packages/dispatch'],
  contestants: { ours: import.meta.url },
  settings: { ...KAD_LIMITS },
  once: { ms: 5_000 },
  connections: PEERS,
  figures: [
    { name: 'bootstrap', unit: 'ms', text: 'for a peer to get in, own list entry included' },
    { name: 'handshakes_per_peer', unit: 'cost', text: 'key exchanges until all were in', bar: { atMost: 60 } },
    { name: 'handshake_pair', unit: 'us', text: 'a key exchange of strangers, what both sides compute' },
    {
      name: 'bootstrap_vs_handshakes',
      unit: 'cost',
      text: 'bootstrapping against its key exchanges alone',
      bar: { atMost: 1.5 },
    },
    { name: 'lookup_p50', unit: 'ms', text: 'the 20 nearest peers of a position', bar: { atMost: 3.8 } },
    { name: 'lookup_p99', unit: 'ms', text: 'the slowest of a hundred', tail: true, bar: { atMost: 10 } },
    { name: 'rpcs_mean', unit: 'cost', text: 'requests of a lookup' },
    { name: 'get_p50', unit: 'ms', text: 'a value by its key', bar: { atMost: 1.2 } },
    { name: 'get_p99', unit: 'ms', text: 'the slowest of a hundred', tail: true, bar: { atMost: 4.9 } },
    { name: 'after_kill_get_p50', unit: 'ms', text: 'a value after 30 % were killed', bar: { atMost: 7.7 } },
    { name: 'after_kill_get_p99', unit: 'ms', text: 'the slowest of a hundred', tail: true, bar: { atMost: 28 } },
    { name: 'mib_per_peer', unit: 'cost', text: 'resident memory', bar: { atMost: 0.25 } },
    { name: 'closest20', unit: 'us', text: 'the 20 nearest in a table of 5,000 contacts', bar: { atMost: 20 } },
  ],
}

export const near: Near = async ({ connections: count }) => {
  const ids = new Map<string, PeerId>()
  const before = residentBytes()
  const peers: KadPeer[] = []
  const killed = new Set<KadPeer>()
  const keys: Position[] = []

  const living = (): KadPeer[] => peers.filter((peer) => !killed.has(peer))
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(systemRandom.float() * items.length)] as Item

  const bootstrap: Measure = async ({ progress }) => {
    for (let index = 0; index < count; index++) peers.push(await KadPeer.start(ids))
    const started = performance.now()
    for (const [index, peer] of peers.entries()) {
      if (index === 0) continue
      await peer.kademlia.join([pick(peers.slice(0, Math.min(index, DOORS))).contact])
      if (index % 20 === 0) progress(`${index} of ${count} peers are in`)
    }
    const bootstrapMs = (performance.now() - started) / count
    // Two ends each.
    const handshakes = peers.reduce((sum, { sessions }) => sum + sessions, 0) / 2 / count
    const mibPerPeer = (residentBytes() - before) / 2 ** 20 / count
    const pairUs = handshakePair()
    return {
      bootstrap_ms: bootstrapMs,
      handshakes_per_peer: handshakes,
      handshake_pair_us: pairUs,
      bootstrap_vs_handshakes: (bootstrapMs * 1_000) / (handshakes * pairUs),
      mib_per_peer: mibPerPeer,
    }
  }

  const lookup: Measure = async ({ ms }) => {
    await lookups(ms / 5)
    const { times, requests } = await lookups(ms)
    return { lookup_p50_ms: percentile(times, 0.5), lookup_p99_ms: percentile(times, 0.99), rpcs_mean: requests }
  }

  async function lookups(ms: number): Promise<{ times: number[]; requests: number }> {
    const times: number[] = []
    let asked = 0
    for (const started = performance.now(); performance.now() - started < ms; ) {
      const from = performance.now()
      asked += (await pick(peers).kademlia.lookup(systemRandom.bytes(32))).asked
      times.push(performance.now() - from)
    }
    return { times, requests: asked / times.length }
  }

  async function gets(ms: number): Promise<number[]> {
    const times: number[] = []
    const askers = living()
    for (const started = performance.now(); performance.now() - started < ms; ) {
      const from = performance.now()
      await pick(askers).kademlia.get(pick(keys))
      times.push(performance.now() - from)
    }
    return times
  }

  const get: Measure = async ({ ms }) => {
    for (let n = 0; n < VALUES; n++) {
      const record = plainRecord(systemRandom.bytes(100))
      await pick(peers).kademlia.put(record, { keep: false })
      keys.push(record.key)
    }
    await gets(ms / 5)
    const times = await gets(ms)
    return { get_p50_ms: percentile(times, 0.5), get_p99_ms: percentile(times, 0.99) }
  }

  const afterKill: Measure = async ({ ms }) => {
    while (killed.size < KILLED * count) {
      const victim = pick(living())
      killed.add(victim)
      await victim.kill()
    }
    const times = await gets(ms)
    return { after_kill_get_p50_ms: percentile(times, 0.5), after_kill_get_p99_ms: percentile(times, 0.99) }
  }

  return {
    measures: {
      bootstrap,
      lookup,
      get,
      after_kill: afterKill,
      closest: async ({ ms }) => ({ closest20_us: closest(ms) }),
    },
    async close() {
      for (const peer of living()) await peer.kill()
    },
  }
}

/** Both sides of one key exchange, in this process, µs: of two who have not met, so that each has to look what the other's key is worth. */
function handshakePair(): number {
  const network = openNetwork('bench')
  const bytes = (length: number): Uint8Array => systemRandom.bytes(length)
  const side = (): { id: PeerId; exchange: KeyExchange } => {
    const identity = createIdentity()
    return { id: identity.id, exchange: createKeyExchange({ identity, network, random: bytes }) }
  }
  const pairs = Array.from({ length: PAIRS }, () => [side(), side()] as const)
  const meet = ([a, b]: (typeof pairs)[number]): void => {
    const begun = a.exchange.initiate(PeerId.fromBytes(b.id.bytes), new Uint8Array(40), 1)
    const received = begun && b.exchange.respond(begun.message, 1)
    const accepted = received?.accept(2)
    if (accepted === undefined || begun?.finish(accepted.message) === undefined) throw new Error('no key exchange')
  }
  for (const pair of pairs.slice(0, PAIRS / 4)) meet(pair)
  const measured = pairs.slice(PAIRS / 4)
  const started = performance.now()
  for (const pair of measured) meet(pair)
  return ((performance.now() - started) * 1_000) / measured.length
}

function closest(ms: number): number {
  const table = RoutingTable.create({
    own: systemRandom.bytes(32),
    now: 0,
    limits: { spread: 256, perAddress: TABLE, perAddressInBucket: TABLE },
  })
  for (let n = 0; table.size < TABLE; n++) {
    table.proved(contactOf(systemRandom.bytes(32), { host: `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`, port: 1 }), 0)
  }
  const targets = Array.from({ length: 1_000 }, () => positionOf(systemRandom.bytes(32)))
  const run = (until: number): number => {
    let count = 0
    const started = performance.now()
    while (performance.now() - started < until) {
      for (const target of targets) if (table.closest(target, 20).length !== 20) throw new Error('fewer than 20')
      count += targets.length
    }
    return ((performance.now() - started) * 1_000) / count
  }
  run(ms / 10)
  return run(ms / 5)
}
