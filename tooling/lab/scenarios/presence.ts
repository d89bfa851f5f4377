/** Who is there: machines crash, lose power, sleep and are cut off, one after the other. Seen by all others in time, and no false word. */
import { notOnline } from '../everybody.js'
import type { Lab } from '../lab.js'
import type { Machine } from '../machine.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const MINUTE_MS = 60_000
/** An acceptor gives up 7.5 s after it last heard anything, then checks for 2 s (keep-alive of transport, membership). */
const SILENT_SEEN_MS = 10_000
/** Its process is gone: refused dials, with a pause for a restart between. */
const CRASH_SEEN_MS = 2_500
/** With loss, segments wait for retransmissions, and both may be late by some of them. */
const LOSS_ALLOWANCE_MS = 6_000
/** It announces itself when it starts. */
const BACK_MS = 3_000
/** Membership asks again 30 s after its verdict, ± 20 %, and then after 1 and 2 min. */
const FOUND_AGAIN_MS = 150_000

export const presence: Scenario = {
  kind: 'scenario',
  name: 'presence',
  summary: 'crash, power-off, sleep and partition: offline seen in time, back seen, no false verdict in calm weather',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'peers', min: 2, max: 100, whole: true, default: 6 },
    minutes: { help: 'calm time at the beginning, in which no verdict may change', min: 0, max: 6_000, default: 30 },
  },
  run: async (lab: Lab) => {
    const random = lab.random.stream('presence')
    for (let node = 0; node < lab.option('nodes'); node++) {
      await lab.peer({
        clock: { offsetMs: random.integer(-1e6, 1e6), driftPpm: random.integer(-200, 200) },
        peer: { dht: false },
      })
    }
    await everybodyOnline(lab, 60_000)
    await calm(lab)
    const allow = lab.network.conditions.loss > 0 ? LOSS_ALLOWANCE_MS : 0
    const victim = (): Machine => random.pick(lab.machines)

    const crashed = victim()
    crashed.crash()
    lab.figure('crash_seen_ms', await seenOffline(lab, crashed), { atMost: CRASH_SEEN_MS + allow })
    await crashed.start()
    lab.figure('restart_seen_ms', await everybodyOnline(lab, 60_000), { atMost: BACK_MS + allow })

    const dark = victim()
    dark.powerOff()
    lab.figure('power_off_seen_ms', await seenOffline(lab, dark), { atMost: SILENT_SEEN_MS + allow })
    await dark.start()
    lab.figure('power_on_seen_ms', await everybodyOnline(lab, 60_000), { atMost: BACK_MS + allow })

    const leaving = victim()
    const left = leaving.stop()
    lab.figure('leave_seen_ms', await seenOffline(lab, leaving), { atMost: 500 + allow })
    await left
    await leaving.start()
    await everybodyOnline(lab, 60_000)

    const sleeper = victim()
    sleeper.sleep()
    lab.figure('sleep_seen_ms', await seenOffline(lab, sleeper), { atMost: SILENT_SEEN_MS + allow })
    await lab.sleep(10 * MINUTE_MS)
    sleeper.wake()
    // M5 wants 3 s; what stands today is measured. A sleeper must not blame others for its own absence.
    lab.figure('wake_seen_ms', await everybodyOnline(lab, FOUND_AGAIN_MS))

    const alone = victim()
    lab.faults.partition([[alone], lab.machines.filter((machine) => machine !== alone)], MINUTE_MS)
    lab.figure('partition_seen_ms', await seenOffline(lab, alone), { atMost: SILENT_SEEN_MS + allow })
    await lab.sleep(MINUTE_MS)
    lab.figure('partition_healed_ms', await everybodyOnline(lab, FOUND_AGAIN_MS))
  },
}

/** Nothing happens, and nobody may say that anybody is gone. With loss, connections may be checked, but no verdict may be wrong. */
async function calm(lab: Lab): Promise<void> {
  const from = lab.recorder.history.presence.length
  await lab.sleep(lab.option('minutes') * MINUTE_MS)
  const said = lab.recorder.history.presence.slice(from)
  const offline = said.filter(({ kind }) => kind === 'offline')
  lab.figure('false_verdicts', offline.length, { atMost: 0, combine: 'sum' })
  lab.figure('checks', said.filter(({ kind }) => kind === 'checking').length, { combine: 'sum' })
  lab.figure('calm_node_hours', (lab.machines.length * lab.option('minutes')) / 60, { combine: 'sum' })
}

async function everybodyOnline(lab: Lab, limitMs: number): Promise<number> {
  return lab.until(
    'everybody is online for everybody',
    () => notOnline(lab).length === 0,
    limitMs,
    () => notOnline(lab).slice(0, 5).join(', '),
  )
}

/** Until everybody else says so. */
async function seenOffline(lab: Lab, gone: Machine): Promise<number> {
  const others = lab.machines.filter((machine) => machine !== gone)
  const seen = (): boolean => others.every(({ ready }) => ready?.stateOf(gone.id) === 'offline')
  return lab.until('everybody sees who is gone', seen, 60_000)
}
