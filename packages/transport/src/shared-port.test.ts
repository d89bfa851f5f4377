import { once } from 'node:events'
import { createIdentity } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import { MemoryNetwork } from './memory-network.js'
import type { DatagramSocket, NetworkProtocol, SecureStream } from './network-protocol.js'
import { listenOnSharedPort, PEER_PORTS, type SharedPort } from './shared-port.js'
import { systemProtocol } from './system-protocol.js'

const [ONE, TWO] = [1, 2].map((byte) => createIdentity(new Uint8Array(32).fill(byte)).id) as [
  ReturnType<typeof createIdentity>['id'],
  ReturnType<typeof createIdentity>['id'],
]
const HOST = '10.0.0.1'
const nothing = { onStream: () => {}, onDatagram: () => {} }

function machine(): { protocol: NetworkProtocol; network: MemoryNetwork; isFree(port: number): Promise<boolean> } {
  const network = new MemoryNetwork()
  const protocol = network.protocol(ONE, HOST)
  const isFree = async (port: number): Promise<boolean> => {
    try {
      const listener = await protocol.listen({ host: HOST, port }, () => {})
      await listener.close()
      const socket = await protocol.bind({ host: HOST, port }, () => {})
      await socket.close()
      return true
    } catch {
      return false
    }
  }
  return { protocol, network, isFree }
}

