import { openNetwork } from '@pc/identity'
import { afterEach, describe, expect, it } from 'vitest'
import { type Member, Segment } from './_util/segment.js'

let segment: Segment
afterEach(async () => {
  await segment.close()
})

async function start(seed: number, count: number, loss = 0): Promise<Member[]> {
  segment = new Segment(seed, { loss })
  for (let index = 0; index < count; index++) await segment.add({ connect: true })
  return segment.members
}

const allConnected = (members: readonly Member[]) => (): boolean =>
  members.every(({ discovery }) => discovery.status().connected === members.length - 1)

describe.each([1, 2, 3])('on a simulated segment (seed %d)', (seed) => {
  it('two peers that start together find each other within 150 ms', async () => {
    const members = await start(seed, 2)
    await segment.clock.runUntil(allConnected(members), { limitMs: 150 })
  })

  it('a newcomer finds one that has long been passive within 150 ms', async () => {
    const members = await start(seed, 1)
    await segment.clock.advance(45_000)
    expect(members[0]?.discovery.status().state).toBe('passive')
    await segment.add({ connect: true })
    await segment.clock.runUntil(allConnected(members), { limitMs: 150 })
  })

  it('twenty peers that start together all find each other within 1 s', async () => {
    const members = await start(seed, 20)
    await segment.clock.runUntil(allConnected(members), { limitMs: 1_000 })
  })

  it('a newcomer finds nineteen others within 1.5 s', async () => {
    const members = await start(seed, 19)
    await segment.clock.advance(20_000)
    await segment.add({ connect: true })
    await segment.clock.runUntil(allConnected(members), { limitMs: 1_500 })
  })

  it('two peers find each other within 4 s though 30 % of all datagrams are lost', async () => {
    const members = await start(seed, 2, 0.3)
    await segment.clock.runUntil(allConnected(members), { limitMs: 4_000 })
  })

  it('both sides seldom dial at the same time', async () => {
    const members = await start(seed, 1)
    await segment.clock.advance(45_000)
    await segment.add({ connect: true })
    await segment.clock.advance(60_000)
    expect(members.map(({ hints }) => hints.map(({ hint }) => hint.source))).toEqual([[], ['answer']])
  })

  it('twenty connected peers stay below 10 multicasts a second, and go on announcing', async () => {
    const members = await start(seed, 20)
    await segment.clock.advance(40_000)
    const before = members.map(({ endpoint }) => endpoint.counters.sent)
    await segment.clock.advance(120_000)
    const announced = members.map(({ endpoint }, index) => endpoint.counters.sent - (before[index] ?? 0))
    for (const count of announced) {
      expect(count).toBeGreaterThanOrEqual(1)
      expect(count).toBeLessThanOrEqual(60)
    }
  })
})

describe('on a simulated segment', () => {
  it('peers of other networks neither hear nor answer each other', async () => {
    segment = new Segment(7)
    const one = await segment.add()
    const other = await segment.add({ network: openNetwork('another') })
    await segment.clock.advance(60_000)
    expect([one.hints, other.hints]).toEqual([[], []])
    expect(one.endpoint.counters.keyId).toBeGreaterThan(0)
    expect(one.discovery.status().lastHeardAt).toBeUndefined()
  })

  it('hints name a place, and who knows the id recognises it', async () => {
    segment = new Segment(8)
    const [one, other] = [await segment.add(), await segment.add()]
    await segment.clock.advance(1_000)
    const [first] = one.hints
    expect(first?.hint).toMatchObject({
      address: { host: other.address, port: 3_485 },
      bootId: other.bootId,
      interface: 'eth0',
    })
    expect(first && one.discovery.matches(first.hint, other.id)).toBe(true)
    expect(first && one.discovery.matches(first.hint, one.id)).toBe(false)
    expect(first && one.discovery.matches({ ...first.hint, epoch: (first.hint.epoch + 1) % 2 ** 32 }, other.id)).toBe(
      false,
    )
  })

  it('peers that were cut off find each other once the network heals', async () => {
    segment = new Segment(9)
    const members = [await segment.add({ connect: true }), await segment.add({ connect: true })]
    const [one, other] = segment.network.hosts
    if (one === undefined || other === undefined) throw new Error('two hosts were expected')
    segment.network.partition(one, other)
    await segment.clock.advance(60_000)
    expect(members.flatMap(({ hints }) => hints)).toEqual([])
    segment.network.heal()
    await segment.clock.runUntil(allConnected(members), { limitMs: 35_000 })
  })

  it('a peer that lost its last connection finds it again at once', async () => {
    segment = new Segment(10)
    const members = [await segment.add({ connect: true }), await segment.add({ connect: true })]
    await segment.clock.runUntil(allConnected(members))
    await segment.clock.advance(45_000)
    const [one, other] = members as [Member, Member]
    one.discovery.disconnected(other.bootId)
    other.discovery.disconnected(one.bootId)
    await segment.clock.runUntil(allConnected(members), { limitMs: 150 })
  })

  it('hints that lead nowhere become rare', async () => {
    segment = new Segment(11)
    const [one] = [await segment.add(), await segment.add()]
    await segment.clock.advance(600_000)
    const times = one.hints.map(({ at }) => at)
    expect(times.length).toBeGreaterThan(10)
    expect(times.length).toBeLessThan(45)
    for (const [index, at] of times.entries()) expect(at - (times[index - 1] ?? -1_000)).toBeGreaterThanOrEqual(999)
  })
})
