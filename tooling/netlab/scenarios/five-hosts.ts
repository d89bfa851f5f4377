/** Five hosts: news reach everybody, a host without power is missed, and after a cut each side learns what the other one said meanwhile. */
import { type DaemonProcess, delay } from '../../daemon-process.js'
import { broadcastReached, discoveryMs } from '../../scenes.js'
import type { Netlab } from '../netlab.js'
import { NewsWatch } from '../news-watch.js'
import type { Scenario } from '../scenario.js'
import { allSee, CROWD_DISCOVERY_LIMIT_MS, OFFLINE_LIMIT_MS, waitSaying } from '../scenes.js'

const TOPIC = 'five-hosts'
/** News that are told during the cut are news for longer than it lasts. */
const TTL_MS = 300_000
/** A daemon takes 10 a second, and 20 at once. */
const TOLD_AT_ONCE = 10
const LOOK_MS = 50
const [POWER_OFF_LIMIT_S, HEAL_LIMIT_S] = [16, 35]

export const fiveHosts: Scenario = {
  name: 'five-hosts',
  summary:
    'news reach five daemons, also those that were cut off when they were told; and a host without power is missed',
  options: {
    'cut-seconds': { help: 'how long two are cut off from the other three', min: 1, max: 240, default: 60 },
    messages: { help: 'news that each side tells meanwhile', min: 1, max: 500, whole: true, default: 100 },
  },
  tools: ['nft'],
  built: true,
  limitS: 480,
  run,
}

async function run(lab: Netlab): Promise<void> {
  const lan = lab.lan()
  const hosts = ['north', 'east', 'south', 'west', 'middle'].map((name) => lab.host(name, lan))
  const all = await lab.daemons(...hosts)
  const found = lab.figure('discovery_ms', await discoveryMs(all), { atMost: CROWD_DISCOVERY_LIMIT_MS })
  lab.step(`five daemons found each other in ${found.toFixed(0)} ms`)

  const [first, ...others] = all as [DaemonProcess, ...DaemonProcess[]]
  const { reached, ms } = await broadcastReached(first, others)
  lab.figure('broadcast_reached', reached, { atLeast: others.length })
  lab.step(
    `${first.name} told everybody a text; it reached ${reached} of ${others.length} others in ${ms.toFixed(1)} ms`,
  )

  const watches = all.map((daemon) => new NewsWatch(daemon, TOPIC))
  await Promise.all(watches.map((watch) => watch.started()))
  const [few, many] = [all.slice(0, 2), all.slice(2)]
  lan.partition(hosts.slice(0, 2), hosts.slice(2))
  const [away, here] = await Promise.all([
    allSee(few, many, 'offline', 2 * OFFLINE_LIMIT_MS),
    allSee(many, few, 'offline', 2 * OFFLINE_LIMIT_MS),
    waitSaying(lab, lab.number('cut-seconds') * 1_000, 'two are cut off'),
    tell(few, lab.number('messages')),
    tell(many, lab.number('messages')),
  ])
  lab.step(
    `both sides said so by ${new Date(Math.max(away, here)).toISOString()}, and told ${lab.number('messages')} news each`,
  )

  lan.heal()
  const healedAt = performance.now()
  const told = 2 * lab.number('messages')
  // Nobody is told its own.
  const missing = (): number => watches.reduce((sum, watch) => sum + told - watch.own - watch.heard, 0)
  while (missing() > 0 && performance.now() - healedAt < 2_000 * HEAL_LIMIT_S) await delay(LOOK_MS)
  const heal = lab.figure('heal_s', (performance.now() - healedAt) / 1_000, { atMost: HEAL_LIMIT_S })
  lab.figure('news_missing', missing(), { atMost: 0 })
  lab.figure(
    'news_twice',
    watches.reduce((sum, { twice }) => sum + twice, 0),
    { atMost: 0 },
  )
  lab.step(`healed; everybody knows what everybody said after ${heal.toFixed(1)} s`)
  await allSee(all, all, 'online', 2_000 * HEAL_LIMIT_S)
  await Promise.all(watches.map((watch) => watch.stop()))

  const offAt = Date.now()
  hosts.at(-1)?.powerOff()
  const victim = all.at(-1) as DaemonProcess
  await victim.kill()
  const seen = (await allSee(all.slice(0, -1), [victim], 'offline', 2_000 * POWER_OFF_LIMIT_S)) - offAt
  lab.figure('power_off_seen_s', seen / 1_000, { atMost: POWER_OFF_LIMIT_S })
  lab.step(`${victim.name} lost its power; everybody knew after ${(seen / 1_000).toFixed(1)} s`)

  /** Evenly by all of one side, no faster than they may. */
  async function tell(side: readonly DaemonProcess[], count: number): Promise<void> {
    for (let sent = 0; sent < count; ) {
      for (const daemon of side) {
        for (let n = 0; n < TOLD_AT_ONCE / 2 && sent < count; n++, sent++) {
          const { id } = (await daemon.call('broadcast', { topic: TOPIC, text: `news ${sent}`, ttlMs: TTL_MS })) as {
            id: string
          }
          watches[all.indexOf(daemon)]?.published(id)
        }
      }
      await delay(1_000)
    }
  }
}
