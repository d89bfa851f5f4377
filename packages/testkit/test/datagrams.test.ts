import { describe, expect, it } from 'vitest'
import { type NetworkConditions, SeededRandom, SimulatedNetwork, VirtualClock } from '../src/index.js'
import { office } from './_util/office.js'

const GROUP = '239.1.11.11'

/** Sends `count` numbered datagrams 1 ms apart and returns what arrived, with its time. */
async function sendMany(count: number, seed: number, conditions: Partial<NetworkConditions>): Promise<string[]> {
  const { clock, anna, ben } = await office({ seed, ...conditions })
  const arrived: string[] = []
  await ben.bind({ host: '0.0.0.0', port: 7 }, (bytes) => {
    arrived.push(`${new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)} at ${clock.now()}`)
  })
  const socket = await anna.bind({ host: anna.address, port: 0 }, () => {})
  for (let index = 0; index < count; index++) {
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setUint32(0, index)
    await socket.send(bytes, { host: ben.address, port: 7 })
    await clock.advance(1)
  }
  await clock.advance(1_000)
  return arrived
}

const numbers = (arrived: string[]): number[] => arrived.map((line) => Number(line.split(' ')[0]))

describe('datagrams', () => {
  it('arrive with their sender, as copies', async () => {
    const { clock, network, anna, ben } = await office()
    const got: unknown[] = []
    const socket = await anna.bind({ host: '0.0.0.0', port: 3485 }, () => {})
    await ben.bind({ host: ben.address, port: 3485 }, (bytes, from) => got.push({ bytes, from }))
    const bytes = Uint8Array.of(1, 2, 3)
    await socket.send(bytes, { host: ben.address, port: 3485 })
    bytes.fill(9)
    await clock.advance(100)
    expect(got).toEqual([{ bytes: Uint8Array.of(1, 2, 3), from: { host: anna.address, port: 3485 } }])
    expect(network.datagrams).toMatchObject({ sent: 1, delivered: 1, lost: 0 })
  })

  it('take 0.3 ms and an exponential rest of 0.7 ms on average', async () => {
    const arrived = await sendMany(4_000, 5, {})
    const delays = arrived.map((line) => Number(line.split(' at ')[1]) - Number(line.split(' at ')[0]))
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0.3)
    expect(delays.reduce((sum, delay) => sum + delay, 0) / delays.length).toBeCloseTo(1, 1)
  })

  it('are lost, doubled and reordered as often as asked for', async () => {
    const lossy = await sendMany(2_000, 1, { loss: 0.2, jitterMs: 0 })
    expect(lossy.length).toBeGreaterThan(1_520)
    expect(lossy.length).toBeLessThan(1_680)
    const doubled = await sendMany(2_000, 1, { duplication: 0.2, jitterMs: 0 })
    expect(new Set(numbers(doubled)).size).toBe(2_000)
    expect(doubled.length).toBeGreaterThan(2_320)
    expect(doubled.length).toBeLessThan(2_480)
    const swapped = numbers(await sendMany(500, 1, { reordering: 0.2, jitterMs: 0 }))
    expect([...swapped].sort((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, index) => index))
    expect(swapped.some((value, index) => value < (swapped[index - 1] ?? -1))).toBe(true)
  })

  it('repeat themselves exactly under one seed, and differ under another', async () => {
    const conditions = { loss: 0.1, duplication: 0.1, reordering: 0.1 }
    const first = await sendMany(300, 42, conditions)
    expect(await sendMany(300, 42, conditions)).toEqual(first)
    expect(await sendMany(300, 43, conditions)).not.toEqual(first)
  })

  it('have a size limit, and need an open socket and a real address', async () => {
    const { anna, ben } = await office()
    const socket = await anna.bind({ host: anna.address, port: 0 }, () => {})
    const to = { host: ben.address, port: 7 }
    await socket.send(new Uint8Array(1_200), to)
    await expect(socket.send(new Uint8Array(1_201), to)).rejects.toMatchObject({ code: 'DATAGRAM_TOO_LARGE' })
    await expect(socket.send(new Uint8Array(1), { host: 'ben', port: 7 })).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
    })
    await socket.close()
    await socket.close()
    await expect(socket.send(new Uint8Array(1), to)).rejects.toMatchObject({ code: 'SOCKET_CLOSED' })
  })

  it('reach every member of a group on its port, the sender too unless it asks not to', async () => {
    const clock = new VirtualClock()
    const network = new SimulatedNetwork<string>({ clock, random: new SeededRandom(1) })
    const got: string[] = []
    const open = async (id: string, address: string, loopback = true) => {
      const host = network.host({ id, address })
      const multicast = { interfaceAddress: address, loopback }
      const options = { host: '0.0.0.0', port: 3486, shareAddress: true, multicast }
      const socket = await host.bind(options, () => got.push(id))
      socket.joinGroup(GROUP, address)
      return socket
    }
    const anna = await open('anna', '10.0.0.1')
    const ben = await open('ben', '10.0.0.2', false)
    await open('ben too', '10.0.0.2', false)
    const send = async (socket: typeof anna) => {
      got.length = 0
      await socket.send(Uint8Array.of(1), { host: GROUP, port: 3486 })
      await clock.advance(100)
      return [...got].sort()
    }
    expect(await send(anna)).toEqual(['anna', 'ben', 'ben too'])
    expect(await send(ben)).toEqual(['anna'])
    anna.leaveGroup(GROUP, '10.0.0.1')
    expect(await send(ben)).toEqual([])
    expect(() => ben.joinGroup(GROUP, '10.0.0.7')).toThrow(expect.objectContaining({ code: 'ADDRESS_NOT_AVAILABLE' }))
  })

  it('take a broadcast to the hosts of the /24, and unicast to the last of sockets that share a port', async () => {
    const { clock, network, anna, ben } = await office()
    const far = network.host({ id: 'far', address: '10.0.1.1' })
    const got: string[] = []
    const bind = (host: typeof anna, name: string) =>
      host.bind({ host: '0.0.0.0', port: 3486, shareAddress: true, broadcast: true }, () => got.push(name))
    const socket = await bind(anna, 'anna')
    await bind(ben, 'ben')
    await bind(ben, 'ben too')
    await bind(far, 'far')
    const send = async (host: string) => {
      got.length = 0
      await socket.send(Uint8Array.of(1), { host, port: 3486 })
      await clock.advance(100)
      return [...got].sort()
    }
    expect(await send('10.0.0.255')).toEqual(['anna', 'ben', 'ben too'])
    expect(await send('255.255.255.255')).toEqual(['anna', 'ben', 'ben too', 'far'])
    expect(await send('127.255.255.255')).toEqual(['anna'])
    expect(await send(ben.address)).toEqual(['ben too'])
    const narrow = await anna.bind({ host: '0.0.0.0', port: 0 }, () => {})
    for (const host of ['10.0.0.255', '255.255.255.255', '127.255.255.255']) {
      await expect(narrow.send(Uint8Array.of(1), { host, port: 3486 })).rejects.toMatchObject({
        code: 'BROADCAST_NOT_ALLOWED',
      })
    }
    await expect(ben.bind({ host: '0.0.0.0', port: 3486 }, () => {})).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  })

  it('are not taken while 256 KiB of the socket wait before its interface, and taken again as they leave', async () => {
    const { clock, network, anna, ben } = await office({ bandwidth: 1_000_000, jitterMs: 0 })
    let got = 0
    await ben.bind({ host: ben.address, port: 7 }, () => got++)
    const [busy, idle] = [
      await anna.bind({ host: anna.address, port: 0 }, () => {}),
      await anna.bind({ host: anna.address, port: 0 }, () => {}),
    ]
    const post = (): boolean => busy.post(new Uint8Array(1_000), { host: ben.address, port: 7 })
    let taken = 0
    while (taken < 1_000 && post()) taken++
    expect([taken, busy.sendQueueBytes, idle.sendQueueBytes]).toEqual([262, 262_000, 0])
    await clock.advance(100)
    expect(busy.sendQueueBytes).toBe(162_000)
    expect(post()).toBe(true)
    await clock.advance(1_000)
    expect([got, busy.sendQueueBytes, busy.sendErrors, network.datagrams.overflowed]).toEqual([263, 0, 0, 0])
  })

  it('of a life that has ended are not taken, and nobody is told', async () => {
    const { clock, network, anna } = await office()
    const told: string[] = []
    const onSendError = ({ code }: { code: string }): void => void told.push(code)
    const socket = await anna.bind({ host: anna.address, port: 0, onSendError }, () => {})
    expect(socket.post(new Uint8Array(1_201), socket.address)).toBe(true)
    network.crash(anna)
    await clock.advance(1)
    expect(told).toEqual([])
    expect(socket.post(new Uint8Array(1), socket.address)).toBe(false)
  })

  it('wait in a receive buffer that may be smaller than the machine gives, and not larger', async () => {
    const { clock, network, anna, ben } = await office({ jitterMs: 0 })
    const got = { small: 0, large: 0 }
    const small = await ben.bind({ host: ben.address, port: 7, receiveBufferBytes: 4_000 }, () => got.small++)
    const large = await ben.bind({ host: ben.address, port: 8, receiveBufferBytes: 1e9 }, () => got.large++)
    expect([small.receiveBufferBytes, large.receiveBufferBytes]).toEqual([4_000, 212_992])
    const socket = await anna.bind({ host: anna.address, port: 0 }, () => {})
    network.pause(ben)
    for (let n = 0; n < 10; n++) for (const { address } of [small, large]) socket.post(new Uint8Array(32), address)
    await clock.advance(100)
    network.resume(ben)
    await clock.advance(100)
    // Each datagram counts with 768 bytes more.
    expect(got).toEqual({ small: 5, large: 10 })
  })

  it('join groups by scope over IPv6, only where groups are heard', async () => {
    const clock = new VirtualClock()
    const network = new SimulatedNetwork<string>({ clock, random: new SeededRandom(1) })
    const got: string[] = []
    const hosts = ['one', 'two'].map((id, at) =>
      network.host({ id, interfaces: [{ address: `10.0.${at}.9`, segment: id }, { address: `fe80::${at + 1}` }] }),
    )
    for (const host of hosts) {
      const socket = await host.bind({ host: '::', port: 7 }, (_, from) => got.push(`${host.id} from ${from.host}`))
      socket.joinGroup('ff12::7063', '::%eth1')
      socket.leaveGroup('ff12::7064', '::%eth1')
      socket.leaveGroup('ff12::7063', '::%eth7')
      expect(() => socket.joinGroup('ff12::7063', '::%eth7')).toThrow(
        expect.objectContaining({ code: 'ADDRESS_NOT_AVAILABLE' }),
      )
      expect(() => socket.joinGroup(GROUP, '::%eth1')).toThrow(expect.objectContaining({ code: 'ADDRESS_INVALID' }))
    }
    const [one] = hosts
    const multicast = { interfaceAddress: '::%eth1', loopback: false }
    const sender = await one?.bind({ host: 'fe80::1%eth1', port: 0, multicast }, () => {})
    await sender?.send(Uint8Array.of(1), { host: 'ff12::7063', port: 7 })
    await clock.advance(100)
    expect(got).toEqual(['two from fe80::1%eth1'])
    expect(() => sender?.joinGroup('ff12::7063', '::%eth1')).toThrow(
      expect.objectContaining({ code: 'GROUP_NOT_HEARD' }),
    )
  })

  it('do not pass a partition, one way or both, nor reach a host that is off', async () => {
    const { clock, network, anna, ben } = await office()
    const got: string[] = []
    const atAnna = await anna.bind({ host: anna.address, port: 7 }, () => got.push('anna'))
    const atBen = await ben.bind({ host: ben.address, port: 7 }, () => got.push('ben'))
    const exchange = async () => {
      got.length = 0
      await atAnna.send(Uint8Array.of(1), { host: ben.address, port: 7 })
      void atBen.send(Uint8Array.of(1), { host: anna.address, port: 7 })
      await clock.advance(100)
      return [...got].sort()
    }
    network.partition([anna], [ben], { oneWay: true })
    expect(await exchange()).toEqual(['anna'])
    network.partition(anna, ben)
    expect(await exchange()).toEqual([])
    network.heal()
    expect(await exchange()).toEqual(['anna', 'ben'])
    await atAnna.send(Uint8Array.of(1), { host: ben.address, port: 7 })
    network.powerOff(ben)
    expect(await exchange()).toEqual([])
    expect(network.datagrams.lost).toBeGreaterThan(0)
  })

  it('follow conditions that change while the network runs', async () => {
    const { clock, network, anna, ben } = await office()
    let got = 0
    await ben.bind({ host: ben.address, port: 7 }, () => got++)
    const socket = await anna.bind({ host: anna.address, port: 7 }, () => {})
    network.change({ loss: 1 })
    await socket.send(Uint8Array.of(1), { host: ben.address, port: 7 })
    await clock.advance(100)
    expect(got).toBe(0)
    expect(network.conditions).toMatchObject({ loss: 1, delayMs: 0.3 })
    expect(() => network.change({ loss: 2 })).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
    expect(() => network.change({ delayMs: Number.NaN })).toThrow(expect.objectContaining({ code: 'BAD_ARGUMENT' }))
  })
})
