/** A firewall drops the datagrams of one machine, and lets its connections through: does it stay online, and is it said what is wrong? */
import type { Lab } from '../lab.js'
import { MemberNetwork } from '../membership/member-network.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const NOTICE_MS = 10_000

export const membershipUdpBlocked: Scenario = {
  kind: 'scenario',
  name: 'membership-udp-blocked',
  summary: 'datagrams of one machine are dropped, its connections stand: it stays online, and is said to be blocked',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'nodes', min: 3, max: 1_000, whole: true, default: 50 },
    minutes: { help: 'virtual minutes of it', min: 1, max: 1_440, default: 10 },
  },
  run: async (lab: Lab) => {
    const network = new MemberNetwork(lab, lab.option('nodes'))
    await network.grow(lab.option('nodes'))
    const blocked = network.random.pick(network.nodes)
    const linked = [...network.linkedTo(blocked)]
    const isSaid = (): boolean => linked.every(({ membership }) => membership.member(blocked.id)?.udpBlocked === true)
    blocked.udpBlocked = true
    const from = lab.now()
    const noticed = await lab.until('those with a connection say that datagrams are blocked', isSaid, NOTICE_MS)
    lab.figure('noticed_s', noticed / 1_000, { atMost: NOTICE_MS / 1_000 })
    await lab.sleep(60_000 * lab.option('minutes') - (lab.now() - from))
    lab.figure('false_offline', network.verdicts.length, { atMost: 0 })
    blocked.udpBlocked = false
    await lab.until(
      'and that they are not any more',
      () => linked.every(({ membership }) => membership.member(blocked.id)?.udpBlocked === false),
      2 * NOTICE_MS,
    )
    await network.close()
  },
}
