/**
 * C1: very many pairs, each of which dials from both sides at the same moment (RFC 9293 §3.5), while both sides ask: each pair ends with
 * one connection, and every request is answered once.
 */
import type { Lab } from '../../lab.js'
import { introduce, Station } from '../../station.js'

/** Asked by each side, from the first moment of the dial on. */
const QUESTIONS = 10
/** When the first is asked, which dials, and over how long the others are spread: together, and over all that follows a collision. */
const DIAL_WITHIN_MS = [0, 0.5]
const SPREADS_MS = [0, 3, 30]
/** Where packets cross a dial may end before the other one has come so far; chance must not fail a run. */
const COLLIDE_SHARE = 0.25
const MANY = 50
/** For a request where packets are lost: dials are tried three times, and segments come again after 200, 400, 800 … ms. Else it has 1 s. */
const LOSSY_REQUEST_MS = 30_000
/** A connection that is given up may take 10 s to bring its last frame, and 2 s to close. */
const ONE_EACH_MS = 30_000
/** Keep-alive finds within 7.5 s that nobody is there, and a segment that was lost often comes within seconds. */
const KNOWN_GONE_MS = 15_000
/** What a request fails with when its pair does, and no connection came about: with packets lost both happen, and then it is asked again. */
const FAILED_WITH_PAIR: readonly unknown[] = ['CONNECTION_LOST', 'PEER_OFFLINE']
const PATIENCE_MS = 60_000
const AGAIN_AFTER_MS = 100

type PairOfStations = readonly [Station, Station]

export async function simultaneousDials(lab: Lab): Promise<void> {
  const count = lab.option('pairs')
  const pairs: PairOfStations[] = []
  for (let pair = 1; pair <= count; pair++) {
    const both = [
      await Station.start(lab, { name: `left ${pair}` }),
      await Station.start(lab, { name: `right ${pair}` }),
    ] as const
    introduce(...both)
    pairs.push(both)
  }
  const lossless = lab.network.conditions.loss === 0
  const questions = pairs.flatMap(([left, right]) => [...talk(lab, left, right), ...talk(lab, right, left)])
  const answered = await Promise.all(questions)
  if (!lossless) await clear(lab, pairs)
  const until = lab.now() + ONE_EACH_MS
  while (pairs.some((pair) => !hasOne(pair)) && lab.now() < until) await lab.sleep(5)

  const collided = pairs.filter((pair) => pair.every(({ acceptor }) => acceptor.counters.accepted > 0)).length
  lab.figure('c1_duplicates', pairs.filter((pair) => !hasOne(pair)).length, { atMost: 0, combine: 'sum' })
  lab.figure('c1_lost', answered.filter((one) => !one).length, { atMost: 0, combine: 'sum' })
  lab.figure('c1_collided_share', collided / count)
  const enough = !lossless || count < MANY || collided > count * COLLIDE_SHARE
  lab.check('many pairs have two connections at first', enough, `${collided} of ${count} did`)
  await Promise.all(pairs.flat().map((station) => station.close()))
}

/** All questions of one side to the other; each resolves with whether it was answered. */
function talk(lab: Lab, from: Station, to: Station): Promise<boolean>[] {
  const random = lab.random.stream(`questions of ${from.name}`)
  const dialMs = random.float() * random.pick(DIAL_WITHIN_MS)
  const spreadMs = random.pick(SPREADS_MS)
  return Array.from({ length: QUESTIONS }, async (_, index) => {
    await lab.sleep(index === 0 ? dialMs : dialMs + random.float() * spreadMs)
    return insist(lab, from, to)
  })
}

/** On a network that loses nothing the first answer counts. */
async function insist(lab: Lab, from: Station, to: Station): Promise<boolean> {
  const lossless = lab.network.conditions.loss === 0
  const until = lab.now() + PATIENCE_MS
  for (;;) {
    const { outcome, wrongAnswer } = await from.ask(to, lossless ? {} : { timeoutMs: LOSSY_REQUEST_MS })
    if (outcome === 'done') return wrongAnswer === undefined
    const failed = typeof outcome === 'object' && FAILED_WITH_PAIR.includes(outcome.rejected)
    if (lossless || !failed || lab.now() > until) return false
    await lab.sleep(AGAIN_AFTER_MS)
  }
}

/** Packets are lost no more. When connections that broke of it are known to be gone, their pairs get a reason for another one. */
async function clear(lab: Lab, pairs: readonly PairOfStations[]): Promise<void> {
  lab.network.change({ loss: 0 })
  await lab.sleep(KNOWN_GONE_MS)
  const apart = pairs.filter(([left, right]) => left.connector.current(right.id) === undefined)
  await Promise.all(apart.map(([left, right]) => left.ask(right)))
}

function hasOne([left, right]: PairOfStations): boolean {
  return connected(left, right) && connected(right, left)
}

function connected(one: Station, other: Station): boolean {
  return one.connector.current(other.id) !== undefined && one.open.with(other.id.toString()) === 1
}
