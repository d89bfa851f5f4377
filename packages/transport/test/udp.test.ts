/** UDP of the system protocol, beyond the contract: what the operating system answers becomes a typed rejection. */
import { createTestLogger } from '@pc/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { type BindOptions, type DatagramSocket, systemProtocol } from '../src/index.js'
import { testIdentity } from './_util/credentials.js'

const logger = createTestLogger()
const protocol = systemProtocol(testIdentity(1), { logger })

const open: DatagramSocket[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((socket) => socket.close()))
})

async function bind(options: Partial<BindOptions> = {}, onDatagram?: (bytes: Uint8Array) => void) {
  const inbox: number[] = []
  let wake = (): void => {}
  const socket = await protocol.bind({ host: '127.0.0.1', port: 0, ...options }, (bytes) => {
    onDatagram?.(bytes)
    inbox.push(bytes[0] ?? -1)
    wake()
  })
  open.push(socket)
  const received = (count: number): Promise<void> =>
    new Promise((resolve) => {
      wake = () => {
        if (inbox.length >= count) resolve()
      }
      wake()
    })
  return { socket, inbox, received }
}

describe('sending', () => {
  it('rejects with a code for what the system forbids, and the socket goes on', async () => {
    const [one, two] = [await bind(), await bind()]
    const broadcast = one.socket.send(Uint8Array.of(1), { host: '127.255.255.255', port: two.socket.address.port })
    await expect(broadcast).rejects.toMatchObject({ code: 'BROADCAST_NOT_ALLOWED', cause: { code: 'EACCES' } })
    const otherFamily = one.socket.send(Uint8Array.of(1), { host: '::1', port: two.socket.address.port })
    await expect(otherFamily).rejects.toMatchObject({ code: 'UNREACHABLE' })
    await one.socket.send(Uint8Array.of(7), two.socket.address)
    await two.received(1)
    expect(two.inbox).toEqual([7])
  })

  it('works over IPv6', async () => {
    const [one, two] = [await bind({ host: '::1' }), await bind({ host: '::1' })]
    await one.socket.send(Uint8Array.of(7), two.socket.address)
    await two.received(1)
  })
})

describe('multicast', () => {
  it('cannot leave by an interface that does not exist', async () => {
    const binding = bind({ multicast: { interfaceAddress: '192.0.2.1' } })
    await expect(binding).rejects.toMatchObject({ code: 'ADDRESS_NOT_AVAILABLE' })
    const [one] = [await bind()]
    await expect(bind({ port: one.socket.address.port })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
  })

  it('refuses groups that are none', async () => {
    const { socket } = await bind({ host: '0.0.0.0' })
    expect(() => socket.joinGroup('127.0.0.1', '127.0.0.1')).toThrow(
      expect.objectContaining({ name: 'TransportError' }),
    )
    expect(() => socket.joinGroup('group.example', '127.0.0.1')).toThrow(
      expect.objectContaining({ name: 'TransportError' }),
    )
  })
})

describe('receiving', () => {
  it('goes on after a handler threw', async () => {
    const one = await bind()
    const two = await bind({}, (bytes) => {
      if (bytes[0] === 1) throw new Error('on purpose')
    })
    await one.socket.send(Uint8Array.of(1), two.socket.address)
    await one.socket.send(Uint8Array.of(2), two.socket.address)
    await two.received(1)
    expect(two.inbox).toEqual([2])
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  it('stops with close(), even for what the kernel had already', async () => {
    const [one, two] = [await bind(), await bind()]
    await one.socket.send(Uint8Array.of(1), two.socket.address)
    await two.socket.close()
    await new Promise(setImmediate)
    expect(two.inbox).toEqual([])
  })
})

describe('binding', () => {
  it('leaves the port free when the signal aborts in the middle', async () => {
    const probe = await bind()
    const { port } = probe.socket.address
    await probe.socket.close()
    const controller = new AbortController()
    const binding = protocol.bind({ host: '127.0.0.1', port, signal: controller.signal }, () => {})
    controller.abort(new Error('enough'))
    // Binding an IP literal may be over before the signal is; either way nothing is left behind.
    await binding.then(
      (socket) => socket.close(),
      (error: Error) => expect(error.message).toBe('enough'),
    )
    await bind({ port })
  })
})
