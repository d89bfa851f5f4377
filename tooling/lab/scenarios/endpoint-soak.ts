/** A day of sparse requests between everybody: whatever sessions, timers and memory they took must be given back. */
import { openNetwork } from '@pc/identity'
import { collectGarbage } from '../../collect-garbage.js'
import { Door, ECHO } from '../door.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const REQUEST_MS = 1_000
/** A session lives an hour; a little more for what was renewed just before the end. */
const UNTIL_EXPIRED_MS = 2 * HOUR_MS
const MIB = 1_048_576

export const endpointSoak: Scenario = {
  kind: 'scenario',
  name: 'endpoint-soak',
  summary: 'sparse requests for a day: sessions, timers, pending replies and memory return to where they began',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'peers', min: 2, max: 200, whole: true, default: 50 },
    hours: { help: 'virtual hours', min: 1, max: 1_000, default: 24 },
  },
  run: async (lab: Lab) => {
    const network = openNetwork('lab')
    const doors = Array.from({ length: lab.option('nodes') }, (_, index) => {
      return new Door(lab, index, { name: `p${index + 1}`, network })
    })
    for (const door of doors) await door.start()
    const timersBefore = lab.clock.pending
    // An hour first, so that everything that is made once has been made.
    await everybodyAsks(lab, doors, 1)
    await lab.sleep(UNTIL_EXPIRED_MS)
    const heapBefore = collectGarbage()
    const asked = await everybodyAsks(lab, doors, lab.option('hours'))
    const busy = doors.reduce((sum, { endpoint }) => sum + endpoint.size.sessions, 0)
    await lab.sleep(UNTIL_EXPIRED_MS)
    const heapAfter = collectGarbage()

    const left = doors.map(({ endpoint }) => endpoint.size)
    const sum = (pick: (size: (typeof left)[number]) => number): number => left.reduce((all, one) => all + pick(one), 0)
    lab.figure('requests', asked)
    lab.figure('sessions_at_the_end', busy)
    lab.figure('heap_growth_mb', Math.max(0, (heapAfter - heapBefore) / MIB), { atMost: 4 })
    lab.figure('timers_left', Math.max(0, lab.clock.pending - timersBefore), { atMost: 0 })
    lab.figure(
      'pending_left',
      sum(({ pending, handling }) => pending + handling),
      { atMost: 0 },
    )
    lab.figure(
      'sessions_left',
      sum(({ sessions, handshakes, pairs }) => sessions + handshakes + pairs),
      { atMost: 0 },
    )
    await Promise.all(doors.map((door) => door.close()))
  },
}

/** Each asks somebody once a minute, at a moment of its own. */
async function everybodyAsks(lab: Lab, doors: readonly Door[], hours: number): Promise<number> {
  const until = lab.now() + hours * HOUR_MS
  const random = lab.random.stream(`requests from ${Math.round(lab.now())}`)
  let asked = 0
  await Promise.all(
    doors.map(async (door) => {
      await lab.sleep(random.float() * MINUTE_MS)
      while (lab.now() < until) {
        const other = random.pick(doors.filter((one) => one !== door))
        asked += 1
        const answer = await door.endpoint
          .submit(other.place, ECHO, asked, { timeoutMs: REQUEST_MS })
          .catch((error: unknown) => error)
        lab.check(
          'a request is answered',
          typeof answer === 'number',
          () => `${door.name} asked ${other.name}: ${answer}`,
        )
        await lab.sleep(MINUTE_MS)
      }
    }),
  )
  return asked
}
