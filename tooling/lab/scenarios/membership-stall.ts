/**
 * Some machines get next to no time for seconds, again and again: how often do they take others for gone that are well, and how often without
 * local health?
 *
 * Of each second of a stall the machine runs for a moment, as one does whose processor others use: it then asks, and what is answered waits until
 * its time is over. A machine that stands still altogether asks nobody meanwhile, and is wrong about nobody.
 */
import type { Lab } from '../lab.js'
import { MemberNetwork } from '../membership/member-network.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

/** Seconds of a stall, and what the machine gets of each, ms. */
const [STALL_SECONDS, MOMENT_MS] = [5, 20]
const EVERY_MS = 20_000
const SHARE = 0.2

export const membershipStall: Scenario = {
  kind: 'scenario',
  name: 'membership-stall',
  summary:
    'one machine in five gets next to no time for 5 s of every 20 s: wrong verdicts about the healthy, with and without local health',
  options: {
    ...WEATHER_OPTIONS,
    loss: { help: 'share of packets lost', min: 0, max: 0.3, default: 0.05 },
    nodes: { help: 'nodes', min: 5, max: 1_000, whole: true, default: 50 },
    minutes: { help: 'virtual minutes of each run', min: 1, max: 1_440, default: 10 },
  },
  run: async (lab: Lab) => {
    const without = await wrongVerdicts(lab, false)
    const withHealth = await wrongVerdicts(lab, true)
    lab.figure('false_with', withHealth.verdicts)
    lab.figure('false_without', without.verdicts)
    lab.figure('false_offline', withHealth.offline, { atMost: 0 })
    lab.figure('false_offline_without', without.offline)
    // Where nobody was wrong without it there is nothing to compare with, and it must not make things worse.
    if (without.verdicts === 0) lab.check('local health makes nobody wrong', withHealth.verdicts === 0)
    else lab.figure('false_ratio_with_lha', withHealth.verdicts / without.verdicts, { atMost: 1 / 50 })
  },
}

/**
 * About machines that never stall: that they are suspected, or offline. Checks of our own keep nearly every suspicion from becoming more, with
 * local health and without, so what it is good for shows in the suspicions.
 */
async function wrongVerdicts(lab: Lab, localHealth: boolean): Promise<{ verdicts: number; offline: number }> {
  const network = new MemberNetwork(lab, lab.option('nodes'), { localHealth })
  await network.grow(lab.option('nodes'))
  const stalling = network.random.shuffle([...network.nodes]).slice(0, Math.round(SHARE * network.nodes.length))
  for (const node of stalling) node.timersFirst = true
  const until = lab.now() + 60_000 * lab.option('minutes')
  await Promise.all(
    stalling.map(async ({ host }) => {
      await lab.sleep(network.random.float() * EVERY_MS)
      while (lab.now() < until) {
        for (let second = 0; second < STALL_SECONDS; second++) {
          lab.network.pause(host)
          await lab.sleep(1_000 - MOMENT_MS)
          lab.network.resume(host)
          await lab.sleep(MOMENT_MS)
        }
        await lab.sleep(EVERY_MS - 1_000 * STALL_SECONDS)
      }
    }),
  )
  const names = new Set(stalling.map(({ id }) => id.toString()))
  const offline = network.verdicts.filter(({ about }) => !names.has(about)).length
  const doubts = network.doubts.filter(({ about, reason }) => reason === 'suspected' && !names.has(about)).length
  await network.close()
  return { verdicts: offline + doubts, offline }
}
