/** One of three is cut off: everybody says so in time, and after healing all is as before, with nothing lost. */
import { TextFlow } from '../../demo/text-flow.js'
import { Ledger } from '../../ledger.js'
import { discoveryMs } from '../../scenes.js'
import type { Netlab } from '../netlab.js'
import type { Scenario } from '../scenario.js'
import {
  allSee,
  CROWD_DISCOVERY_LIMIT_MS,
  everybodyTalks,
  OFFLINE_LIMIT_MS,
  RECHECK_LIMIT_MS,
  settle,
  waitSaying,
} from '../scenes.js'
import { StateWatch } from '../state-watch.js'

export const partition: Scenario = {
  name: 'partition',
  summary: 'three daemons, one is cut off and comes back: seen in time, messages settled, none lost',
  options: {
    'one-way': { help: 'the one that is cut off still hears the others', flag: true },
    'cut-seconds': { help: 'how long the cut lasts after it was noticed', min: 0, max: 600, default: 10 },
  },
  tools: ['nft'],
  built: true,
  limitS: 780,
  brief: { 'cut-seconds': 0 },
  run,
}

async function run(lab: Netlab): Promise<void> {
  const lan = lab.lan()
  const hosts = [lab.host('north', lan), lab.host('east', lan), lab.host('south', lan)] as const
  const [north, east, south] = [lab.daemon(hosts[0]), lab.daemon(hosts[1]), lab.daemon(hosts[2])]
  const all = [north, east, south]
  await Promise.all(all.map((daemon) => daemon.start()))
  const found = lab.figure('discovery_ms', await discoveryMs(all), { atMost: CROWD_DISCOVERY_LIMIT_MS })
  lab.step(`three daemons found each other in ${found.toFixed(0)} ms`)

  const ledger = new Ledger()
  await everybodyTalks(ledger, all, 100)
  const watch = new StateWatch(all)
  const flow = new TextFlow(ledger, [
    [north, south],
    [south, east],
    [north, east],
  ])
  try {
    const cutAt = Date.now()
    lan.partition(hosts[2], [hosts[0], hosts[1]], { oneWay: lab.options['one-way'] === true })
    const rest = [north, east]
    const seen = await Promise.all([
      allSee(rest, [south], 'offline', 2 * OFFLINE_LIMIT_MS),
      allSee([south], rest, 'offline', 2 * OFFLINE_LIMIT_MS),
    ])
    const noticed = lab.figure('offline_noticed_ms', Math.max(...seen) - cutAt, { atMost: OFFLINE_LIMIT_MS })
    lab.step(`south was cut off while texts flowed; both sides say so after ${noticed.toFixed(0)} ms`)
    await waitSaying(lab, lab.number('cut-seconds') * 1_000, 'the cut goes on')

    const healedAt = Date.now()
    lan.heal()
    const back = (await allSee(all, all, 'online', 2 * RECHECK_LIMIT_MS)) - healedAt
    lab.figure('back_online_ms', back, { atMost: RECHECK_LIMIT_MS })
    lab.step(`healed; all see all again after ${back.toFixed(0)} ms`)
  } finally {
    await flow.stop()
    watch.stop()
  }
  const together = ({ observer, peer }: { observer: string; peer: string }): boolean =>
    ![observer, peer].includes('south')
  lab.figure('false_offline', watch.count('offline', together), { atMost: 0 })
  await everybodyTalks(ledger, all, 100)
  lab.step('north and east never doubted each other, and all talk with all')
  settle(lab, ledger)
}
