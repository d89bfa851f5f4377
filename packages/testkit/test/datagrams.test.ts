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
      host.bind({ host: '0.0.0.0', port: 3486, shareAddress: true }, () => got.push(name))
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
    expect(await send(ben.address)).toEqual(['ben too'])
    await expect(ben.bind({ host: '0.0.0.0', port: 3486 }, () => {})).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
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
