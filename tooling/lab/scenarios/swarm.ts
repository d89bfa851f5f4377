/**
 * Swarm testing: each seed draws its own number of peers, weather, faults and work. Then everything heals, and
 * everybody must find and serve everybody again. The rules of ../checkers hold all the time.
 */
import { checkLiveness } from '../everybody.js'
import { drawFaults } from '../faults.js'
import type { Lab } from '../lab.js'
import { watchLoads } from '../load-watch.js'
import type { Scenario } from '../scenario.js'
import { conditionsFrom, optionsFrom, WEATHER_OPTIONS } from '../weather.js'
import { drawWorkload, work } from '../workload.js'

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

export const swarm: Scenario = {
  kind: 'scenario',
  name: 'swarm',
  summary: 'whole peers under faults that each seed draws for itself; then healing, and everybody must serve everybody',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'peers', min: 2, max: 100, whole: true },
    minutes: { help: 'length of the storm', min: 0, max: 1_000 },
  },
  run: async (lab: Lab) => {
    const nodes = lab.draw('nodes', (random) => random.integer(2, 12))
    const minutes = lab.draw('minutes', (random) => random.pick([0.5, 1, 2, 3]))
    const random = lab.random.stream('swarm')
    const drawn = drawFaults(random.stream('faults'))
    for (const [name, value] of Object.entries(optionsFrom(drawn.conditions))) lab.draw(name, () => value)
    const plan = { ...drawn, conditions: { ...drawn.conditions, ...conditionsFrom(lab.options) } }
    const load = drawWorkload(random.stream('work'))
    lab.note(`faults: ${JSON.stringify(plan)}`)
    lab.note(`work: ${JSON.stringify(load)}`)
    for (let node = 0; node < nodes; node++) {
      // No rule may depend on two wall clocks agreeing; quartz is off by up to some 100 ppm.
      const clock = { offsetMs: random.integer(-HOUR_MS, HOUR_MS), driftPpm: random.integer(-200, 200) }
      const machine = lab.machine({ clock })
      lab.clock.setTimeout(() => void machine.start(), random.float() * 5_000)
    }
    await lab.sleep(5_000)

    const until = lab.now() + minutes * MINUTE_MS
    await Promise.all([lab.faults.storm(plan, until), work(lab, load, until), watchLoads(lab, until)])
    await lab.faults.heal()
    lab.figure('heal_s', (await checkLiveness(lab)) / 1_000, { combine: 'max' })

    const { attempts, stored } = lab.recorder.history
    lab.figure('faults', lab.faults.made, { combine: 'sum' })
    lab.figure('calls', attempts.length, { combine: 'sum' })
    lab.figure('rejected', attempts.filter(({ outcome }) => typeof outcome === 'object').length, { combine: 'sum' })
    lab.figure('stored', stored.length, { combine: 'sum' })
  },
}
