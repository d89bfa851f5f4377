/** A machine loses power, without a word: when do those with a connection to it know, and when does everybody? */
import { quantile } from '../figures.js'
import type { Lab } from '../lab.js'
import { MemberNetwork } from '../membership/member-network.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

/** Between two of one network, on average: what others see of one is not mixed up with the next. */
const BETWEEN_MS = 1_500
/** For which the last one is watched: more than the bar for everybody. */
const WATCH_MS = 20_000
/** Of each network at most this part. */
const PART = 0.1

export const membership: Scenario = {
  kind: 'scenario',
  name: 'membership',
  summary: 'machines lose power: when do those with a connection know, and when does everybody else?',
  options: {
    ...WEATHER_OPTIONS,
    loss: { help: 'share of packets lost', min: 0, max: 0.3, default: 0.05 },
    nodes: { help: 'nodes', min: 3, max: 2_000, whole: true, default: 100 },
    victims: {
      help: 'machines that lose power, of several networks if one is small',
      min: 1,
      max: 1_000,
      whole: true,
      default: 20,
    },
  },
  run: async (lab: Lab) => {
    const times = { interested: [] as number[], others: [] as number[], missed: 0 }
    let left = lab.option('victims')
    while (left > 0) {
      const victims = Math.min(left, Math.max(1, Math.floor(lab.option('nodes') * PART)))
      await playRound(lab, victims, times)
      left -= victims
    }
    const bar = (atMost: number): { atMost?: number } => (lab.option('loss') <= 0.05 ? { atMost } : {})
    lab.check('everybody sees who is gone', times.missed === 0, `${times.missed} did not`)
    lab.figure('detect_p50_s', quantile(times.interested, 0.5), bar(4.5))
    lab.figure('detect_p99_s', quantile(times.interested, 0.99), bar(9))
    lab.figure('detect_others_p50_s', quantile(times.others, 0.5))
    lab.figure('detect_others_p99_s', quantile(times.others, 0.99), bar(16))
    lab.figure('interested', times.interested.length)
    lab.figure('others', times.others.length)
  },
}

async function playRound(
  lab: Lab,
  victims: number,
  times: { interested: number[]; others: number[]; missed: number },
): Promise<void> {
  const network = new MemberNetwork(lab, lab.option('nodes'))
  await network.grow(lab.option('nodes'))
  const gone: { node: (typeof network.nodes)[number]; at: number }[] = []
  for (const node of network.random.shuffle([...network.nodes]).slice(0, victims)) {
    await lab.sleep(2 * BETWEEN_MS * network.random.float())
    gone.push({ node, at: lab.now() })
    node.powerOff()
  }
  await lab.sleep(WATCH_MS)
  for (const { node, at } of gone) {
    const verdicts = network.verdictsOn(node, at)
    const linked = network.linkedTo(node)
    for (const other of network.alive) {
      const seen = verdicts.get(other)
      if (seen === undefined) times.missed += 1
      else times[linked.has(other) ? 'interested' : 'others'].push((seen - at) / 1_000)
    }
  }
  const dead = new Set(gone.map((one) => one.node.id.toString()))
  const wrong = network.verdicts.filter(({ about }) => !dead.has(about))
  lab.check('nobody else is called offline', wrong.length === 0, `${wrong.length} verdicts`)
  await network.close()
}
