import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type NetworkConditions, SeededRandom, SimulatedNetwork, VirtualClock } from '../src/index.js'
import { collect, connectedPair, office } from './_util/office.js'

const to = (host: { address: string }) => ({ host: host.address, port: 7 })

/** Sends datagrams of `bytes` at once, and returns when they arrived. */
async function burst(count: number, bytes: number, conditions: Partial<NetworkConditions>) {
  const all = await office({ jitterMs: 0, delayMs: 1, ...conditions })
  const times: number[] = []
  await all.ben.bind({ host: '0.0.0.0', port: 7 }, () => times.push(all.clock.now()))
  const socket = await all.anna.bind({ host: '0.0.0.0', port: 0 }, () => {})
  const send = async () => {
    for (let n = 0; n < count; n++) await socket.send(new Uint8Array(bytes), to(all.ben))
    await all.clock.advance(100_000)
  }
  return { ...all, socket, times, send }
}

describe('capacity', () => {
  it('spaces datagrams out, and drops those that the queue does not hold', async () => {
    const { times, send, network } = await burst(100, 1_000, { bandwidth: 1_000_000, queueBytes: 20_000 })
    await send()
    // 1 ms each to leave and to come in; 21 fit: one under way and 20 behind it.
    expect(times.length).toBeGreaterThanOrEqual(20)
    expect(times.length).toBeLessThanOrEqual(22)
    expect(network.datagrams.overflowed).toBe(100 - times.length)
    expect((times[10] ?? 0) - (times[0] ?? 0)).toBeCloseTo(10, 3)
  })

  it('makes streams wait, and loses nothing of them', async () => {
    const { clock, here, there } = await connectedPair({ bandwidth: 100_000, queueBytes: 10_000 })
    const received = collect(there.duplex)
    const from = clock.now()
    for (let n = 0; n < 20; n++) here.duplex.write(Buffer.alloc(10_000, n))
    await clock.runUntil(() => Buffer.concat(received).length === 200_000)
    expect(clock.now() - from).toBeGreaterThan(1_900)
    expect(clock.now() - from).toBeLessThan(2_300)
  })
})

describe('clogging', () => {
  it('holds back what is sent meanwhile, both ways, and nothing of others', async () => {
    const { clock, network, anna, ben, times, send } = await burst(3, 10, {})
    const third = network.host({ id: 'third', address: '10.0.0.3' })
    let other = 0
    await third.bind({ host: '0.0.0.0', port: 7 }, () => (other = clock.now()))
    const socket = await anna.bind({ host: '0.0.0.0', port: 0 }, () => {})
    network.clog(anna, ben, 500)
    await socket.send(Uint8Array.of(1), to(third))
    await send()
    expect(times.map(Math.round)).toEqual([501, 501, 501])
    expect(Math.round(other)).toBe(1)
  })

  it('comes by chance too', async () => {
    const { times, send } = await burst(200, 10, { clogging: 0.02, clogMs: 1_000 })
    await send()
    expect(times).toHaveLength(200)
    expect(times.at(-1)).toBeGreaterThan(10)
  })
})

it('conditions between two machines differ from the rest, one way', async () => {
  const { network, anna, ben, times, send, clock } = await burst(10, 10, {})
  let back = 0
  const atBen = await ben.bind({ host: '0.0.0.0', port: 8 }, () => {})
  await anna.bind({ host: '0.0.0.0', port: 7 }, () => back++)
  network.changeBetween(anna, ben, { loss: 1 }, { oneWay: true })
  network.change({ delayMs: 5 })
  await atBen.send(Uint8Array.of(1), to(anna))
  await send()
  expect([times.length, back]).toEqual([0, 1])
  network.changeBetween(anna, ben, { loss: 0 }, { oneWay: true })
  const from = clock.now()
  await send()
  expect(times.map((time) => Math.round(time - from))).toEqual(Array.from({ length: 10 }, () => 5))
})

