/** A bad network: packets get lost all the time. Slower is allowed; losing a message, or a peer for good, is not. */
import { delay } from '../../daemon-process.js'
import { TextFlow } from '../../demo/text-flow.js'
import { Ledger } from '../../ledger.js'
import { discoveryMs } from '../../scenes.js'
import type { Netlab } from '../netlab.js'
import type { Scenario } from '../scenario.js'
import { allSee, everybodyTalks, settle, waitSaying } from '../scenes.js'
import { StateWatch } from '../state-watch.js'

/** After the last text: a peer that was given up meanwhile must be back by then without the loss being ended. */
const SETTLE_LIMIT_MS = 15_000

export const loss: Scenario = {
  name: 'loss',
  summary:
    'three daemons while 10 % of unicast packets get lost: every message settled, none lost, nobody lastingly offline',
  options: {
    loss: { help: 'share of unicast packets lost on the way to each host', min: 0, max: 0.5, default: 0.1 },
    'multicast-loss': { help: 'the same for multicast', min: 0, max: 0.9, default: 0 },
    seconds: { help: 'how long texts flow', min: 1, max: 3_600, default: 30 },
  },
  tools: ['nft'],
  built: true,
  limitS: 3_900,
  run,
}

async function run(lab: Netlab): Promise<void> {
  const lan = lab.lan()
  const hosts = [lab.host('north', lan), lab.host('east', lan), lab.host('south', lan)]
  lan.loss(lab.number('loss'), { multicast: lab.number('multicast-loss') })
  const all = await lab.daemons(...hosts)
  const found = lab.figure('discovery_ms', await discoveryMs(all))
  lab.step(`three daemons found each other through the loss, the slowest pair in ${found.toFixed(0)} ms`)

  const ledger = new Ledger()
  const watch = new StateWatch(all)
  const pairs = all.flatMap((from) => all.filter((to) => to !== from).map((to) => [from, to] as const))
  const flow = new TextFlow(ledger, pairs)
  try {
    await waitSaying(lab, lab.number('seconds') * 1_000, 'texts flow through the loss')
  } finally {
    await flow.stop()
  }
  await everybodyTalks(ledger, all, 50)
  await allSee(all, all, 'online', SETTLE_LIMIT_MS)
  // One more turn of the watch, for what changed just now.
  await delay(100)
  watch.stop()
  lab.figure('offline_episodes', watch.count('offline'))
  lab.figure('checking_episodes', watch.count('checking'))
  const { lost, multicast_lost } = lan.dropped()
  lab.figure('packets_lost', lost + multicast_lost, lab.number('loss') > 0 ? { atLeast: 100 } : {})
  lab.step(`all are online at the end; the network lost ${lost + multicast_lost} packets`)
  settle(lab, ledger)
}
