import { openNetwork } from '@pc/identity'
import { createTestLogger, VirtualClock } from '@pc/testkit'
import { type Address, type DatagramSocket, TransportError } from '@pc/transport'
import { encodeValue, Protection, packMacDatagram, RootCode, readDatagram, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Announcement, RequestsEndpoint, type RequestsEndpointOptions } from './requests-endpoint.js'

const network = openNetwork('test')
const OURS = new Uint8Array(8).fill(1)
const THEIRS = new Uint8Array(8).fill(2)
const FROM: Address = { host: '192.0.2.7', port: 3485 }
const code = (value: string): object => expect.objectContaining({ name: 'DispatchError', code: value })

interface Fake extends DatagramSocket {
  readonly outgoing: { bytes: Uint8Array; to: Address }[]
}

function fakeSocket(host = '0.0.0.0', fail?: Error): Fake {
  const outgoing: Fake['outgoing'] = []
  return {
    address: { host, port: 3485 },
    outgoing,
    send: async (bytes, to) => {
      if (fail !== undefined) throw fail
      outgoing.push({ bytes, to })
    },
    joinGroup: () => {},
    leaveGroup: () => {},
    close: async () => {},
  }
}

function setUp(options: Partial<RequestsEndpointOptions> = {}) {
  const clock = new VirtualClock()
  const endpoint = RequestsEndpoint.create({ network, bootId: OURS, clock, ...options })
  const heard: Announcement[] = []
  endpoint.register(RootCode.DISCOVERY, (announcement) => heard.push(announcement))
  return { clock, endpoint, heard }
}

function datagram(
  fields: Partial<{ rootCode: number; keyId: number; sentAt: number; bootId: Uint8Array; body: Uint8Array }> = {},
  mac = network.mac,
): Uint8Array {
  return packMacDatagram(
    {
      rootCode: RootCode.DISCOVERY,
      keyId: network.keyId,
      sentAt: 1_000,
      bootId: THEIRS,
      body: encodeValue(['hello']),
      ...fields,
    },
    mac,
  )
}

function changed(bytes: Uint8Array, at: number, to: number): Uint8Array {
  const copy = Uint8Array.from(bytes)
  copy[at] = to
  return copy
}

/** The counters that are not 0, but for `received`. */
function counted(endpoint: RequestsEndpoint): object {
  const { received, ...others } = endpoint.counters
  return Object.fromEntries(Object.entries(others).filter(([, count]) => count > 0))
}

