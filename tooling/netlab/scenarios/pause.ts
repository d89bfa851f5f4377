/** A daemon is stopped for longer than others wait for it, and goes on: they say so, it doubts itself first, and all is well again. */
import { delay } from '../../daemon-process.js'
import { Ledger } from '../../ledger.js'
import { discoveryMs } from '../../scenes.js'
import type { Netlab } from '../netlab.js'
import type { Scenario } from '../scenario.js'
import { allSee, CROWD_DISCOVERY_LIMIT_MS, everybodyTalks, OFFLINE_LIMIT_MS, settle, waitSaying } from '../scenes.js'
import { StateWatch } from '../state-watch.js'

/** All at once: each that is sent later, to a peer known to be offline, waits for a dial to fail. */
const HOPELESS = 30

export const pause: Scenario = {
  name: 'pause',
  summary: 'a daemon is stopped (SIGSTOP) for longer than the keep-alive allows, then goes on (SIGCONT)',
  options: { seconds: { help: 'how long it stays stopped after it was noticed', min: 0, max: 3_600, default: 5 } },
  tools: [],
  built: true,
  limitS: 3_720,
  run,
}

async function run(lab: Netlab): Promise<void> {
  const lan = lab.lan()
  const [north, east, south] = [
    lab.daemon(lab.host('north', lan)),
    lab.daemon(lab.host('east', lan)),
    lab.daemon(lab.host('south', lan)),
  ]
  const all = [north, east, south]
  await Promise.all(all.map((daemon) => daemon.start()))
  lab.figure('discovery_ms', await discoveryMs(all), { atMost: CROWD_DISCOVERY_LIMIT_MS })
  const ledger = new Ledger()
  await everybodyTalks(ledger, all, 50)
  lab.step('three daemons talk')

  const watch = new StateWatch(all)
  const stoppedAt = Date.now()
  south.pause()
  const hopeless = Promise.all([ledger.sendMany(north, south, HOPELESS), ledger.sendMany(east, south, HOPELESS)])
  const noticed = (await allSee([north, east], [south], 'offline', 3 * OFFLINE_LIMIT_MS)) - stoppedAt
  lab.figure('offline_noticed_ms', noticed, { atMost: OFFLINE_LIMIT_MS })
  lab.step(`south was stopped; the others noticed within ${noticed.toFixed(0)} ms`)
  await hopeless
  await waitSaying(lab, lab.number('seconds') * 1_000, 'south is stopped')

  const wentOnAt = Date.now()
  south.resume()
  const back = (await allSee([north, east], [south], 'online', 3 * OFFLINE_LIMIT_MS)) - wentOnAt
  await allSee([south], [north, east], 'online', 3 * OFFLINE_LIMIT_MS)
  lab.figure('back_online_ms', back, { atMost: OFFLINE_LIMIT_MS })
  // Two looks of the watch, for what changed just now.
  await delay(100)
  watch.stop()
  lab.figure(
    'false_offline',
    watch.count('offline', ({ peer }) => peer !== 'south'),
    { atMost: 0 },
  )
  await everybodyTalks(ledger, all, 50)
  lab.step(`south goes on, takes nobody for dead, and is back after ${back.toFixed(0)} ms`)
  settle(lab, ledger)
}
