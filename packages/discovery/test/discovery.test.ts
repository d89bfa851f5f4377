import { Discovery, type DiscoveryOptions, type Hint, packAnnouncement, readAnnouncement } from '@pc/discovery'
import { RequestsEndpoint } from '@pc/dispatch'
import { createIdentity, openNetwork } from '@pc/identity'
import { createTestLogger, SeededRandom, VirtualClock } from '@pc/testkit'
import {
  type Address,
  type BindOptions,
  type DatagramSocket,
  type NetworkInterface,
  type NetworkProtocol,
  TransportError,
} from '@pc/transport'
import { encodeValue, packMacDatagram, RootCode, readDatagram } from '@pc/wire'
import { describe, expect, it } from 'vitest'
import { interfaceAt } from './_util/segment.js'

const network = openNetwork('test')
const identity = createIdentity(new Uint8Array(32).fill(1))
const { id } = identity
const other = createIdentity(new Uint8Array(32).fill(2))
const OTHER_BOOT = new Uint8Array(8).fill(2)

interface FakeSocket extends DatagramSocket {
  readonly options: BindOptions
  readonly receive: (bytes: Uint8Array, from: Address) => void
  readonly groups: string[]
  readonly outgoing: { bytes: Uint8Array; to: Address }[]
  open: boolean
}

/** A machine whose sockets do what the test says. */
class FakeMachine {
  readonly sockets: FakeSocket[] = []
  interfaces: NetworkInterface[] = [interfaceAt('192.168.1.5')]
  /** Errors of `bind`, by host. */
  readonly broken = new Map<string, TransportError>()
  readonly unsendable = new Map<string, TransportError>()

  readonly protocol: NetworkProtocol = {
    name: 'fake',
    connect: () => Promise.reject(new Error('not used')),
    listen: () => Promise.reject(new Error('not used')),
    bind: async (options, receive) => {
      const error = this.broken.get(options.host)
      if (error !== undefined) throw error
      const socket: FakeSocket = {
        options,
        receive,
        groups: [],
        outgoing: [],
        open: true,
        address: { host: options.host, port: options.port || 50_000 + this.sockets.length },
        sendQueueBytes: 0,
        sendErrors: 0,
        receiveBufferBytes: 0,
        post: (bytes, to) => socket.outgoing.push({ bytes, to }) > 0,
        send: async (bytes, to) => {
          const failure = this.unsendable.get(options.host)
          if (failure !== undefined) throw failure
          socket.outgoing.push({ bytes, to })
        },
        joinGroup: (group, interfaceAddress) => socket.groups.push(`${group} ${interfaceAddress}`),
        leaveGroup: (group, interfaceAddress) => {
          socket.groups.splice(socket.groups.indexOf(`${group} ${interfaceAddress}`), 1)
        },
        close: async () => {
          socket.open = false
        },
      }
      this.sockets.push(socket)
      return socket
    },
  }

  openAt(host: string): FakeSocket {
    const found = this.sockets.find(({ options, open }) => open && options.host === host)
    if (found === undefined) throw new Error(`no open socket at ${host}`)
    return found
  }

  get open(): string[] {
    return this.sockets.filter(({ open }) => open).map(({ options }) => options.host)
  }
}

async function setUp(machine: FakeMachine = new FakeMachine(), options: Partial<DiscoveryOptions> = {}) {
  const clock = new VirtualClock()
  const bootId = new Uint8Array(8).fill(1)
  const endpoint = RequestsEndpoint.create({ identity, network, bootId, clock })
  const hints: Hint[] = []
  const discovery = await Discovery.create({
    protocol: machine.protocol,
    endpoint,
    network,
    id,
    bootId,
    port: 3_485,
    interfaces: () => machine.interfaces,
    clock,
    random: new SeededRandom(1),
    onHint: (hint) => hints.push(hint),
    ...options,
  })
  return { machine, clock, endpoint, hints, discovery }
}

let stamp = 0
function announcement(
  changes: Partial<{ nonce: Uint8Array; wantsAnswers: boolean }> = {},
  bootId = OTHER_BOOT,
): Uint8Array {
  const body = packAnnouncement({
    wantsAnswers: true,
    blindedId: network.blind(other.id, 9),
    epoch: 9,
    port: 4_000,
    estimate: 0,
    nonce: new Uint8Array(8).fill(5),
    ...changes,
  })
  stamp++
  return packMacDatagram(
    { rootCode: RootCode.DISCOVERY, keyId: network.keyId, sentAt: stamp, bootId, body: encodeValue(body) },
    network.mac,
  )
}

