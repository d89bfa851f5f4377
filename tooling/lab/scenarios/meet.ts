/** Peers start at random times on one segment; how long until each pair is connected, from the later start on? */
import { pairs } from '../everybody.js'
import { quantile } from '../figures.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

/** Announcements come at growing distances; with much multicast loss the later ones are needed, the last of which comes after 32 s. */
const LIMIT_MS = 60_000

export const meet: Scenario = {
  kind: 'scenario',
  name: 'meet',
  summary: 'peers start at random times; all pairs must be connected, and soon',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'peers', min: 2, max: 500, whole: true, default: 20 },
    within: { help: 'they start within so many ms', min: 0, max: 600_000, default: 5_000 },
  },
  run: async (lab: Lab) => {
    const random = lab.random.stream('starts')
    const startedAt = new Map<string, number>()
    for (let node = 0; node < lab.option('nodes'); node++) {
      // What is looked for here is who meets whom; the directory, which has scenarios of its own, would take most of the time.
      const machine = lab.machine({ peer: { dht: false } })
      lab.clock.setTimeout(() => {
        startedAt.set(machine.name, lab.now())
        void machine.start()
      }, random.float() * lab.option('within'))
    }
    await lab.sleep(lab.option('within'))

    const upAt = new Map<string, number>()
    let read = 0
    const all = lab.machines.length * (lab.machines.length - 1)
    const everybody = (): boolean => {
      const { presence } = lab.recorder.history
      for (; read < presence.length; read++) {
        const event = presence[read]
        const key = `${event?.by} ${event?.about}`
        if (event !== undefined && !upAt.has(key)) upAt.set(key, event.at)
      }
      return upAt.size === all
    }
    await lab.until('all pairs meet', everybody, LIMIT_MS, () => `${upAt.size} of ${all}`)

    const times = pairs(lab).flatMap(([a, b]) => {
      const met = upAt.get(`${a.name}#1 ${b.name}`)
      return met === undefined ? [] : [met - Math.max(startedAt.get(a.name) ?? 0, startedAt.get(b.name) ?? 0)]
    })
    const calm = lab.network.conditions.multicastLoss === 0 && lab.network.conditions.loss === 0
    lab.figure('p50_ms', quantile(times, 0.5), calm ? { atMost: 120 } : {})
    lab.figure('p99_ms', quantile(times, 0.99), calm ? { atMost: 1_000 } : {})
    lab.figure('last_ms', quantile(times, 1))
  },
}
