/** A host with two interfaces in two networks: one peer to everybody, and one that survives the loss of either. */

import { delay } from '../../daemon-process.js'
import { Ledger } from '../../ledger.js'
import { discoveryMs } from '../../scenes.js'
import type { Netlab } from '../netlab.js'
import type { Scenario } from '../scenario.js'
import { allSee, answered, CROWD_DISCOVERY_LIMIT_MS, everybodyTalks, OFFLINE_LIMIT_MS, settle } from '../scenes.js'
import { StateWatch } from '../state-watch.js'

export const twoInterfaces: Scenario = {
  name: 'two-interfaces',
  summary:
    'a peer in two networks is one peer to all; who is in one only does not see the other; a lost network is no lost peer',
  options: {},
  tools: [],
  built: true,
  limitS: 120,
  brief: {},
  run,
}

async function run(lab: Netlab): Promise<void> {
  const [wired, wireless] = [lab.lan(), lab.lan()]
  const hosts = [
    lab.host('hub', wired, wireless),
    lab.host('twin', wired, wireless),
    lab.host('desk', wired),
    lab.host('phone', wireless),
  ] as const
  const [hub, twin] = [lab.daemon(hosts[0]), lab.daemon(hosts[1])]
  const [desk, phone] = [lab.daemon(hosts[2]), lab.daemon(hosts[3])]
  const all = [hub, twin, desk, phone]
  await Promise.all(all.map((daemon) => daemon.start()))
  const neighbours = [
    [hub, twin],
    [hub, desk],
    [hub, phone],
    [twin, desk],
    [twin, phone],
  ] as const
  const found = await Promise.all(neighbours.map((pair) => discoveryMs(pair)))
  lab.figure('discovery_ms', Math.max(...found), { atMost: CROWD_DISCOVERY_LIMIT_MS })
  lab.step(
    `hub and twin are in both networks, desk and phone in one each; found in ${Math.max(...found).toFixed(0)} ms`,
  )

  const ledger = new Ledger()
  await Promise.all(neighbours.map((pair) => everybodyTalks(ledger, pair, 50)))
  // Announcements by both interfaces go on; time enough for a second sight of the same peer.
  await delay(2_000)
  let duplicates = 0
  for (const daemon of all) {
    const names = (await daemon.peers()).map(({ name }) => name)
    duplicates += names.length - new Set(names).size
  }
  lab.figure('duplicates', duplicates, { atMost: 0 })
  const connections = hosts[0].connectionsWith(hosts[1])
  lab.figure('connections_hub_twin', connections, { atLeast: 1, atMost: 1 })
  const across = (await desk.peers()).concat(await phone.peers()).filter(({ name }) => ['desk', 'phone'].includes(name))
  lab.figure('seen_across', across.length, { atMost: 0 })
  lab.step(
    `${duplicates} duplicates, ${connections} connection between hub and twin; desk and phone, without a network in common, do not know each other`,
  )

  for (const lan of [wired, wireless]) {
    const watch = new StateWatch([hub])
    const downAt = performance.now()
    hosts[1].interfaceDown(lan.interfaceName)
    // Whichever network their connection runs through: it must carry a request again in time.
    await answered(hub, twin.name)
    const took = performance.now() - downAt
    await allSee([hub, twin], [hub, twin], 'online', OFFLINE_LIMIT_MS)
    watch.stop()
    lab.figure(`without_${lan.interfaceName}_ms`, took, { atMost: OFFLINE_LIMIT_MS })
    lab.figure(
      `false_offline_${lan.interfaceName}`,
      watch.count('offline', ({ peer }) => peer === 'twin'),
      { atMost: 0 },
    )
    hosts[1].interfaceUp(lan.interfaceName)
    lab.step(`twin lost ${lan.interfaceName}; hub reached it by the other after ${took.toFixed(0)} ms`)
    await allSee(all.slice(0, 2), all.slice(0, 2), 'online', OFFLINE_LIMIT_MS)
  }
  settle(lab, ledger)
}
