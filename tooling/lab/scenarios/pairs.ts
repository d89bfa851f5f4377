/**
 * Two or three peers that dial each other at the same moment, again and again, while their connections are reset in the middle of
 * it (simultaneous open, RFC 9293 §3.5). In the end of each round there is one connection per pair, and no call was lost without a word.
 */
import { notOneConnection, notOnline, pairs } from '../everybody.js'
import type { Lab } from '../lab.js'
import type { Scenario } from '../scenario.js'
import { WEATHER_OPTIONS } from '../weather.js'

/** Losers of a simultaneous dial stay open for a few seconds; a check of membership takes 2 s, and a lost handshake segment 1 s. */
const ROUND_LIMIT_MS = 60_000

export const pairsScenario: Scenario = {
  kind: 'scenario',
  name: 'pairs',
  summary: 'very many simultaneous dials, drops and resets: one connection per pair in the end, no call lost silently',
  options: {
    ...WEATHER_OPTIONS,
    nodes: { help: 'peers', min: 2, max: 10, whole: true },
    rounds: { help: 'times that everything is cut and dialled anew', min: 1, max: 100_000, whole: true, default: 100 },
  },
  run: async (lab: Lab) => {
    const random = lab.random.stream('pairs')
    const nodes = lab.draw('nodes', (own) => own.integer(2, 3))
    for (let node = 0; node < nodes; node++) await lab.peer({ peer: { dht: false } })
    await lab.until(
      'they meet',
      () => notOnline(lab).length === 0,
      60_000,
      () => notOnline(lab).join(', '),
    )

    let slowest = 0
    for (let round = 0; round < lab.option('rounds'); round++) {
      const cuts = random.pick([1, 1, 2, 5])
      for (let cut = 0; cut < cuts; cut++) {
        for (const [a, b] of pairs(lab)) {
          if (a.name < b.name) lab.network.resetStreams(a.host, b.host)
        }
        // Everybody calls everybody at nearly the same moment: within one delay of the network, where dials cross.
        for (const [a, b] of pairs(lab)) {
          lab.clock.setTimeout(
            () => void a.ready?.request(b, { timeoutMs: 10_000 }),
            random.float() * random.pick([0, 0.5, 3, 300]),
          )
          lab.clock.setTimeout(
            () => void a.ready?.send(b, { timeoutMs: 10_000 }),
            random.float() * random.pick([0, 0.5, 3, 300]),
          )
        }
        await lab.sleep(random.exponential(random.pick([0.5, 3, 50])))
      }
      // The laboratory's last calls are made within 300 ms.
      await lab.sleep(300)
      const settled = (): boolean => notOneConnection(lab).length === 0 && notOnline(lab).length === 0
      const why = (): string => [...notOneConnection(lab), ...notOnline(lab)].join(', ')
      slowest = Math.max(
        slowest,
        await lab.until(`one connection per pair after each round`, settled, ROUND_LIMIT_MS, why),
      )
    }
    const { attempts } = lab.recorder.history
    await lab.until('no call is open', () => attempts.every(({ outcome }) => outcome !== 'pending'), 15_000)
    const done = attempts.filter(({ outcome }) => outcome === 'done').length
    lab.figure('rounds', lab.option('rounds'), { combine: 'sum' })
    lab.figure('calls', attempts.length, { combine: 'sum' })
    lab.figure('done_share', done / attempts.length)
    lab.figure('slowest_round_ms', slowest, { combine: 'max' })
  },
}