it('multicast has a loss of its own', async () => {
  const { clock, network, anna, ben, socket, times } = await burst(0, 0, { multicastLoss: 1 })
  const member = await ben.bind({ host: '0.0.0.0', port: 9 }, () => times.push(0))
  member.joinGroup('239.1.1.1', ben.address)
  await socket.send(Uint8Array.of(1), { host: '239.1.1.1', port: 9 })
  await socket.send(Uint8Array.of(1), to(ben))
  await clock.advance(100)
  expect(times).toHaveLength(1)
  network.change({ multicastLoss: undefined })
  expect(network.conditions.multicastLoss).toBeUndefined()
  await socket.send(Uint8Array.of(1), { host: '239.1.1.1', port: 9 })
  await clock.advance(100)
  expect([times.length, anna.running]).toEqual([2, true])
})

it('resetStreams cuts what is open, at both ends, and nothing else', async () => {
  const { clock, network, anna, ben, here, there } = await connectedPair()
  network.resetStreams(ben, anna)
  await clock.advance(0)
  for (const { duplex } of [here, there]) expect(duplex.errored).toMatchObject({ code: 'ECONNRESET' })
  await clock.advance(1_000)
  expect(clock.pending).toBe(0)
})

it('a lost piece of a stream costs 200 ms, then 400 ms more', async () => {
  const { clock, network, here, there } = await connectedPair({ jitterMs: 0, delayMs: 1 })
  const times: number[] = []
  there.duplex.on('data', () => times.push(clock.now()))
  network.change({ loss: 0.5 })
  for (let n = 0; n < 60; n++) {
    const from = clock.now()
    here.duplex.write(Uint8Array.of(n))
    await clock.runUntil(() => times.length > n, { limitMs: 1e7 })
    times[n] = Math.round((times[n] ?? 0) - from)
  }
  expect(new Set(times)).toContain(1)
  expect(new Set(times)).toContain(201)
  expect(new Set(times)).toContain(601)
})

it('what is sent ends up delivered, lost, overflowed or unclaimed', async () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const conditions = fc.record({ loss: share, duplication: share, reordering: share, hostTimeMs: share })
  await fc.assert(
    fc.asyncProperty(fc.integer(), conditions, fc.nat(50), async (seed, weather, count) => {
      const { clock, network, anna, ben } = await office({ seed, ...weather, receiveBufferBytes: 4_000 })
      const open = await ben.bind({ host: '0.0.0.0', port: 7 }, () => {})
      const socket = await anna.bind({ host: '0.0.0.0', port: 0 }, () => {})
      for (let n = 0; n < count; n++) {
        await socket.send(Uint8Array.of(n), { host: n % 7 === 0 ? '10.0.0.99' : ben.address, port: 7 })
        if (n === 30) await open.close()
      }
      await clock.advance(100_000)
      const { sent, duplicated, delivered, lost, overflowed, unclaimed } = network.datagrams
      expect(sent).toBe(count)
      expect(sent + duplicated).toBe(delivered + lost + overflowed + unclaimed)
      expect(clock.pending).toBe(0)
    }),
    { numRuns: 40 },
  )
})

it('conditions are checked by name and range', async () => {
  const { network } = await office()
  const refuse = (changes: object) =>
    expect(() => network.change(changes)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  refuse({ lost: 0.1 })
  refuse({ bandwidth: -1 })
  refuse({ queueBytes: 0 })
  refuse({ loss: '0.1' })
  refuse({ maxDatagramBytes: 70_000 })
  expect(() => network.clog([], [], Number.NaN)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
})

it('runs synchronously for code that is synchronous', () => {
  const clock = new VirtualClock()
  const network = new SimulatedNetwork<string>({ clock, random: new SeededRandom(1) })
  const hosts = ['10.0.0.1', '10.0.0.2'].map((address) => network.host({ id: address, address }))
  let hops = 0
  for (const host of hosts) host.clock.setTimeout(() => hops++, 10)
  clock.advanceSync(20)
  expect([hops, clock.now(), clock.fired]).toEqual([2, 20, 2])
  clock.setTimeout(() => clock.advanceSync(1), 1)
  expect(() => clock.advanceSync(5)).toThrow(expect.objectContaining({ code: 'CLOCK_BUSY' }))
})
