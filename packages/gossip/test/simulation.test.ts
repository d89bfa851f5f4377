import { describe, expect, it } from 'vitest'
import { type Delivery, TestNetwork, type TestNode } from './_util/network.js'

const BODY = Buffer.from('the printer is upstairs')
const RUMORS = 5

interface Result {
  readonly reach: number
  readonly twice: number
  readonly p99: number
  readonly last: number
  readonly payloadsPerPeer: number
}

/** Some nodes publish, one after the other; what came of it after `waitMs`. */
function spread(network: TestNetwork, origins: readonly TestNode[], body: Uint8Array = BODY, waitMs = 6_000): Result {
  const from = network.deliveries.length
  const payloads = network.sum(({ state }) => state.status().pushed + state.status().given)
  const startedAt: number[] = []
  for (const [index, origin] of origins.entries()) {
    startedAt.push(network.clock.now())
    network.publish(origin, Buffer.concat([body, Buffer.from([index])]))
    network.clock.advanceSync(100)
  }
  network.clock.advanceSync(waitMs)
  const delivered = network.deliveries.slice(from)
  const living = network.nodes.filter(({ alive }) => alive).length
  const times = delivered.map(({ at, message }) => at - (startedAt[message.body.at(-1) ?? 0] as number))
  times.sort((a, b) => a - b)
  return {
    reach: distinct(delivered) / (origins.length * (living - 1)),
    twice: delivered.length - distinct(delivered),
    p99: times[Math.floor(0.99 * times.length)] ?? Number.NaN,
    last: times.at(-1) ?? Number.NaN,
    payloadsPerPeer:
      (network.sum(({ state }) => state.status().pushed + state.status().given) - payloads) / (origins.length * living),
  }
}

function distinct(deliveries: readonly Delivery[]): number {
  return new Set(deliveries.map(({ node, message }) => `${node.index} ${Buffer.from(message.id).toString('hex')}`)).size
}

function hint(seed: string, result: unknown): string {
  return `seed ${seed}: ${JSON.stringify(result)}`
}

// A small network, in which the publisher sends to all; hardly too large for that; a large one.
describe.each([20, 40, 200])('%i peers', (nodes) => {
  it.each([
    { loss: 0, p99: 60, last: 300 },
    { loss: 0.05, p99: 80, last: 500 },
    { loss: 0.2, p99: 200, last: 3_000 },
  ])('all get everything once, at a loss of $loss', ({ loss, p99, last }) => {
    const seed = `loss ${nodes} ${loss}`
    const network = new TestNetwork({ seed, nodes, loss })
    const result = spread(network, network.random.shuffle(network.nodes).slice(0, RUMORS))
    expect(result.reach, hint(seed, result)).toBe(1)
    expect(result.twice, hint(seed, result)).toBe(0)
    expect(result.p99, hint(seed, result)).toBeLessThanOrEqual(p99)
    expect(result.last, hint(seed, result)).toBeLessThanOrEqual(last)
    // Without loss; with it, repair adds what was lost.
    if (loss === 0) expect(result.payloadsPerPeer, hint(seed, result)).toBeLessThanOrEqual(3.2)
  })

  it('all of the living get it when 30 % crash as it is published', () => {
    const seed = `crash ${nodes}`
    const network = new TestNetwork({ seed, nodes })
    const [origin, ...others] = network.random.shuffle(network.nodes)
    network.crash(others.slice(0, Math.floor(0.3 * nodes)))
    const result = spread(network, [origin as TestNode])
    expect(result.reach, hint(seed, result)).toBe(1)
    expect(result.last, hint(seed, result)).toBeLessThanOrEqual(2_000)
    expect(result.twice, hint(seed, result)).toBe(0)
  })
})

it('a large body comes to each peer once', () => {
  const seed = 'large'
  const network = new TestNetwork({ seed, nodes: 200 })
  const [origin] = network.nodes
  const result = spread(network, [origin as TestNode], new Uint8Array(5_000))
  expect(result.reach, hint(seed, result)).toBe(1)
  expect(result.twice, hint(seed, result)).toBe(0)
  expect(network.fetches / network.nodes.length, seed).toBeLessThanOrEqual(1.1)
})

