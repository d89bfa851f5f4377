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
})
