import type { PeerId } from '@pc/identity'
import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { expect, test } from 'vitest'
import { introduce, type SimulatedPeer, simulatedPeer } from './_util/simulated-peer.js'

const PAIRS = 1_000
const REQUESTS = 20

interface Traffic {
  asked: number
  /** Requests in the order in which they came in, and replies likewise. */
  readonly requests: number[]
  readonly replies: number[]
  readonly errors: unknown[]
}

/** Sends requests, spread over the time in which both dials and what follows happen, and answers those of the other side. */
function talk(peer: SimulatedPeer, to: PeerId, clock: VirtualClock, random: SeededRandom, spreadMs: number): Traffic {
  const traffic: Traffic = { asked: 0, requests: [], replies: [], errors: [] }
  const fail = (error: unknown): void => {
    traffic.errors.push(error)
  }
  peer.connector.events.on('frame', (connection, { header, id, body }) => {
    if (header === 'test/request') {
      traffic.requests.push(body as number)
      connection.send('test/reply', id as number, body).catch(fail)
    } else {
      traffic.replies.push(body as number)
    }
  })
  const times = Array.from({ length: REQUESTS }, () => random.float() * spreadMs).sort((a, b) => a - b)
  const ask = async (): Promise<void> => {
    const connection = await peer.connector.control(to)
    const number = traffic.asked
    traffic.asked += 1
    await connection.send('test/request', connection.nextId(), number)
  }
  for (const time of times) clock.setTimeout(() => void ask().catch(fail), time)
  return traffic
}

interface Outcome {
  readonly bothDialled: boolean
  readonly problems: string[]
}

async function runPair(seed: number): Promise<Outcome> {
  const clock = new VirtualClock()
  const random = new SeededRandom(`simultaneous dials ${seed}`)
  const network = new SimulatedNetwork<PeerId>({
    clock,
    random,
    delayMs: random.float() * 20,
    jitterMs: random.float() * 20,
    loss: random.pick([0, 0, 0.02, 0.05]),
  })
  const a = await simulatedPeer({ clock, random: random.stream('a'), network, host: '10.0.0.1' })
  const b = await simulatedPeer({ clock, random: random.stream('b'), network, host: '10.0.0.2' })
  introduce(a, b)
  const spreadMs = random.float() * 400
  const talks = [
    talk(a, b.identity.id, clock, random.stream('from a'), spreadMs),
    talk(b, a.identity.id, clock, random.stream('from b'), spreadMs),
  ]
  await clock.advance(20_000)

  const problems: string[] = []
  const check = (fine: boolean, problem: string): void => {
    if (!fine) problems.push(problem)
  }
  const numbers = JSON.stringify(Array.from({ length: REQUESTS }, (_, index) => index))
  for (const [index, { requests, replies, errors }] of talks.entries()) {
    const name = 'ab'[index]
    check(errors.length === 0, `${name} had errors: ${errors.join('; ')}`)
    check(JSON.stringify(requests) === numbers, `${name} received the requests ${JSON.stringify(requests)}`)
    check(JSON.stringify(replies) === numbers, `${name} received the replies ${JSON.stringify(replies)}`)
  }
  for (const [name, peer] of Object.entries({ a, b })) {
    check(peer.streams.size === 1, `${name} has ${peer.streams.size} streams`)
    check(peer.connected.length === 1, `${name} saw ${peer.connected.length} × connected`)
    check(peer.disconnected.length === 0, `${name} saw disconnected: ${peer.disconnected[0]?.reason.code}`)
    check(
      peer.connector.current(peer === a ? b.identity.id : a.identity.id) === peer.connected[0],
      `${name}: another one`,
    )
  }
  const [ours, theirs] = [[...a.streams][0], [...b.streams][0]]
  check(ours?.localAddress.port === theirs?.remoteAddress.port, 'the two sides kept different streams')
  const closing = Promise.all([a.connector.close(), b.connector.close()])
  await clock.advance(5_000)
  await closing
  check(a.streams.size + b.streams.size === 0, 'streams are left after close')
  check(clock.pending === 0, `${clock.pending} timers are left after close`)
  return { bothDialled: a.hellos > 0 && b.hellos > 0, problems }
}

test(`${PAIRS} pairs that dial each other end with one connection each, and lose, double or swap nothing`, {
  timeout: 120_000,
}, async () => {
  let bothDialled = 0
  const failures: string[] = []
  for (let seed = 0; seed < PAIRS; seed += 1) {
    const { bothDialled: both, problems } = await runPair(seed)
    if (both) bothDialled += 1
    if (problems.length > 0) failures.push(`seed ${seed}: ${problems.join(', ')}`)
  }
  expect(failures.slice(0, 5)).toEqual([])
  // The test would prove little if one side usually came too late to dial, and to say HELLO.
  expect(bothDialled).toBeGreaterThan(PAIRS / 3)
})
