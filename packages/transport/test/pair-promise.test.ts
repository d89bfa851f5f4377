/**
 * The promise of a control connection, held against streams that are cut at every moment of simultaneous dials: what was given to
 * it reaches one control connection of the other side, in order and without a hole, or both end.
 */
import type { PeerId } from '@pc/identity'
import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { expect, test } from 'vitest'
import type { ControlConnection } from '../src/control-connection.js'
import { introduce, type SimulatedPeer, simulatedPeer } from './_util/simulated-peer.js'

const RUNS = 600
/** Cuts happen within it, calls a little longer. */
const STORM_MS = 3_000
/** Keep-alive 7.5 s, a stream that is given up 10 s, a HELLO 5 s, and dials. */
const CALM_MS = 40_000

/** What one control connection was given. */
interface Given {
  readonly connection: ControlConnection
  /** In the order of the calls. */
  readonly numbers: number[]
  /** Of them, those whose `send` was rejected: they may have arrived, as far as the caller knows. */
  readonly rejected: Set<number>
  over: boolean
}

/** What one control connection of the other side handed on: the number of the sender's connection, and of the frame. */
type Got = [from: number, number: number][]

class Talker {
  readonly given: Given[] = []
  readonly got = new Map<ControlConnection, Got>()
  readonly #peer: SimulatedPeer
  readonly #to: PeerId
  failedDials = 0

  constructor(peer: SimulatedPeer, to: PeerId) {
    this.#peer = peer
    this.#to = to
    peer.connector.events.on('frame', (connection, { body }) => {
      const got = this.got.get(connection) ?? []
      got.push(body as [number, number])
      this.got.set(connection, got)
    })
  }

  async say(): Promise<void> {
    let connection: ControlConnection
    try {
      connection = await this.#peer.connector.control(this.#to)
    } catch {
      this.failedDials += 1
      return
    }
    let index = this.given.findIndex((one) => one.connection === connection)
    if (index < 0) {
      index = this.given.length
      const given: Given = { connection, numbers: [], rejected: new Set(), over: false }
      void connection.closed.then(() => {
        given.over = true
      })
      this.given.push(given)
    }
    const { numbers, rejected } = this.given[index] ?? expect.fail()
    const number = numbers.length
    numbers.push(number)
    connection.send('test/data', connection.nextId(), [index, number]).catch(() => rejected.add(number))
  }
}

/** Everything that breaks the promise. */
function brokenPromises(from: Talker, to: Talker): string[] {
  const problems: string[] = []
  const arrived = new Map<number, number[]>()
  for (const got of to.got.values()) {
    const senders = new Set(got.map(([index]) => index))
    if (senders.size > 1) problems.push(`one connection got what was given to ${senders.size}`)
    for (const index of senders) {
      if (arrived.has(index)) problems.push(`what was given to one connection came out of two`)
      arrived.set(
        index,
        got.filter(([one]) => one === index).map(([, number]) => number),
      )
    }
  }
  for (const [index, { numbers, rejected, over }] of from.given.entries()) {
    const got = arrived.get(index) ?? []
    const last = got.at(-1) ?? -1
    // Those that were rejected may be missing; nothing else may, up to the last that came.
    const due = numbers.filter((number) => got.includes(number) || !rejected.has(number))
    const expected = due.filter((number) => number <= last || !over)
    if (JSON.stringify(got) !== JSON.stringify(expected)) {
      problems.push(`${over ? 'before its end' : 'alive'}: given ${due.length}, arrived ${JSON.stringify(got)}`)
    }
  }
  return problems
}

interface Outcome {
  readonly problems: string[]
  readonly delivered: number
  readonly pairs: number
  /** Whether a stream was cut while there were two. */
  readonly cutOfTwo: boolean
}

async function run(seed: number): Promise<Outcome> {
  const clock = new VirtualClock()
  const random = new SeededRandom(`pair promise ${seed}`)
  const network = new SimulatedNetwork<PeerId>({
    clock,
    random,
    delayMs: random.pick([1, 5, 20]),
    jitterMs: random.pick([0, 5, 20]),
    loss: random.pick([0, 0, 0.03]),
  })
  const a = await simulatedPeer({ clock, random: random.stream('a'), network, host: '10.0.0.1' })
  const b = await simulatedPeer({ clock, random: random.stream('b'), network, host: '10.0.0.2' })
  introduce(a, b)
  const talkers = [new Talker(a, b.identity.id), new Talker(b, a.identity.id)] as const
  let cutOfTwo = false

  /** One side loses one stream; with `silently` the other side does not hear of it for a while. */
  const cut = (silently: boolean): void => {
    const [side, other] = random.pick([
      [a, b],
      [b, a],
    ] as const)
    if (side.streams.size === 0) return
    if (side.streams.size > 1) cutOfTwo = true
    if (silently) {
      network.partition(side.host, other.host)
      clock.setTimeout(() => network.heal(), random.float() * random.pick([20, 200, 2_000]))
    }
    random.pick([...side.streams]).duplex.destroy()
  }
  // A burst that makes both dial, and again after each cut.
  const burst = (from: number): void => {
    const spreadMs = random.pick([0, 5, 50, 300])
    for (const talker of talkers) {
      for (let count = 0; count < 6; count += 1) {
        clock.setTimeout(() => void talker.say(), from + random.float() * spreadMs)
      }
    }
  }
  burst(0)
  for (let count = random.integer(1, 8); count > 0; count -= 1) {
    const at = random.float() * random.pick([100, STORM_MS])
    const silently = random.chance(0.4)
    clock.setTimeout(() => cut(silently), at)
    burst(at + random.float() * 20)
  }
  await clock.advance(STORM_MS)
  network.heal()
  await clock.advance(CALM_MS)
  burst(0)
  await clock.advance(CALM_MS)

  const problems = [...brokenPromises(talkers[0], talkers[1]), ...brokenPromises(talkers[1], talkers[0])]
  const [here, there] = [a.connector.current(b.identity.id), b.connector.current(a.identity.id)]
  if (here === undefined || there === undefined) problems.push('not connected in the end')
  if (a.streams.size !== 1 || b.streams.size !== 1) problems.push(`${a.streams.size} and ${b.streams.size} streams`)
  const closing = Promise.all([a.connector.close(), b.connector.close()])
  await clock.advance(5_000)
  await closing
  if (clock.pending > 0) problems.push(`${clock.pending} timers are left`)
  const delivered = talkers.flatMap(({ got }) => [...got.values()]).reduce((sum, got) => sum + got.length, 0)
  return { problems, delivered, pairs: a.connected.length, cutOfTwo }
}

test('what is given to a control connection arrives in order and whole at one of the other side, or both end', {
  timeout: 180_000,
}, async () => {
  const failures: string[] = []
  let [delivered, pairs, cutsOfTwo] = [0, 0, 0]
  for (let seed = 0; seed < RUNS; seed += 1) {
    const outcome = await run(seed)
    delivered += outcome.delivered
    pairs += outcome.pairs
    if (outcome.cutOfTwo) cutsOfTwo += 1
    if (outcome.problems.length > 0) failures.push(`seed ${seed}: ${outcome.problems.join('; ')}`)
  }
  expect(failures.slice(0, 5), `${failures.length} of ${RUNS} runs`).toEqual([])
  // The test would prove little if pairs were rarely cut while they had two streams, or if little arrived.
  expect(cutsOfTwo).toBeGreaterThan(RUNS / 10)
  expect(pairs).toBeGreaterThan(2 * RUNS)
  expect(delivered).toBeGreaterThan(10 * RUNS)
})
