/** A host loses its power: no goodbye of any kind, also not from its kernel. Who is left notices; switched on again it is the same peer. */
import { Ledger } from '../../ledger.js'
import { comeBack, discoveryMs } from '../../scenes.js'
import type { Netlab } from '../netlab.js'
import type { Scenario } from '../scenario.js'
import { allSee, CROWD_DISCOVERY_LIMIT_MS, everybodyTalks, OFFLINE_LIMIT_MS, settle } from '../scenes.js'

/** All at once: each that is sent later, to a peer known to be offline, waits for a dial to fail. */
const HOPELESS = 30

export const powerOff: Scenario = {
  name: 'power-off',
  summary: 'a host loses its power without a word, is noticed, and comes back with the same id',
  options: {
    texts: { help: 'texts in each direction before and after', min: 1, max: 100_000, whole: true, default: 100 },
  },
  tools: [],
  built: true,
  limitS: 120,
  brief: {},
  run,
}

async function run(lab: Netlab): Promise<void> {
  const texts = lab.number('texts')
  const lan = lab.lan()
  const hosts = [lab.host('north', lan), lab.host('east', lan), lab.host('south', lan)] as const
  const [north, east, south] = [lab.daemon(hosts[0]), lab.daemon(hosts[1]), lab.daemon(hosts[2])]
  const all = [north, east, south]
  await Promise.all(all.map((daemon) => daemon.start()))
  const found = lab.figure('discovery_ms', await discoveryMs(all), { atMost: CROWD_DISCOVERY_LIMIT_MS })
  const ledger = new Ledger()
  await everybodyTalks(ledger, all, texts)
  lab.step(`three daemons found each other in ${found.toFixed(0)} ms and talk`)

  const { id } = await south.status()
  const offAt = Date.now()
  hosts[2].powerOff()
  await south.kill()
  // Sent to a host that is off and not yet missed: each is refused in the end, or lost.
  const hopeless = Promise.all([ledger.sendMany(north, south, HOPELESS), ledger.sendMany(east, south, HOPELESS)])
  const noticed = (await allSee([north, east], [south], 'offline', 3 * OFFLINE_LIMIT_MS)) - offAt
  lab.figure('offline_noticed_ms', noticed, { atMost: OFFLINE_LIMIT_MS })
  lab.step(`south lost its power; the others noticed within ${noticed.toFixed(0)} ms`)
  await hopeless

  hosts[2].powerOn()
  const back = lab.figure('back_online_ms', await comeBack(south, [north, east]), { atMost: OFFLINE_LIMIT_MS })
  lab.check('same_id', (await south.status()).id === id)
  await everybodyTalks(ledger, all, texts)
  lab.step(`south came back with the same id after ${back.toFixed(0)} ms, and all talk with all`)
  settle(lab, ledger)
}
