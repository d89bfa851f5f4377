/** A part of all nodes crashes at one moment, without a word: do the others still find each other, and what was stored? */
import { type DhtRecord, plainRecord, signRecord } from '@pc/kademlia'
import { quantile } from '../figures.js'
import { KadNetwork } from '../kad/kad-network.js'
import { type MeasuredLookup, mean, measureLookup, share } from '../kad/lookups.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const JOIN_MS = 60_000
const SETTLE_MS = 30_000

export const kadCrash: Scenario = {
  kind: 'scenario',
  name: 'kad-crash',
  summary: 'nodes crash all at once: are the others found, in what time, and is what was stored still there?',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes', min: 10, max: 10_000, whole: true, default: 1_000 },
    crash: { help: 'share of them that crashes', min: 0, max: 0.9, default: 0.3 },
    values: { help: 'values stored before', min: 1, max: 100_000, whole: true, default: 1_000 },
    lookups: { help: 'lookups of nodes that live', min: 1, max: 100_000, whole: true, default: 1_000 },
  },
  run: async (lab: Lab) => {
    const network = new KadNetwork(lab, lab.option('nodes'))
    const { random } = network
    await network.grow(lab.option('nodes'), JOIN_MS)
    await lab.sleep(SETTLE_MS)
    const records: DhtRecord[] = []
    for (let count = 0; count < lab.option('values'); count++) {
      const { identity, kademlia } = random.pick(network.nodes)
      const value = random.bytes(random.integer(1, 400))
      const record =
        count % 2 === 0 ? plainRecord(value) : signRecord(identity, { salt: random.bytes(8), sequence: 1, value })
      await kademlia.put(record, { keep: false })
      records.push(record)
    }

    const doomed = Math.round(lab.option('crash') * network.nodes.length)
    for (const node of random.shuffle(network.nodes).slice(0, doomed)) node.crash()
    lab.note(`${doomed} nodes crash`)
    const alive = network.alive
    // Each asks once, so that nobody knows of the crash by an earlier lookup of its own, as long as there are nodes enough.
    const askers = random.shuffle(alive)
    const asker = (count: number) => askers[count % askers.length] ?? random.pick(alive)
    const lookups: MeasuredLookup[] = []
    for (let count = 0; count < lab.option('lookups'); count++) {
      const node = asker(count)
      const target = random.pick(alive.filter((each) => each !== node))
      lookups.push(await measureLookup(lab, network, node, target.contact.position))
    }
    let found = 0
    for (const [count, record] of records.entries()) {
      const same = await asker(count)
        .kademlia.get(record.key)
        .then(
          ({ bytes }) => Buffer.compare(bytes, record.bytes) === 0,
          () => false,
        )
      if (same) found += 1
    }
    const ms = lookups.map(({ ms }) => ms)
    const bar = (atMost: number): { atMost?: number } => (lab.option('crash') <= 0.3 ? { atMost } : {})
    // Nodes that were asked for are alive, and so the nearest of all to their own position.
    lab.figure(
      'target_found',
      share(lookups, ({ closest }) => closest),
      { atLeast: 1 },
    )
    lab.figure('p50_ms', quantile(ms, 0.5), bar(120))
    lab.figure('p99_ms', quantile(ms, 0.99), bar(300))
    lab.figure('values_found', found / records.length, { atLeast: 0.999 })
    lab.figure('recall20', mean(lookups.map(({ recall }) => recall)))
    lab.figure('rpcs_mean', mean(lookups.map(({ report }) => report.asked)))
    await network.close()
  },
}
