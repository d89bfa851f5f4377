/** Two daemons on two hosts find each other by multicast alone, talk both ways, and one survives a kill with its identity. */
import { Ledger } from '../../ledger.js'
import { comeBack, discoveryMs, noticeDeath } from '../../scenes.js'
import type { Netlab } from '../netlab.js'
import type { Scenario } from '../scenario.js'
import { everybodyTalks, OFFLINE_LIMIT_MS, settle } from '../scenes.js'

export const twoHosts: Scenario = {
  name: 'two-hosts',
  summary: 'two daemons find each other, talk, and one survives a kill -9 with its identity',
  options: { texts: { help: 'texts in each direction', min: 1, max: 100_000, whole: true, default: 200 } },
  tools: [],
  built: true,
  limitS: 120,
  brief: {},
  run,
}

async function run(lab: Netlab): Promise<void> {
  const texts = lab.number('texts')
  const lan = lab.lan()
  const [eastHost, westHost] = [lab.host('east', lan), lab.host('west', lan)]
  const [east, west] = [lab.daemon(eastHost), lab.daemon(westHost)]
  const daemons = [east, west]
  await Promise.all(daemons.map((daemon) => daemon.start()))
  lab.step(`two hosts run: east ${eastHost.address()}, west ${westHost.address()}`)
  const found = lab.figure('discovery_ms', await discoveryMs(daemons), { atMost: 1_000 })
  lab.step(`they found each other by multicast in ${found.toFixed(0)} ms`)

  const ledger = new Ledger()
  await everybodyTalks(ledger, daemons, texts)
  await east.call('request', { peer: west.name, name: 'echo', payload: 'east' })
  await west.call('request', { peer: east.name, name: 'echo', payload: 'west' })
  lab.step(`${2 * texts} texts and a request each way`)

  const { id } = await west.status()
  const noticed = await noticeDeath(west, [east])
  lab.figure('offline_noticed_ms', noticed, { atMost: OFFLINE_LIMIT_MS })
  lab.step(`west was killed (-9); east noticed within ${noticed.toFixed(0)} ms`)
  const back = lab.figure('back_online_ms', await comeBack(west, [east]))
  lab.check('same_id', (await west.status()).id === id)
  await everybodyTalks(ledger, daemons, 20)
  lab.step(`west came back with the same id after ${back.toFixed(0)} ms, and they talked on`)
  settle(lab, ledger)
}
