import { createIdentity } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import { MemoryNetwork } from './memory-network.js'

const [ONE, TWO] = [createIdentity(new Uint8Array(32).fill(1)).id, createIdentity(new Uint8Array(32).fill(2)).id]
const GROUP = '239.1.11.11'

// What every protocol does is tested by test/network-protocol.contract.ts; this is about memory alone.
describe('MemoryNetwork', () => {
  it('lets peers share a host, and networks share nothing', async () => {
    const network = new MemoryNetwork()
    const one = network.protocol(ONE, '10.0.0.1')
    const two = network.protocol(TWO, '10.0.0.1')
    const listener = await one.listen({ host: '0.0.0.0', port: 3485 }, ({ duplex }) => duplex.resume())
    expect(listener.address).toEqual({ host: '10.0.0.1', port: 3485 })
    await expect(two.listen({ host: '10.0.0.1', port: 3485 }, () => {})).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
    })
    const stream = await two.connect(listener.address)
    expect(stream.remoteId).toBe(ONE)
    stream.duplex.destroy()
    const elsewhere = new MemoryNetwork().protocol(TWO, '10.0.0.1')
    await expect(elsewhere.connect(listener.address)).rejects.toMatchObject({ code: 'CONNECTION_REFUSED' })
  })

  it('keeps multicast from its sender when loopback is off, and TCP and UDP ports apart', async () => {
    const protocol = new MemoryNetwork().protocol(ONE, '10.0.0.1')
    const got: string[] = []
    const options = { host: '0.0.0.0', port: 3486, shareAddress: true }
    const multicast = { interfaceAddress: '10.0.0.1', loopback: false }
    const quiet = await protocol.bind({ ...options, multicast }, () => got.push('quiet'))
    const other = await protocol.bind(options, () => got.push('other'))
    await protocol.listen({ host: '10.0.0.1', port: 3486 }, () => {})
    for (const socket of [quiet, other]) socket.joinGroup(GROUP, '10.0.0.1')
    await quiet.send(Uint8Array.of(1), { host: GROUP, port: 3486 })
    await new Promise(setImmediate)
    expect(got).toEqual([])
    await other.send(Uint8Array.of(1), { host: GROUP, port: 3486 })
    await new Promise(setImmediate)
    expect(got).toEqual(['quiet', 'other'])
  })

  it('does not hand over a stream when the listener closed in between', async () => {
    const network = new MemoryNetwork()
    const handed: unknown[] = []
    const listener = await network
      .protocol(ONE, '10.0.0.1')
      .listen({ host: '10.0.0.1', port: 1 }, (stream) => handed.push(stream))
    const connecting = network.protocol(TWO, '10.0.0.2').connect(listener.address)
    await listener.close()
    const { duplex } = await connecting
    await new Promise<void>((resolve) => duplex.resume().once('close', () => resolve()))
    expect(handed).toEqual([])
  })
})
