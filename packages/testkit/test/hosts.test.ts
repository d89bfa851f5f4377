import { describe, expect, it } from 'vitest'
import { SeededRandom, SimulatedNetwork, SimulatedStore, Trace, VirtualClock } from '../src/index.js'
import { collect, connectedPair, office, outcome } from './_util/office.js'

const at = (host: { address: string }, port = 7) => ({ host: host.address, port })

describe('the clocks of a host', () => {
  it('differ by offset and drift, and its timers follow its own clock', async () => {
    const clock = new VirtualClock({ unixStart: 1_000_000 })
    const network = new SimulatedNetwork<string>({ clock, random: new SeededRandom(1) })
    const host = network.host({ id: 'a', address: '10.0.0.1', clock: { offsetMs: -5_000, driftPpm: 10_000 } })
    let firedAt: number[] = []
    host.clock.setTimeout(() => (firedAt = [clock.now(), host.clock.now()]), 1_010)
    await clock.advance(10_000)
    expect(host.clock.now()).toBeCloseTo(10_100, 6)
    expect(host.clock.unixNow()).toBe(1_000_000 - 5_000 + 10_100)
    expect(firedAt[0]).toBeCloseTo(1_000, 3)
    expect(firedAt[1]).toBeGreaterThanOrEqual(1_010 - 1e-6)
    network.changeClock(host, { offsetMs: 3_600_000, driftPpm: 0 })
    expect(host.clock.unixNow()).toBe(1_000_000 + 10_000 + 3_600_000)
    expect(() => network.changeClock(host, { driftPpm: 20_000 })).toThrow(
      expect.objectContaining({ code: 'BAD_ARGUMENT' }),
    )
  })

  it('start at 0 with each life', async () => {
    const { clock, network, anna } = await office()
    await clock.advance(5_000)
    const again = network.restart(anna)
    expect([anna.clock.now(), again.clock.now()]).toEqual([5_000, 0])
    await clock.advance(10)
    expect(again.clock.now()).toBe(10)
  })

  it('sleep: the monotonic clock and timers stand still, the wall clock goes on, datagrams are lost', async () => {
    const { clock, network, anna, ben } = await office()
    let got = 0
    let fired = false
    await ben.bind({ host: '0.0.0.0', port: 7 }, () => got++)
    const socket = await anna.bind({ host: '0.0.0.0', port: 0 }, () => {})
    ben.clock.setTimeout(() => (fired = true), 1_000)
    const unix = ben.clock.unixNow()
    await clock.advance(400)
    network.sleep(ben)
    network.sleep(ben)
    await socket.send(Uint8Array.of(1), at(ben))
    await clock.advance(60_000)
    expect([ben.clock.now(), fired, got, network.datagrams.lost]).toEqual([400, false, 0, 1])
    expect(ben.clock.unixNow() - unix).toBe(60_400)
    network.wake(ben)
    await clock.advance(599)
    expect(fired).toBe(false)
    await clock.advance(1)
    expect(fired).toBe(true)
    expect(ben.clock.now()).toBe(1_000)
  })
})

