import { createIdentity } from '@pc/identity'
import { MemoryNetwork, type NetworkInterface } from '@pc/transport'
import { describe, expect, it } from 'vitest'
import { dialOnlyThrough } from './allowed-dials.js'

const one = { name: 'lan0', address: '10.0.0.1', family: 4, netmask: '255.255.255.0', internal: false } as const

describe('dialOnlyThrough', () => {
  it('dials in the subnets of the interfaces that are allowed at that moment, and nowhere else', async () => {
    const memory = new MemoryNetwork()
    const [here, near, far] = [createIdentity().id, createIdentity().id, createIdentity().id]
    let interfaces: NetworkInterface[] = [one]
    let dials = 0
    const base = memory.protocol(here, '10.0.0.1')
    const counted = {
      ...base,
      listen: base.listen.bind(base),
      bind: base.bind.bind(base),
      connect: (...args: Parameters<typeof base.connect>) => {
        dials += 1
        return base.connect(...args)
      },
    }
    const protocol = dialOnlyThrough(counted, () => interfaces)
    const streams: { destroy(): void }[] = []
    const keep = ({ duplex }: { duplex: { destroy(): void } }): number => streams.push(duplex)
    await memory.protocol(near, '10.0.0.2').listen({ host: '10.0.0.2', port: 3485 }, keep)
    await memory.protocol(far, '10.0.1.2').listen({ host: '10.0.1.2', port: 3485 }, keep)

    keep(await protocol.connect({ host: '10.0.0.2', port: 3485 }))
    const outside = { host: '10.0.1.2', port: 3485 }
    await expect(protocol.connect(outside)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('lan0') as string,
    })
    expect(dials).toBe(1)

    interfaces = []
    await expect(protocol.connect({ host: '10.0.0.2', port: 3485 })).rejects.toMatchObject({ code: 'UNREACHABLE' })
    expect(dials).toBe(1)
    for (const stream of streams) stream.destroy()
  })

  it.each([
    ['fd00::9', true],
    ['fd00::9%lan0', true],
    ['fd00:1::9', false],
    ['fe80::9%lan0', true],
    ['fe80::9%lan1', false],
    ['fe80::9', false],
    ['::1', false],
    ['::ffff:10.0.0.9', false],
    ['10.0.0.9', true],
  ])('knows IPv6 subnets and scopes: %s, dialled %s', async (host, dialled) => {
    const link = { ...one, family: 6, netmask: 'ffff:ffff:ffff:ffff::' } as const
    const interfaces = [one, { ...link, address: 'fd00::1' }, { ...link, address: 'fe80::1' }]
    const dials: string[] = []
    const base = new MemoryNetwork().protocol(createIdentity().id, '10.0.0.1')
    const connect: typeof base.connect = (address) => {
      dials.push(address.host)
      return Promise.reject(new Error('nobody there'))
    }
    const protocol = dialOnlyThrough({ ...base, connect }, () => interfaces)
    await expect(protocol.connect({ host, port: 3485 })).rejects.toThrow(
      dialled ? 'nobody there' : 'no allowed interface',
    )
    expect(dials).toEqual(dialled ? [host] : [])
  })
})