describe('the shared port of TCP and UDP', () => {
  it('is 3485 when that is free', async () => {
    const { protocol } = machine()
    const shared = await listenOnSharedPort(protocol, [HOST], nothing)
    expect(shared.port).toBe(3485)
    expect(shared.sockets.map(({ address }) => address)).toEqual([{ host: HOST, port: 3485 }])
    expect(shared.listeners.map(({ address }) => address)).toEqual([{ host: HOST, port: 3485 }])
  })

  it('skips what only one of the two can have, and 3486, and keeps nothing of it', async () => {
    const { protocol, isFree } = machine()
    const tcp = await protocol.listen({ host: HOST, port: 3485 }, () => {})
    const udp = await protocol.bind({ host: HOST, port: 3487 }, () => {})
    const shared = await listenOnSharedPort(protocol, [HOST], nothing)
    expect(shared.port).toBe(3488)
    expect(await isFree(3486)).toBe(true)
    await tcp.close()
    await udp.close()
    expect(await isFree(3485)).toBe(true)
    expect(await isFree(3487)).toBe(true)
  })

  it('is any port when 3485 and 3487 to 3491 are taken', async () => {
    const { protocol } = machine()
    const taken: SharedPort[] = []
    for (const port of PEER_PORTS.filter((port) => port !== 0)) {
      const shared = await listenOnSharedPort(protocol, [HOST], nothing)
      expect(shared.port).toBe(port)
      taken.push(shared)
    }
    const shared = await listenOnSharedPort(protocol, [HOST], nothing)
    expect(shared.port).toBeGreaterThan(3491)
    await Promise.all(taken.map((one) => one.close()))
    expect((await listenOnSharedPort(protocol, [HOST], nothing)).port).toBe(3485)
  })

  it('is the same for every host, and nothing is kept where one host has it taken', async () => {
    const one = systemProtocol(createIdentity())
    const blocker = await one.listen({ host: '127.0.0.2', port: 0 }, () => {})
    const { port } = blocker.address
    const shared = await listenOnSharedPort(one, ['127.0.0.1', '127.0.0.2'], nothing, { ports: [port, 0] })
    expect(shared.port).not.toBe(port)
    expect(shared.sockets.map(({ address }) => address.port)).toEqual([shared.port, shared.port])
    expect(shared.listeners.map(({ address }) => address.host)).toEqual(['127.0.0.1', '127.0.0.2'])
    // Port `port` is free again on the first host.
    const again = await one.listen({ host: '127.0.0.1', port }, () => {})
    const udp = await one.bind({ host: '127.0.0.1', port }, () => {})
    await Promise.all([shared, blocker, again, udp].map((open) => open.close()))
  })

  it('takes IPv4 and IPv6 side by side', async () => {
    const one = systemProtocol(createIdentity())
    const shared = await listenOnSharedPort(one, ['0.0.0.0', '::'], nothing, { ports: [0] })
    expect(shared.listeners.map(({ address }) => address)).toEqual([
      { host: '0.0.0.0', port: shared.port },
      { host: '::', port: shared.port },
    ])
    await shared.close()
  })

  it('is not 3486 even if the machine chooses it', async () => {
    const { protocol, isFree } = machine()
    const offered: number[] = []
    const choosing: NetworkProtocol = {
      ...protocol,
      bind: (options, onDatagram) => {
        const port = options.port === 0 && offered.push(3486) === 1 ? 3486 : options.port
        return protocol.bind({ ...options, port }, onDatagram)
      },
    }
    const shared = await listenOnSharedPort(choosing, [HOST], nothing, { ports: [0] })
    expect(shared.port).toBeGreaterThan(3486)
    expect(offered).toHaveLength(2)
    expect(await isFree(3486)).toBe(true)
  })

  it('tells when nothing fits', async () => {
    const { protocol } = machine()
    await protocol.bind({ host: HOST, port: 3485 }, () => {})
    const failing = listenOnSharedPort(protocol, [HOST], nothing, { ports: [3485] })
    await expect(failing).rejects.toMatchObject({ code: 'NO_FREE_PORT', cause: { code: 'ADDRESS_IN_USE' } })
  })

  it('does not try other ports for what no port can mend', async () => {
    const { protocol } = machine()
    const failing = listenOnSharedPort(protocol, ['10.9.9.9'], nothing)
    await expect(failing).rejects.toMatchObject({ code: 'ADDRESS_NOT_AVAILABLE' })
    await expect(listenOnSharedPort(protocol, [], nothing)).rejects.toMatchObject({ code: 'ADDRESS_INVALID' })
    const discovery = listenOnSharedPort(protocol, [HOST], nothing, { ports: [3486] })
    await expect(discovery).rejects.toMatchObject({ code: 'ADDRESS_INVALID' })
  })

  it('leaves out optional hosts that cannot be listened on, but not the last, and not where only the port is taken', async () => {
    const { protocol, isFree } = machine()
    const missing = '10.9.9.9'
    const optionalHosts = new Set([missing])
    const shared = await listenOnSharedPort(protocol, [HOST, missing], nothing, { optionalHosts })
    expect(shared.listeners.map(({ address }) => address.host)).toEqual([HOST])
    expect(shared.sockets.map(({ address }) => address.host)).toEqual([HOST])
    await shared.close()
    const alone = listenOnSharedPort(protocol, [missing], nothing, { optionalHosts })
    await expect(alone).rejects.toMatchObject({ code: 'ADDRESS_NOT_AVAILABLE' })

    const blocker = await protocol.listen({ host: HOST, port: 3485 }, () => {})
    const both = new Set([HOST, missing])
    const next = await listenOnSharedPort(protocol, [HOST, missing], nothing, { optionalHosts: both })
    expect(next.port).toBe(3487)
    await Promise.all([blocker.close(), next.close()])
    expect(await isFree(3485)).toBe(true)
  })

  it('takes TCP and UDP of an optional host together, or nothing of it', async () => {
    const { protocol, isFree } = machine()
    const missing = '10.9.9.9'
    let closed = 0
    const half: NetworkProtocol = {
      ...protocol,
      bind: async (options, onDatagram) => {
        if (options.host !== missing) return protocol.bind(options, onDatagram)
        const socket = await protocol.bind({ ...options, host: HOST, port: 9 }, onDatagram)
        return Object.assign(Object.create(socket) as DatagramSocket, {
          address: { host: missing, port: options.port },
          close: () => {
            closed += 1
            return socket.close()
          },
        })
      },
    }
    const shared = await listenOnSharedPort(half, [HOST, missing], nothing, { optionalHosts: new Set([missing]) })
    expect(shared.sockets).toHaveLength(1)
    expect(closed).toBe(1)
    expect(await isFree(9)).toBe(true)
    await shared.close()
  })

  it('gives everything back when the signal aborts', async () => {
    const { protocol, isFree } = machine()
    const controller = new AbortController()
    const opening = listenOnSharedPort(protocol, [HOST], nothing, { signal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
    expect(await isFree(3485)).toBe(true)
  })

  it('hands over streams, and datagrams with the socket to answer from; close() stops both and frees the port', async () => {
    const { protocol, network, isFree } = machine()
    const streams: SecureStream[] = []
    const datagrams: { bytes: Uint8Array; via: DatagramSocket }[] = []
    const shared = await listenOnSharedPort(protocol, [HOST], {
      onStream: (stream) => streams.push(stream),
      onDatagram: (bytes, _from, via) => datagrams.push({ bytes, via }),
    })
    const other = network.protocol(TWO, '10.0.0.2')
    const stream = await other.connect({ host: HOST, port: shared.port }, { expect: ONE })
    const socket = await other.bind({ host: '10.0.0.2', port: 0 }, () => {})
    await socket.send(Uint8Array.of(5), { host: HOST, port: shared.port })
    await new Promise(setImmediate)
    expect(datagrams).toMatchObject([{ bytes: Uint8Array.of(5), via: shared.sockets[0] }])
    await shared.close()
    await shared.close()
    expect(streams[0]?.duplex.destroyed).toBe(false)
    expect(await isFree(3485)).toBe(true)
    const closed = once(stream.duplex.resume(), 'close')
    streams[0]?.duplex.destroy()
    await closed
  })
})