describe('a host that takes time', () => {
  it('receives one datagram after another, and drops what its receive buffer does not hold', async () => {
    const { clock, network, anna, ben } = await office({ hostTimeMs: 10, jitterMs: 0, delayMs: 1 })
    const times: number[] = []
    await ben.bind({ host: '0.0.0.0', port: 7 }, () => times.push(clock.now()))
    const socket = await anna.bind({ host: '0.0.0.0', port: 0 }, () => {})
    for (let n = 0; n < 400; n++) await socket.send(new Uint8Array(232), at(ben))
    await clock.advance(100_000)
    // 212,992 bytes hold 212 datagrams of 232 + 768; the first one was taken at once.
    expect(times).toHaveLength(213)
    expect(network.datagrams).toMatchObject({ sent: 400, delivered: 213, overflowed: 187 })
    expect((times[9] ?? 0) - (times[0] ?? 0)).toBeCloseTo(90, 3)
  })

  it('spend() delays what it receives, its timers, and what it sends', async () => {
    const { clock, anna, ben } = await office({ jitterMs: 0, delayMs: 1 })
    const seen: [string, number][] = []
    const atAnna = await anna.bind({ host: '0.0.0.0', port: 7 }, () => seen.push(['anna', clock.now()]))
    const atBen = await ben.bind({ host: '0.0.0.0', port: 7 }, () => seen.push(['ben', clock.now()]))
    ben.clock.setTimeout(() => seen.push(['timer', clock.now()]), 5)
    ben.spend(50)
    await atAnna.send(Uint8Array.of(1), at(ben))
    await atBen.send(Uint8Array.of(1), at(anna))
    await clock.advance(100)
    expect(seen.map(([name, time]) => [name, Math.round(time)])).toEqual([
      ['ben', 50],
      ['timer', 50],
      ['anna', 51],
    ])
    expect(() => ben.spend(-1)).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  })

  it('pause: everything waits, and comes in its order when it goes on; streams fill their window', async () => {
    const { clock, network, anna, ben, here, there } = await connectedPair()
    const seen: string[] = []
    await ben.bind({ host: '0.0.0.0', port: 7 }, (bytes) => seen.push(`datagram ${bytes[0]}`))
    const socket = await anna.bind({ host: '0.0.0.0', port: 0 }, () => {})
    const received = collect(there.duplex)
    await clock.advance(1)
    network.pause(ben)
    network.pause(ben)
    ben.clock.setTimeout(() => seen.push('timer'), 100)
    await socket.send(Uint8Array.of(1), at(ben))
    let written = 0
    for (let n = 0; n < 20; n++) here.duplex.write(Buffer.alloc(16_384), () => written++)
    await clock.advance(10_000)
    expect([seen, received.length, ben.clock.now() > 10_000]).toEqual([[], 0, true])
    expect(written).toBeLessThanOrEqual(4)
    network.resume(ben)
    await clock.advance(1_000)
    expect(seen).toEqual(['datagram 1', 'timer'])
    expect([written, Buffer.concat(received).length]).toEqual([20, 20 * 16_384])
  })

  it('handshakes take host time on both sides', async () => {
    const { clock, anna, ben } = await office({ jitterMs: 0, delayMs: 1, handshakeHostMs: 10 })
    await outcome(clock, anna.connect({ host: ben.address, port: 3485 }))
    expect(clock.now()).toBeGreaterThanOrEqual(13.99)
  })
})