describe('RequestsEndpoint.receive', () => {
  it('hands a good datagram to the handler of its root code', () => {
    const { endpoint, heard } = setUp()
    const via = fakeSocket()
    endpoint.receive(datagram({ sentAt: 77 }), FROM, via)
    expect(heard).toEqual([{ rootCode: 1, body: ['hello'], bootId: THEIRS, sentAt: 77, from: FROM, via }])
    expect(counted(endpoint)).toEqual({ handled: 1 })
  })

  const session = new Uint8Array(60)
  session[0] = RootCode.DISCOVERY
  session[1] = 0x10 | Protection.SESSION
  it.each<[string, Uint8Array]>([
    ['length', new Uint8Array(0)],
    ['length', Uint8Array.of(1)],
    ['length', new Uint8Array(1_201).fill(1)],
    ['length', datagram().subarray(0, 35)],
    ['rootCode', Uint8Array.of(0x55, 0x11)],
    ['rootCode', datagram({ rootCode: RootCode.GOSSIP })],
    ['rootCode', changed(datagram({ rootCode: RootCode.GOSSIP }), 1, 0xf1)],
    ['version', changed(datagram(), 1, 0x21)],
    ['version', changed(datagram(), 1, 0x2f)],
    ['protection', changed(datagram(), 1, 0x1f)],
    ['protection', changed(datagram(), 1, 0x10)],
    ['protection', session],
    ['keyId', datagram({ keyId: network.keyId ^ 1 })],
    ['keyId', datagram({ keyId: openNetwork('other').keyId }, openNetwork('other').mac)],
    ['mac', datagram({}, openNetwork('other').mac)],
    ['mac', changed(datagram(), 22, 0)],
    ['decode', datagram({ body: Uint8Array.of(0xc1) })],
    ['decode', datagram({ body: Uint8Array.of(0x01, 0x01) })],
    ['decode', datagram({ body: Uint8Array.of(0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x01) })],
    ['own', datagram({ bootId: OURS })],
  ])('counts %s and calls no handler (case %#)', (reason, bytes) => {
    const { endpoint, heard } = setUp()
    endpoint.receive(bytes, FROM)
    expect(counted(endpoint)).toEqual({ [reason]: 1 })
    expect(heard).toEqual([])
  })

  it('checks in order: of two faults the cheaper one counts', () => {
    const { endpoint } = setUp({ limits: { addresses: { ratePerSecond: 1, burst: 1 } } })
    endpoint.receive(datagram({ keyId: 9 }, openNetwork('other').mac), FROM) // keyId before mac
    endpoint.receive(datagram({ keyId: 9 }), FROM) // bucket before keyId
    endpoint.receive(changed(datagram(), 1, 0x10), FROM) // protection before bucket
    endpoint.receive(changed(datagram(), 1, 0x20), FROM) // version before protection
    endpoint.receive(changed(changed(datagram(), 1, 0x20), 0, 0x66), FROM) // root code before version
    expect(counted(endpoint)).toEqual({ keyId: 1, addressLimit: 1, protection: 1, version: 1, rootCode: 1 })
  })

  it('hears each stamp of a boot once, and none below the highest', () => {
    const { endpoint, heard } = setUp()
    for (const sentAt of [5, 5, 4, 6]) endpoint.receive(datagram({ sentAt }), FROM)
    endpoint.receive(datagram({ sentAt: 1, bootId: new Uint8Array(8).fill(3) }), FROM)
    expect(heard.map(({ sentAt }) => sentAt)).toEqual([5, 6, 1])
    expect(endpoint.counters.replay).toBe(2)
  })

  it('remembers a stamp only once the MAC has proved it', () => {
    const { endpoint, heard } = setUp()
    endpoint.receive(datagram({ sentAt: 2 ** 48 - 1 }, openNetwork('other').mac), FROM)
    endpoint.receive(datagram({ sentAt: 1 }), FROM)
    expect(heard).toHaveLength(1)
  })

  it('limits each address, and loopback far less', async () => {
    const { clock, endpoint } = setUp()
    for (let sentAt = 1; sentAt <= 100; sentAt++) endpoint.receive(datagram({ sentAt }), FROM)
    expect(endpoint.counters).toMatchObject({ handled: 40, addressLimit: 60 })
    for (let sentAt = 101; sentAt <= 300; sentAt++)
      endpoint.receive(datagram({ sentAt }), { ...FROM, host: '127.0.0.1' })
    expect(endpoint.counters).toMatchObject({ handled: 240, addressLimit: 60 })
    await clock.advance(1_000)
    for (let sentAt = 301; sentAt <= 400; sentAt++) endpoint.receive(datagram({ sentAt }), FROM)
    expect(endpoint.counters.handled).toBe(260)
  })

  it('charges no bucket for our own echo', () => {
    const { endpoint, heard } = setUp({ limits: { addresses: { ratePerSecond: 1, burst: 1 } } })
    for (let sentAt = 1; sentAt <= 10; sentAt++) endpoint.receive(datagram({ sentAt, bootId: OURS }), FROM)
    endpoint.receive(datagram(), FROM)
    expect(counted(endpoint)).toEqual({ own: 10, handled: 1 })
    expect(heard).toHaveLength(1)
  })

  it('takes announcements only, where it is told so', () => {
    const { endpoint, heard } = setUp()
    endpoint.register(RootCode.MEMBERSHIP, (announcement) => heard.push(announcement))
    endpoint.receive(datagram({ rootCode: RootCode.MEMBERSHIP }), FROM, undefined, { announcementsOnly: true })
    endpoint.receive(datagram({ sentAt: 2_000 }), FROM, undefined, { announcementsOnly: true })
    endpoint.receive(datagram({ rootCode: RootCode.MEMBERSHIP, sentAt: 3_000 }), FROM)
    expect(heard.map(({ rootCode }) => rootCode)).toEqual([RootCode.DISCOVERY, RootCode.MEMBERSHIP])
    expect(endpoint.counters.notAnnouncement).toBe(1)
  })

  it('survives handlers that throw', () => {
    const logger = createTestLogger()
    const { endpoint } = setUp({ logger })
    endpoint.register(RootCode.GOSSIP, () => {
      throw new Error('broken')
    })
    endpoint.receive(datagram({ rootCode: RootCode.GOSSIP }), FROM)
    endpoint.receive(datagram({ sentAt: 2_000 }), FROM)
    expect(counted(endpoint)).toEqual({ handlerFailed: 1, handled: 1 })
    expect(logger.lines.filter(({ level }) => level !== 'debug' && level !== 'trace')).toEqual([])
  })

  it('property: no bytes throw, and each datagram is counted once', () => {
    const { endpoint } = setUp()
    const good = datagram()
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 1_300 }),
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, to]) => changed(good, at, to)),
      fc.uint8Array({ minLength: 1, maxLength: 80 }).map((body) => datagram({ body, sentAt: 1_000 + body.length })),
    )
    fc.assert(fc.property(bytes, (one) => endpoint.receive(one, FROM)))
    const { received, sent, sendFailed, ...outcomes } = endpoint.counters
    expect(Object.values(outcomes).reduce((sum, count) => sum + count)).toBe(received)
    expect([sent, sendFailed]).toEqual([0, 0])
  })
})

