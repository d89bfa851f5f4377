/** What peers do to each other while faults happen: messages, requests and pings, alone and in bursts, some given up. */
import type { SeededRandom } from '@pc/testkit'
import type { Lab } from './lab.js'
import type { Life } from './life.js'
import type { Machine } from './machine.js'

export interface WorkloadPlan {
  /** Mean pause of one machine between two bursts, ms. */
  readonly everyMs: number
  /** Calls in the largest bursts. */
  readonly burst: number
  /** Share of calls that are given up by a signal. */
  readonly cancelled: number
  /** Mean time that a handler of requests takes, ms. */
  readonly workMs: number
}

const SIZES = [0, 10, 1_000, 20_000, 60_000]

export function drawWorkload(random: SeededRandom): WorkloadPlan {
  return {
    everyMs: random.pick([500, 2_000, 10_000]),
    burst: random.pick([1, 5, 40]),
    cancelled: random.pick([0, 0.05, 0.3]),
    workMs: random.pick([0.1, 5, 200]),
  }
}

/** Every machine works until `until` (virtual ms). What came of the calls is in the history. */
export async function work(lab: Lab, plan: WorkloadPlan, until: number): Promise<void> {
  await Promise.all(lab.machines.map((machine) => workOf(lab, machine, plan, until)))
}

async function workOf(lab: Lab, machine: Machine, plan: WorkloadPlan, until: number): Promise<void> {
  const random = lab.random.stream(`work of ${machine.name}`)
  for (;;) {
    await lab.sleep(random.exponential(plan.everyMs))
    if (lab.now() >= until) return
    const to = random.pick(lab.machines.filter((other) => other !== machine))
    const calls = random.chance(0.2) ? random.integer(1, plan.burst) : 1
    const life = machine.ready
    if (life === undefined) continue
    life.workMs = plan.workMs
    for (let call = 0; call < calls; call++) callOnce(life, to, plan, random)
  }
}

function callOnce(life: Life, to: Machine, plan: WorkloadPlan, random: SeededRandom): void {
  const cancel = random.chance(plan.cancelled) ? { cancelAfterMs: random.exponential(50) } : {}
  const bytes = random.pick(SIZES)
  switch (random.pick(['message', 'message', 'request', 'ping'] as const)) {
    case 'message':
      void life.send(to, { bytes, timeoutMs: random.pick([300, 5_000, 30_000]), ...cancel })
      break
    case 'request':
      void life.request(to, { bytes, timeoutMs: random.pick([50, 1_000, 10_000]), ...cancel })
      break
    case 'ping':
      void life.ping(to, { timeoutMs: random.pick([200, 1_000]), ...cancel })
      break
  }
}
