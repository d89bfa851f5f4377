/** Looks every second at what each peer holds, and writes down what exceeds its limit and each new height. */
import { lives } from './everybody.js'
import type { Lab } from './lab.js'

const EVERY_MS = 1_000
/** Keep-alive, measuring, checks and dials of one peer about another. */
const TIMERS_PER_PAIR = 12
/** Discovery, interface poll and the like of one peer. */
const TIMERS_PER_PEER = 20
/** The deadline of a call, its request's service on the other side, and packets on their way with retransmissions. */
const TIMERS_PER_CALL = 40
/** The laboratory's own, and packets of announcements. */
const TIMERS_BESIDES = 500

export async function watchLoads(lab: Lab, until: number): Promise<void> {
  const highest = new Map<string, number>()
  const book = (by: string, what: string, value: number, limit: number): void => {
    const key = `${by} ${what}`
    if (value <= limit && value <= (highest.get(key) ?? 0)) return
    highest.set(key, Math.max(value, highest.get(key) ?? 0))
    lab.recorder.load({ by, at: lab.now(), what, value, limit })
  }
  while (lab.now() < until) {
    await lab.sleep(EVERY_MS)
    let calls = 0
    for (const life of lives(lab)) {
      const { counters } = life.peer.status()
      const open = lab.recorder.open(life.key)
      calls += open.messages + open.requests
      book(life.key, 'unsettled messages', counters['messaging.unsettledMessages'] ?? 0, open.messages)
      // Gossip compares by requests of its own: now and then one, and one of whoever is asked and does not answer.
      const exchanging = counters['gossip.exchanging'] ?? 0
      book(life.key, 'exchanges', exchanging, lab.machines.length)
      book(life.key, 'pending requests', counters['messaging.pendingRequests'] ?? 0, open.requests + exchanging)
      book(life.key, 'sockets', life.open.sockets, 10)
      book(life.key, 'streams', life.open.streams, 8 * lab.machines.length)
    }
    const count = lab.machines.length
    const limit = TIMERS_PER_PAIR * count * count + TIMERS_PER_PEER * count + TIMERS_PER_CALL * calls + TIMERS_BESIDES
    book('everybody#all', 'timers', lab.clock.pending, limit)
  }
}
