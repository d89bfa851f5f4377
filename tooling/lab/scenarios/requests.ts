/** Requests under loss, cuts, slow handlers and impatient callers: each settles by its deadline, and runs at most once. */
import { notOnline, pairs } from '../everybody.js'
import type { FaultPlan } from '../faults.js'
import { quantile } from '../figures.js'
import type { Lab } from '../lab.js'
import { watchLoads } from '../load-watch.js'
import type { Scenario } from '../scenario.js'
import { conditionsFrom, WEATHER_OPTIONS } from '../weather.js'

const MINUTE_MS = 60_000

export const requests: Scenario = {
  kind: 'scenario',
  name: 'requests',
  summary: 'requests under faults: every one settles by its deadline, and is executed at most once',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'peers', min: 2, max: 50, whole: true, default: 4 },
    minutes: { help: 'length', min: 0.1, max: 600, default: 2 },
    faults: { help: '1: with cuts, resets, pauses and crashes; 0: without', min: 0, max: 1, whole: true, default: 1 },
    every: { help: 'mean pause between two requests of a pair, ms', min: 1, max: 100_000, default: 200 },
  },
  run: async (lab: Lab) => {
    const random = lab.random.stream('requests')
    for (let node = 0; node < lab.option('nodes'); node++) await lab.peer({ peer: { dht: false } })
    await lab.until(
      'they meet',
      () => notOnline(lab).length === 0,
      60_000,
      () => notOnline(lab).join(', '),
    )

    const until = lab.now() + lab.option('minutes') * MINUTE_MS
    const calm = lab.option('faults') === 0
    const plan: FaultPlan = {
      conditions: conditionsFrom(lab.options),
      kinds: calm ? [] : ['partition', 'one-way partition', 'clog', 'reset', 'spike', 'pause', 'crash'],
      everyMs: 3_000,
      longestMs: 5_000,
    }
    const asks = pairs(lab).map(async ([a, b]) => {
      const own = random.stream(`${a.name} to ${b.name}`)
      while (lab.now() < until) {
        await lab.sleep(own.exponential(lab.option('every')))
        const life = a.ready
        if (life === undefined) continue
        // Half of the deadlines are of the order of the answer's time: many answers come just too late.
        life.workMs = calm ? 1 : 50
        const timeoutMs = calm ? 1_000 : own.pick([20, 60, 200, 1_000, 10_000])
        const cancel = !calm && own.chance(0.1) ? { cancelAfterMs: own.exponential(60) } : {}
        void life.request(b, { timeoutMs, bytes: own.pick([0, 100, 10_000]), ...cancel })
      }
    })
    await Promise.all([...asks, lab.faults.storm(plan, until), watchLoads(lab, until)])
    await lab.faults.heal()
    await lab.sleep(15_000)

    const { attempts, executions } = lab.recorder.history
    const took = attempts.flatMap(({ outcome, tookMs }) => (outcome === 'done' && tookMs !== undefined ? [tookMs] : []))
    const share = took.length / attempts.length
    // Without loss and faults there is no reason to fail any.
    const perfect = calm && lab.network.conditions.loss === 0
    lab.figure('requests', attempts.length, { combine: 'sum' })
    lab.figure('answered_share', share, perfect ? { atLeast: 1 } : {})
    lab.figure('executed_unanswered', executions.length - took.length, { combine: 'sum' })
    lab.figure('answer_p50_ms', quantile(took, 0.5))
    lab.figure('answer_p99_ms', quantile(took, 0.99))
  },
}