describe('machines and interfaces', () => {
  const interfaces = [
    { name: 'eth0', address: '10.0.0.9', segment: 'one' },
    { name: 'wlan0', address: '192.168.1.9', segment: 'two' },
    { name: 'wlan0', address: 'fe80::9', segment: 'two' },
  ]
  const build = () => {
    const clock = new VirtualClock()
    const network = new SimulatedNetwork<string>({ clock, random: new SeededRandom(1) })
    const both = network.host({ id: 'both', interfaces })
    const one = network.host({ id: 'one', interfaces: [{ address: '10.0.0.1', segment: 'one' }] })
    const two = network.host({
      id: 'two',
      interfaces: [
        { name: 'eth0', address: '192.168.1.2', segment: 'two' },
        { name: 'eth0', address: 'fe80::2', segment: 'two' },
      ],
    })
    return { clock, network, both, one, two }
  }

  it('are listed as the system lists them', () => {
    const { both } = build()
    expect(both.addresses).toEqual(['10.0.0.9', '192.168.1.9', 'fe80::9'])
    expect(both.interfaces()).toMatchObject({
      eth0: [{ address: '10.0.0.9', family: 'IPv4', netmask: '255.255.255.0', internal: false, cidr: '10.0.0.9/24' }],
      wlan0: [{ cidr: '192.168.1.9/24' }, { family: 'IPv6', cidr: 'fe80::9/64', scopeid: 3 }],
      lo: [{ address: '127.0.0.1', internal: true, cidr: '127.0.0.1/8' }, { address: '::1' }],
    })
  })

  it('multicast stays in its segment, unicast passes between them, each from the address of the way it takes', async () => {
    const { clock, both, one, two } = build()
    const got: string[] = []
    for (const host of [both, one, two]) {
      const socket = await host.bind({ host: '0.0.0.0', port: 7, shareAddress: true }, (_, from) =>
        got.push(`${host.id} from ${from.host}`),
      )
      for (const address of host.addresses) if (!address.includes(':')) socket.joinGroup('239.1.1.1', address)
    }
    const send = async (host: typeof both, to: string, interfaceAddress = host.address) => {
      got.length = 0
      const multicast = { interfaceAddress, loopback: false }
      const socket = await host.bind({ host: '0.0.0.0', port: 0, multicast, broadcast: true }, () => {})
      await socket.send(Uint8Array.of(1), { host: to, port: 7 })
      await clock.advance(100)
      return [...got].sort()
    }
    expect(await send(one, '239.1.1.1')).toEqual(['both from 10.0.0.1'])
    expect(await send(both, '239.1.1.1', '192.168.1.9')).toEqual(['two from 192.168.1.9'])
    expect(await send(both, '192.168.1.255')).toEqual(['both from 192.168.1.9', 'two from 192.168.1.9'])
    expect(await send(one, '192.168.1.2')).toEqual(['two from 10.0.0.1'])
    expect(await send(both, '192.168.1.2')).toEqual(['two from 192.168.1.9'])
    expect(await send(both, '127.0.0.1')).toEqual(['both from 127.0.0.1'])
  })

  it('speak IPv6 with scopes, and not across families or segments', async () => {
    const { clock, both, one, two } = build()
    const got: unknown[] = []
    await two.bind({ host: '::', port: 7 }, (_, from) => got.push(from.host))
    const socket = await both.bind({ host: '::', port: 0 }, () => {})
    await socket.send(Uint8Array.of(1), { host: 'FE80:0::2%wlan0', port: 7 })
    await clock.advance(10)
    expect(got).toEqual(['fe80::9%eth0'])
    await expect(socket.send(Uint8Array.of(1), { host: 'fe80::2%eth0', port: 7 })).rejects.toMatchObject({
      code: 'UNREACHABLE',
    })
    await expect(one.connect({ host: 'fe80::2', port: 7 })).rejects.toMatchObject({ code: 'UNREACHABLE' })
    await two.listen({ host: '::', port: 7 }, () => {})
    await expect(outcome(clock, both.connect({ host: 'fe80::2%wlan0', port: 7 }))).resolves.toMatchObject({
      remoteId: 'two',
    })
  })

  it('refuse addresses that make no sense, and those of others', () => {
    const { network } = build()
    const refuse = (code: string, ...wanted: { address: string; netmask?: string }[]) =>
      expect(() => network.host({ id: 'x', interfaces: wanted })).toThrow(expect.objectContaining({ code }))
    refuse('BAD_ARGUMENT')
    refuse('ADDRESS_INVALID', { address: 'ben' })
    refuse('ADDRESS_INVALID', { address: '224.0.0.1' })
    refuse('BAD_ARGUMENT', { address: '10.0.0.3', netmask: '255.0.255.0' })
    refuse('BAD_ARGUMENT', { address: '10.0.0.3' }, { address: '10.0.0.3' })
    refuse('ADDRESS_IN_USE', { address: '10.0.0.1' }, { address: '10.0.0.3' })
    expect(network.host({ id: 'neighbour', address: '10.0.0.1' }).interfaces()).toHaveProperty('eth0')
  })

  it('changeAddress: streams go silent, wildcard sockets move along, the old address is nobody', async () => {
    const { clock, network, anna, ben, here, there } = await connectedPair()
    const got: string[] = []
    await ben.bind({ host: '0.0.0.0', port: 7 }, () => got.push('all'))
    await ben.bind({ host: '10.0.0.2', port: 8 }, () => got.push('old'))
    const socket = await anna.bind({ host: '0.0.0.0', port: 0 }, () => {})
    const atBen = collect(there.duplex)
    network.changeAddress(ben, 'eth0', '10.0.0.77')
    expect(ben.address).toBe('10.0.0.77')
    for (const port of [7, 8]) {
      for (const host of ['10.0.0.2', '10.0.0.77']) await socket.send(Uint8Array.of(1), { host, port })
    }
    here.duplex.write('still there?')
    await clock.advance(60_000)
    expect([got, atBen, here.duplex.destroyed]).toEqual([['all'], [], false])
    await expect(outcome(clock, anna.connect({ host: '10.0.0.77', port: 3485 }))).rejects.toMatchObject({
      code: 'CONNECTION_REFUSED',
    })
    network.changeAddress(ben, 'eth0', '10.0.0.2')
    await clock.advance(60_000)
    expect(Buffer.concat(atBen).toString()).toBe('still there?')
    network.changeAddress(ben, 'eth0', undefined)
    expect(ben.addresses).toEqual([])
    const refused = expect.objectContaining({ code: 'BAD_ARGUMENT' })
    expect(() => network.changeAddress(ben, 'eth7', '10.0.0.3')).toThrow(refused)
    expect(() => network.changeAddress(ben, 'eth0', '10.0.0.1')).toThrow(
      expect.objectContaining({ code: 'ADDRESS_IN_USE' }),
    )
  })

  it('only the present life of a host can be meant', async () => {
    const { network, anna, ben } = await office()
    const again = network.restart(anna)
    const refused = expect.objectContaining({ code: 'BAD_ARGUMENT', message: expect.stringContaining('former life') })
    expect(() => network.crash(anna)).toThrow(refused)
    expect(() => network.partition([anna], ben)).toThrow(refused)
    expect(network.hosts).toEqual([again, ben])
  })
})