function read(bytes: Uint8Array | undefined) {
  const datagram = readDatagram(bytes ?? new Uint8Array(0))
  if (datagram.protection !== 1) throw new Error('expected a MAC')
  const heard: unknown[] = []
  const endpoint = RequestsEndpoint.create({ identity: other, network, bootId: OTHER_BOOT, clock: new VirtualClock() })
  endpoint.onAnnouncement(({ body }) => void heard.push(readAnnouncement(body)))
  endpoint.receive(bytes ?? new Uint8Array(0), { host: '192.168.1.5', port: 1 })
  return heard[0] as ReturnType<typeof readAnnouncement>
}

describe('Discovery', () => {
  it('receives with one shared socket that joins on every interface, and sends with one socket for each', async () => {
    const machine = new FakeMachine()
    machine.interfaces = [
      interfaceAt('192.168.1.5'),
      interfaceAt('10.0.0.5', '255.0.0.0', 'eth1'),
      { name: 'eth0', address: 'fe80::1', family: 6, netmask: 'ffff:ffff:ffff:ffff::', internal: false },
    ]
    const { clock, discovery } = await setUp(machine)
    expect(machine.sockets.map(({ options }) => options)).toEqual([
      { host: '0.0.0.0', port: 3_486, shareAddress: true },
      { host: '192.168.1.5', port: 0, multicast: { interfaceAddress: '192.168.1.5' } },
      { host: '10.0.0.5', port: 0, multicast: { interfaceAddress: '10.0.0.5' } },
    ])
    expect(machine.openAt('0.0.0.0').groups).toEqual(['239.1.11.11 192.168.1.5', '239.1.11.11 10.0.0.5'])
    await clock.advance(50)
    for (const host of ['192.168.1.5', '10.0.0.5']) {
      const [first] = machine.openAt(host).outgoing
      expect(first?.to).toEqual({ host: '239.1.11.11', port: 3_486 })
      expect(read(first?.bytes)).toMatchObject({ wantsAnswers: true, port: 3_485, estimate: 0 })
    }
    expect(discovery.status().interfaces).toEqual([
      { name: 'eth0', address: '192.168.1.5', sent: 1, heard: 0, sendErrors: 0 },
      { name: 'eth1', address: '10.0.0.5', sent: 1, heard: 0, sendErrors: 0 },
    ])
  })

  it('sends its id blinded only', async () => {
    const { machine, clock } = await setUp()
    await clock.advance(50)
    const bytes = machine.openAt('192.168.1.5').outgoing[0]?.bytes
    const body = read(bytes)
    expect(body?.blindedId).toEqual(network.blind(id, body?.epoch ?? 0))
    expect(Buffer.from(bytes ?? []).includes(Buffer.from(id.bytes.subarray(0, 8)))).toBe(false)
  })

  it('answers by the interface that leads to the asker', async () => {
    const machine = new FakeMachine()
    machine.interfaces = [interfaceAt('192.168.1.5'), interfaceAt('10.0.0.5', '255.0.0.0', 'eth1')]
    const { clock, discovery } = await setUp(machine)
    await clock.advance(40_000)
    machine.openAt('0.0.0.0').receive(announcement(), { host: '10.9.9.9', port: 50_000 })
    await clock.advance(300)
    const answer = machine.openAt('10.0.0.5').outgoing.at(-1)
    expect(answer?.to).toEqual({ host: '10.9.9.9', port: 4_000 })
    expect(read(answer?.bytes)).toMatchObject({ wantsAnswers: false, nonce: new Uint8Array(8).fill(5), port: 3_485 })
    expect(discovery.status().interfaces.map(({ heard }) => heard)).toEqual([0, 1])
    expect(discovery.status()).toMatchObject({ state: 'passive', known: 1, lastHeardAt: expect.any(Number) })
  })

  it('answers whoever asks its own port from elsewhere by a socket of the peer', async () => {
    const { machine, clock, endpoint } = await setUp()
    const own = (await machine.protocol.bind({ host: '0.0.0.0', port: 3_485 }, () => {})) as FakeSocket
    endpoint.attach(own)
    endpoint.receive(announcement(), { host: '172.16.0.9', port: 50_000 }, own)
    await clock.advance(300)
    expect(own.outgoing.map(({ to }) => to)).toEqual([{ host: '172.16.0.9', port: 4_000 }])
  })

  it('drops what the shared socket hears from outside the subnets in use', async () => {
    const { machine, clock, discovery, endpoint, hints } = await setUp()
    for (const host of ['192.168.2.9', '127.0.0.1', '::ffff:192.168.1.9']) {
      machine.openAt('0.0.0.0').receive(announcement(), { host, port: 50_000 })
    }
    await clock.advance(5_000)
    expect(hints).toEqual([])
    expect(endpoint.counters.received).toBe(0)
    expect(discovery.status().counters.foreignSubnet).toBe(3)
  })

  it('counts bodies of the wrong shape, and takes itself for nobody', async () => {
    const { machine, discovery, endpoint } = await setUp()
    const from = { host: '192.168.1.9', port: 50_000 }
    const fields = { rootCode: RootCode.DISCOVERY, keyId: network.keyId, sentAt: 1, bootId: new Uint8Array(8).fill(9) }
    const bytes = packMacDatagram({ ...fields, body: encodeValue([1, 2, 3]) }, network.mac)
    machine.openAt('0.0.0.0').receive(bytes, from)
    machine.openAt('0.0.0.0').receive(announcement({}, new Uint8Array(8).fill(1)), from)
    expect(discovery.status()).toMatchObject({ known: 0, counters: { malformed: 1 } })
    expect(endpoint.counters).toMatchObject({ own: 1, handled: 1 })
  })

  it('follows the interfaces: new ones are joined, gone ones left, and the search starts anew', async () => {
    const { machine, clock, discovery } = await setUp()
    await clock.advance(41_000)
    expect(discovery.status().state).toBe('passive')
    machine.interfaces = [interfaceAt('192.168.7.5', '255.255.255.0', 'wlan0')]
    await clock.advance(1_050)
    expect(machine.open.sort()).toEqual(['0.0.0.0', '192.168.7.5'])
    expect(machine.openAt('0.0.0.0').groups).toEqual(['239.1.11.11 192.168.7.5'])
    expect(machine.openAt('192.168.7.5').outgoing).toHaveLength(1)
    expect(discovery.status()).toMatchObject({ state: 'active', interfaces: [{ name: 'wlan0' }] })
    machine.interfaces = []
    await clock.advance(3_000)
    expect(machine.open).toEqual(['0.0.0.0'])
    expect(discovery.status().interfaces).toEqual([])
  })

  it('survives interfaces that do not work, tells so once, and tries again', async () => {
    const logger = createTestLogger()
    const machine = new FakeMachine()
    machine.interfaces = [interfaceAt('192.168.1.5'), interfaceAt('10.0.0.5', '255.0.0.0', 'eth1')]
    machine.broken.set('10.0.0.5', new TransportError('ADDRESS_NOT_AVAILABLE', 'gone'))
    const { clock, discovery } = await setUp(machine, { logger })
    await clock.advance(12_000)
    expect(discovery.status().interfaces).toMatchObject([{ name: 'eth0' }, { name: 'eth1', sent: 0, error: 'gone' }])
    expect(logger.messages('warn')).toEqual(['discovery does not work on eth1'])
    machine.broken.clear()
    await clock.advance(3_050)
    expect(discovery.status().interfaces[1]).toEqual({
      name: 'eth1',
      address: '10.0.0.5',
      sent: 1,
      heard: 0,
      sendErrors: 0,
    })
    expect(discovery.status().state).toBe('active')
  })

  it('announces without hearing while the shared port is taken, and hears later', async () => {
    const machine = new FakeMachine()
    machine.broken.set('0.0.0.0', new TransportError('ADDRESS_IN_USE', 'taken'))
    const { clock, discovery } = await setUp(machine)
    await clock.advance(1_000)
    expect(discovery.status()).toMatchObject({ receiveError: 'taken', interfaces: [{ sent: 3, error: 'taken' }] })
    machine.broken.clear()
    await clock.advance(3_000)
    expect(discovery.status().receiveError).toBeUndefined()
    expect(discovery.status().interfaces[0]).not.toHaveProperty('error')
    expect(machine.openAt('0.0.0.0').groups).toEqual(['239.1.11.11 192.168.1.5'])
  })

  it('counts what cannot be sent, at its interface', async () => {
    const machine = new FakeMachine()
    machine.interfaces = [interfaceAt('192.168.1.5'), interfaceAt('10.0.0.5', '255.0.0.0', 'eth1')]
    machine.unsendable.set('10.0.0.5', new TransportError('UNREACHABLE', 'no route'))
    const { clock, discovery } = await setUp(machine)
    await clock.advance(1_000)
    expect(discovery.status().interfaces).toMatchObject([
      { sent: 3, sendErrors: 0 },
      { sent: 0, sendErrors: 3, error: 'no route' },
    ])
    machine.unsendable.clear()
    await clock.advance(1_000)
    expect(discovery.status().interfaces[1]).toEqual({
      name: 'eth1',
      address: '10.0.0.5',
      sent: 1,
      heard: 0,
      sendErrors: 3,
    })
  })

  it('survives an onHint that throws', async () => {
    const logger = createTestLogger()
    const onHint = (): void => {
      throw new Error('broken')
    }
    const { machine, clock, discovery } = await setUp(undefined, { logger, onHint })
    machine.openAt('0.0.0.0').receive(announcement(), { host: '192.168.1.9', port: 50_000 })
    await clock.advance(5_000)
    expect(logger.messages('error')).toEqual(['onHint threw'])
    expect(discovery.status().counters.announcements).toBe(5)
  })

  it('closes everything, is silent then, and closes again', async () => {
    const { machine, clock, discovery, endpoint, hints } = await setUp()
    const receiver = machine.openAt('0.0.0.0')
    receiver.receive(announcement(), { host: '192.168.1.9', port: 50_000 })
    await Promise.all([discovery.close(), discovery.close()])
    await discovery[Symbol.asyncDispose]()
    expect(machine.open).toEqual([])
    expect(clock.pending).toBe(0)
    receiver.receive(announcement(), { host: '192.168.1.9', port: 50_000 })
    discovery.connected(OTHER_BOOT)
    await clock.advance(60_000)
    expect(hints).toEqual([])
    expect(discovery.status()).toMatchObject({ state: 'closed', connected: 0 })
    endpoint.onAnnouncement(() => {})
  })

  it('may be closed by onHint', async () => {
    const { machine, clock, discovery } = await setUp(undefined, { onHint: () => void discovery.close() })
    machine.openAt('0.0.0.0').receive(announcement(), { host: '192.168.1.9', port: 50_000 })
    await clock.advance(1_300) // before the next announcement would be due
    expect([machine.open, clock.pending]).toEqual([[], 0])
  })

  it('closes sockets that open while it closes', async () => {
    const machine = new FakeMachine()
    const { clock, discovery } = await setUp(machine)
    machine.interfaces = [interfaceAt('192.168.7.5'), interfaceAt('192.168.8.5')]
    const slow = machine.protocol.bind
    let release: () => void = () => {}
    Object.assign(machine.protocol, {
      bind: async (...all: Parameters<typeof slow>) => {
        await new Promise<void>((resolve) => {
          release = resolve
        })
        return slow(...all)
      },
    })
    await clock.advance(3_000)
    const closing = discovery.close()
    release()
    await closing
    expect(machine.open).toEqual([])
    expect(clock.pending).toBe(0)
  })

  it('gives up creating when its signal aborts', async () => {
    const machine = new FakeMachine()
    await expect(setUp(machine, { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(machine.sockets).toEqual([])
    const abort = new AbortController()
    const creating = setUp(machine, { signal: abort.signal })
    abort.abort('changed my mind')
    await expect(creating).rejects.toBe('changed my mind')
    expect(machine.open).toEqual([])
  })

  it.each([
    [{ port: 0 }],
    [{ port: 65_536 }],
    [{ discoveryPort: 1.5 }],
    [{ group: '10.0.0.1' }],
    [{ group: 'ff02::1' }],
  ])('refuses the options %j', async (options) => {
    await expect(setUp(undefined, options)).rejects.toMatchObject({ name: 'DiscoveryError', code: 'INVALID_OPTION' })
  })
})