describe('RequestsEndpoint.send', () => {
  it('sends what another endpoint of the network hears, with rising stamps', async () => {
    const clock = new VirtualClock()
    let unix = 5_000.7
    const stubborn = { ...bound(clock), unixNow: () => unix }
    const { endpoint } = setUp({ clock: stubborn })
    const socket = fakeSocket()
    endpoint.attach(socket)
    const other = setUp({ bootId: THEIRS })
    for (const next of [5_000.7, 5_000.9, 4_000, 9_000]) {
      unix = next
      await endpoint.send(RootCode.DISCOVERY, ['ping', next], FROM)
    }
    expect(socket.outgoing.map(({ to }) => to)).toEqual([FROM, FROM, FROM, FROM])
    for (const { bytes } of socket.outgoing) other.endpoint.receive(bytes, FROM)
    expect(other.heard.map(({ sentAt, bootId }) => [sentAt, bootId])).toEqual([
      [5_000, OURS],
      [5_001, OURS],
      [5_002, OURS],
      [9_000, OURS],
    ])
    expect(readDatagram(socket.outgoing[0]?.bytes as Uint8Array).protection).toBe(Protection.NETWORK_MAC)
    expect(endpoint.counters.sent).toBe(4)
  })

  it('chooses an attached socket of the right family, or the one it is given', async () => {
    const { endpoint } = setUp()
    const [v4, v6, special] = [fakeSocket('127.0.0.1'), fakeSocket('::1'), fakeSocket('192.0.2.1')]
    await expect(endpoint.send(1, null, FROM)).rejects.toEqual(code('NO_SOCKET'))
    endpoint.attach(v6)
    const detach = endpoint.attach(v4)
    await endpoint.send(1, null, FROM)
    await endpoint.send(1, null, { host: 'fe80::1', port: 1 })
    await endpoint.send(1, null, FROM, special)
    expect([v4, v6, special].map(({ outgoing }) => outgoing.length)).toEqual([1, 1, 1])
    detach()
    await expect(endpoint.send(1, null, FROM)).rejects.toEqual(code('NO_SOCKET'))
  })

  it('rejects with what went wrong, and counts it', async () => {
    const { endpoint } = setUp()
    const broken = new TransportError('UNREACHABLE', 'no route')
    await expect(endpoint.send(1, null, FROM, fakeSocket('0.0.0.0', broken))).rejects.toBe(broken)
    endpoint.attach(fakeSocket())
    await expect(endpoint.send(1, new Uint8Array(1_200), FROM)).rejects.toMatchObject({ name: 'WireError' })
    await expect(endpoint.send(1, (() => {}) as unknown as Value, FROM)).rejects.toMatchObject({ name: 'WireError' })
    expect(endpoint.counters).toMatchObject({ sent: 0, sendFailed: 3 })
  })
})

describe('RequestsEndpoint', () => {
  it('has one handler per root code, until it is unregistered', () => {
    const { endpoint, heard } = setUp()
    expect(() => endpoint.register(RootCode.DISCOVERY, () => {})).toThrow(code('HANDLER_EXISTS') as Error)
    expect(() => endpoint.register(256, () => {})).toThrow(code('INVALID_ARGUMENT') as Error)
    const unregister = endpoint.register(0x80, (announcement) => heard.push(announcement))
    endpoint.receive(datagram({ rootCode: 0x80 }), FROM)
    unregister()
    endpoint.receive(datagram({ rootCode: 0x80, sentAt: 2_000 }), FROM)
    expect(heard).toHaveLength(1)
  })

  it('hears and sends nothing after close, twice', async () => {
    const { endpoint, heard } = setUp()
    endpoint.attach(fakeSocket())
    await endpoint.close()
    await endpoint[Symbol.asyncDispose]()
    endpoint.receive(datagram(), FROM)
    expect(heard).toEqual([])
    await expect(endpoint.send(1, null, FROM)).rejects.toEqual(code('CLOSED'))
    expect(() => endpoint.register(2, () => {})).toThrow(code('CLOSED') as Error)
    expect(() => endpoint.attach(fakeSocket())).toThrow(code('CLOSED') as Error)
  })

  it('needs a boot id of 8 bytes and keeps a copy of it', () => {
    expect(() => setUp({ bootId: new Uint8Array(7) })).toThrow(code('INVALID_ARGUMENT') as Error)
  })
})

function bound(clock: VirtualClock) {
  return {
    now: () => clock.now(),
    setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
  }
}