it('a host that loses power comes back with its disk as last synced', async () => {
  const clock = new VirtualClock()
  const random = new SeededRandom(1)
  const network = new SimulatedNetwork<string>({ clock, random })
  const host = network.host({ id: 'anna', address: '10.0.0.1' })
  const disk = new SimulatedStore({ clock: host.clock, random, survival: 0 })
  const put = (key: number) => ({ type: 'put', key: Uint8Array.of(key), value: Uint8Array.of(key) }) as const
  const settled: string[] = []
  void disk.batch([put(1)]).then(() => settled.push('first'))
  await clock.advance(100)
  network.pause(host)
  void disk.batch([put(2)]).then(() => settled.push('second'))
  await clock.advance(100)
  expect(settled).toEqual(['first'])

  network.resume(host)
  network.powerOff(host)
  disk.crash()
  const { clock: own } = network.restart(host)
  const again = disk.reopen({ clock: own })
  expect(await outcome(clock, again.get(Uint8Array.of(1)))).toEqual(Uint8Array.of(1))
  expect(await outcome(clock, again.get(Uint8Array.of(2)))).toBeUndefined()
  await clock.advance(1_000)
  expect(settled).toEqual(['first'])
  expect(clock.pending).toBe(0)
})

it('one seed gives one trace, another seed another', async () => {
  const run = async (seed: number): Promise<string> => {
    const trace = new Trace()
    const clock = new VirtualClock({ trace })
    const random = new SeededRandom(seed)
    const network = new SimulatedNetwork<string>({
      clock,
      random,
      trace,
      loss: 0.1,
      duplication: 0.1,
      hostTimeMs: 0.01,
    })
    const anna = network.host({ id: 'anna', address: '10.0.0.1' })
    const ben = network.host({ id: 'ben', address: '10.0.0.2' })
    const echo = await ben.bind({ host: '0.0.0.0', port: 7 }, (bytes, from) => void echo.send(bytes, from))
    const socket = await anna.bind({ host: '0.0.0.0', port: 7 }, () => {})
    await ben.listen(at(ben, 9), ({ duplex }) => duplex.pipe(duplex))
    const stream = await outcome(clock, anna.connect(at(ben, 9), { timeoutMs: 100_000 }))
    collect(stream.duplex)
    for (let n = 0; n < 50; n++) {
      await socket.send(Uint8Array.of(n), at(ben))
      stream.duplex.write(random.bytes(100))
      if (n === 20) network.partition(anna, ben)
      if (n === 30) network.heal()
      await clock.advance(50)
    }
    expect(trace.events).toBeGreaterThan(100)
    return trace.digest()
  }
  const first = await run(1)
  expect(await run(1)).toBe(first)
  expect(await run(2)).not.toBe(first)
})
