/** The shortest scenario: copy it to write your own, and add it to ../entries.ts. */
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

export const hello: Scenario = {
  kind: 'scenario',
  name: 'hello',
  summary: 'two peers find each other, say hello, and one of them loses power',
  options: {
    ...WEATHER_OPTIONS,
    messages: { help: 'messages to send', min: 1, max: 10_000, whole: true, default: 10 },
  },
  run: async (lab: Lab) => {
    const anna = await lab.peer({ name: 'anna' })
    const ben = await lab.peer({ name: 'ben' })
    const met = await lab.until('they meet', () => anna.life?.stateOf(ben.id) === 'online', 10_000)
    lab.figure('met_ms', met)

    // Nothing is sent twice, lost silently or out of order: the checkers see to that, here and in every scenario.
    const calls = Array.from({ length: lab.option('messages') }, () => anna.ready?.send(ben, { bytes: 100 }))
    const done = (await Promise.all(calls)).filter((call) => call?.outcome === 'done')
    lab.check('every message is acknowledged', done.length === calls.length, `${done.length} of ${calls.length}`)

    ben.powerOff()
    const seen = await lab.until('anna sees that ben is gone', () => anna.life?.stateOf(ben.id) === 'offline', 30_000)
    lab.figure('seen_ms', seen, { atMost: 12_000 })
  },
}
