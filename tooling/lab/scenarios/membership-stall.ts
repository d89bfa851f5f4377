/** Some machines stand still for seconds, again and again: how often do they call others offline that are well, and how often without local health? */
import type { Lab } from '../lab.js'
import { MemberNetwork } from '../membership/member-network.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const STALL_MS = 5_000
const EVERY_MS = 20_000
const SHARE = 0.2

export const membershipStall: Scenario = {
  kind: 'scenario',
  name: 'membership-stall',
  summary:
    'one machine in five stalls for 5 s every 20 s: wrong verdicts about the healthy, with and without local health',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes', min: 5, max: 1_000, whole: true, default: 50 },
    minutes: { help: 'virtual minutes of each run', min: 1, max: 1_440, default: 30 },
  },
  run: async (lab: Lab) => {
    const without = await wrongVerdicts(lab, false)
    const withHealth = await wrongVerdicts(lab, true)
    lab.figure('false_with', withHealth)
    lab.figure('false_without', without)
    lab.check('without local health there are wrong verdicts to compare with', without > 0)
    if (without > 0) lab.figure('false_ratio_with_lha', withHealth / without, { atMost: 1 / 50 })
  },
}

/** About machines that never stall. */
async function wrongVerdicts(lab: Lab, localHealth: boolean): Promise<number> {
  const network = new MemberNetwork(lab, lab.option('nodes'), { localHealth })
  await network.grow(lab.option('nodes'))
  const stalling = network.random.shuffle([...network.nodes]).slice(0, Math.round(SHARE * network.nodes.length))
  const until = lab.now() + 60_000 * lab.option('minutes')
  await Promise.all(
    stalling.map(async ({ host }) => {
      await lab.sleep(network.random.float() * EVERY_MS)
      while (lab.now() < until) {
        lab.network.pause(host)
        await lab.sleep(STALL_MS)
        lab.network.resume(host)
        await lab.sleep(EVERY_MS - STALL_MS)
      }
    }),
  )
  const names = new Set(stalling.map(({ id }) => id.toString()))
  const wrong = network.verdicts.filter(({ about }) => !names.has(about)).length
  await network.close()
  return wrong
}
