/**
 * The figures of lookups among 1,000 peers: round trips of 0.6 ms and exponentially distributed 1.4 ms on average, tables with 20
 * contacts a bucket, nothing known of how long answers take. The bounds leave room for other seeds.
 */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Contact, keyOf } from '../src/contact.js'
import type { Position } from '../src/position.js'
import { mean, nearest, type Outcome, percentile, SimulatedPeers } from './_util/simulated-peers.js'

const SEED = 'lookups'

const part = (outcomes: readonly Outcome[], of: keyof Outcome): number => mean(outcomes.map((one) => Number(one[of])))
const ms = (outcomes: readonly Outcome[], p: number): number =>
  percentile(
    outcomes.map((one) => one.ms),
    p,
  )

describe(`lookups among 1,000 peers (seed ${SEED})`, () => {
  let network: SimulatedPeers

  beforeAll(() => {
    network = new SimulatedPeers(1_000, SEED)
  })

  function restored(): SimulatedPeers {
    for (const peer of network.peers) Object.assign(peer, { alive: true, lie: undefined })
    return network
  }

  it('find exactly the 20 nearest, with 22 requests in 7 ms', () => {
    const outcomes = restored().lookups(300)
    expect(part(outcomes, 'exact')).toBe(1)
    expect(part(outcomes, 'requests')).toBeLessThan(22.5)
    expect(Math.max(...outcomes.map(({ requests }) => requests))).toBeLessThanOrEqual(30)
    expect(ms(outcomes, 0.5)).toBeLessThan(8)
    expect(ms(outcomes, 0.99)).toBeLessThan(15)
  })

  it('find the nearest when 5 % of all messages are lost', () => {
    const outcomes = restored().lookups(300, { loss: 0.05 })
    expect(part(outcomes, 'reached')).toBe(1)
    expect(part(outcomes, 'found')).toBeGreaterThanOrEqual(0.98)
    expect(part(outcomes, 'requests')).toBeLessThan(25)
    expect(ms(outcomes, 0.5)).toBeLessThan(40)
    expect(ms(outcomes, 0.99)).toBeLessThan(120)
  })

  it('find the nearest when 30 % of all contacts are gone', () => {
    for (const peer of restored().some(300)) peer.alive = false
    const outcomes = network.lookups(200)
    expect(part(outcomes, 'found')).toBe(1)
    expect(part(outcomes, 'requests')).toBeLessThan(34)
    expect(ms(outcomes, 0.5)).toBeLessThan(120)
    expect(ms(outcomes, 0.99)).toBeLessThan(300)
  })

  it('cost a third more requests over four paths, and no time', () => {
    const outcomes = restored().lookups(100, { options: { paths: 4 } })
    expect(part(outcomes, 'exact')).toBe(1)
    expect(part(outcomes, 'requests')).toBeLessThan(33)
    expect(ms(outcomes, 0.5)).toBeLessThan(8)
    expect(part(network.lookups(100, { options: { paths: 4, parallelism: 1 } }), 'requests')).toBeLessThan(25)
  })

  it('reach the nearest honest peer over four paths when 20 % of all answer with each other only', () => {
    const attackers = restored().some(200)
    for (const peer of attackers) peer.lie = (target) => nearest(attackers, target)
    expect(part(network.lookups(100, { options: { paths: 4 } }), 'reached')).toBeGreaterThanOrEqual(0.95)
    expect(part(network.lookups(100, { options: { paths: 8 } }), 'reached')).toBeGreaterThanOrEqual(0.99)
  })

  it('reach it even when those answer with 20 peers made up for that target, nearer than anybody else, which one path often does not', () => {
    const lie = (target: Position): Contact[] => {
      const contacts = madeUp(target)
      for (const contact of contacts) network.join(contact, () => contacts)
      return contacts
    }
    for (const peer of restored().some(200)) peer.lie = lie
    const reached = [1, 4, 8].map((paths) => part(network.lookups(200, { options: { paths } }), 'reached'))
    expect(reached[0]).toBeLessThan(0.9)
    expect(reached[1]).toBeGreaterThanOrEqual(0.95)
    expect(reached[2]).toBeGreaterThanOrEqual(0.99)
  })
})

/** Twenty hints nearer to a target than any of 1,000 peers. Who lies has as many hosts. */
function madeUp(target: Position): Contact[] {
  return Array.from({ length: 20 }, (_, index) => {
    const position = Uint8Array.from(target)
    position[5] = (position[5] ?? 0) ^ (index + 1)
    return { id: position, key: keyOf(position), address: { host: `10.200.0.${index}`, port: 3485 }, position }
  })
}