it('after a partition of a minute everybody learns what both sides published, within 35 s', () => {
  const seed = 'partition'
  const [nodes, messages] = [20, 30]
  const network = new TestNetwork({ seed, nodes })
  network.split(({ index }) => index % 2)
  const [left, right] = network.nodes
  for (let message = 0; message < messages; message++) {
    for (const node of [left, right]) network.publish(node as TestNode, Buffer.from(`${message}`), 300_000)
    network.clock.advanceSync(60_000 / messages)
  }
  expect(distinct(network.deliveries), seed).toBe(2 * messages * (nodes / 2 - 1))
  network.split(() => 0)
  network.clock.advanceSync(35_000)
  expect(distinct(network.deliveries), seed).toBe(2 * messages * (nodes - 1))
  expect(network.deliveries.length, seed).toBe(2 * messages * (nodes - 1))
})

it('clocks that are off by an hour change nothing', () => {
  const results = [0, 1].map((on) => {
    const seed = 'clocks'
    const network = new TestNetwork({
      seed,
      nodes: 50,
      loss: 0.05,
      offsetMs: (index) => on * (index - 25) * 144_000 + on * 3_600_000,
    })
    return spread(network, network.nodes.slice(0, RUMORS))
  })
  expect(results[0]?.reach).toBe(1)
  expect(results[1]?.reach).toBe(1)
  expect(results[1]?.payloadsPerPeer).toBeCloseTo(results[0]?.payloadsPerPeer ?? 0, 0)
})

it('a search finds all who match, and nobody works on it after it was cancelled', () => {
  const seed = 'search'
  const answer = (node: TestNode) => (node.index % 10 === 0 ? Buffer.from('here') : undefined)
  const network = new TestNetwork({ seed, nodes: 200, loss: 0.01, answer })
  const asker = network.nodes[5] as TestNode
  const search = { type: 'search', topic: 'name', query: BODY, limit: 50 } as const
  const effects = network.feed(asker, { ...search, options: { ttlMs: 3_000, createdAt: 1 } })
  network.clock.advanceSync(300)
  expect(new Set(asker.hits.map(({ from }) => from.toString())).size, seed).toBe(20)
  expect(asker.hits.length, seed).toBe(20)
  const published = effects.find(({ type }) => type === 'published')
  if (published?.type !== 'published') throw new Error('the search was not published')
  network.feed(asker, { type: 'cancel', id: published.id })
  network.clock.advanceSync(500)
  expect(network.nodes.filter(({ state }) => state.status().queries > 0).length, seed).toBeLessThanOrEqual(10)
})

it('one that floods is forwarded at the rate of its origin, and others are heard', () => {
  const seed = 'flood'
  const network = new TestNetwork({ seed, nodes: 20 })
  const quiet = network.nodes[1] as TestNode
  const flooder = new TestNetwork({ seed: 'flooder', nodes: 1, limits: { originPerSecond: 20_000, fanOut: 16 } })
    .nodes[0]
  if (flooder === undefined) throw new Error('there is one node')
  const before = network.sum(({ state }) => state.status().delivered)
  for (let step = 0; step < 60; step++) {
    for (let each = 0; each < 2; each++) {
      const options = { ttlMs: 6_000, createdAt: 1 }
      flooder.state.handle({ type: 'peer-up', peer: quiet.identity.id }, step * 10)
      const input = { type: 'publish', topic: 'x', body: Buffer.from(`${step} ${each}`), options } as const
      for (const effect of flooder.state.handle(input, step * 10)) {
        if (effect.type !== 'send') continue
        for (const node of network.nodes.slice(0, 8)) {
          network.feed(node, { type: 'datagram', from: flooder.identity.id, bytes: effect.bytes })
        }
      }
    }
    network.clock.advanceSync(10)
  }
  const delivered = network.sum(({ state }) => state.status().delivered) - before
  // Of 120: 0.6 s at 10 a second, and 30 at once.
  expect(delivered / network.nodes.length, seed).toBeLessThanOrEqual(0.6 * 10 + 30 + 1)
  const result = spread(network, [quiet])
  expect(result.reach, hint(seed, result)).toBe(1)
})
