import { IdentityError, openNetwork, packSessionPacket, readSessionPacket, type SignedPeerRecord } from '@pc/identity'
import { createTestLogger, SeededRandom, VirtualClock } from '@pc/testkit'
import { type Address, type NetworkInterface, TransportError } from '@pc/transport'
import { encodeValue, Protection, packMacDatagram, RootCode, readDatagram, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  counted,
  type FakeSocket,
  fakeSocket,
  identityOf,
  initiation,
  OPEN as network,
  recordOf,
} from '../test/_util/doors.js'
import type { Announcement } from './announcements.js'
import type { RequestsCounters } from './requests-counters.js'
import { RequestsEndpoint } from './requests-endpoint.js'
import type { RequestsEndpointOptions } from './requests-options.js'

const OURS = new Uint8Array(8).fill(1)
const THEIRS = new Uint8Array(8).fill(2)
const FROM: Address = { host: '192.0.2.7', port: 3_485 }
const code = (value: string): object => expect.objectContaining({ name: 'DispatchError', code: value })
/** What is not the fate of one received datagram. */
const SENDING =
  'received,sent,sendFailed,bytesIn,bytesOut,requests,replies,repetitions,cookiesSent,recordsSent,resetsSent,established,handshakesFailed'.split(
    ',',
  )

function setUp(options: Partial<RequestsEndpointOptions> = {}) {
  const clock = new VirtualClock()
  const identity = identityOf(1)
  const random = new SeededRandom('endpoint')
  const endpoint = RequestsEndpoint.create({ identity, network, bootId: OURS, clock, random, ...options })
  const heard: Announcement[] = []
  endpoint.onAnnouncement((announcement) => heard.push(announcement))
  return { clock, endpoint, heard }
}

const fates = (endpoint: RequestsEndpoint): Record<string, number> => counted(endpoint, ...SENDING)

/** Two endpoints whose datagrams `pass` carries, in order and without loss, until nothing is said any more. */
function pair(options: { a?: Partial<RequestsEndpointOptions>; b?: Partial<RequestsEndpointOptions> } = {}) {
  const clock = new VirtualClock()
  const make = (number: number, more: Partial<RequestsEndpointOptions> = {}) => {
    const identity = identityOf(number)
    const address = { host: `10.0.0.${number}`, port: 3_485 }
    const socket = fakeSocket(address.host)
    const endpoint = RequestsEndpoint.create({
      identity,
      network,
      bootId: new Uint8Array(8).fill(number),
      clock,
      random: new SeededRandom(`endpoint ${number}`),
      record: () => recordOf(identity, address),
      ...more,
    })
    endpoint.attach(socket)
    const echo = ({ body }: { body: Value }): Value => body
    endpoint.register(0x80, { access: 'anyone' }, echo)
    endpoint.register(0x81, { access: 'anyone', idempotent: true }, echo)
    return { id: identity.id, identity, address, socket, endpoint }
  }
  const [a, b] = [make(1, options.a), make(2, options.b)]
  const pass = (): void => {
    for (let more = true; more; ) {
      more = false
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        for (const { bytes } of from.socket.outgoing.splice(0)) {
          more = true
          to.endpoint.receive(bytes, from.address, to.socket)
        }
      }
    }
  }
  const to = (one: typeof a) => ({ id: one.id, address: one.address })
  return { clock, a, b, pass, to }
}

/** A clock that goes on while something is done, by as much as the test says. */
function slowClock(clock: VirtualClock) {
  const slow = {
    late: 0,
    now: () => clock.now() + slow.late,
    unixNow: () => clock.unixNow(),
    setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
  }
  return slow
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

describe('RequestsEndpoint.receive', () => {
  it('hands a good announcement to its handler', () => {
    const { endpoint, heard } = setUp()
    const via = fakeSocket()
    endpoint.receive(datagram({ sentAt: 77 }), FROM, via)
    expect(heard).toEqual([{ rootCode: 1, body: ['hello'], bootId: THEIRS, sentAt: 77, from: FROM, via }])
    expect(fates(endpoint)).toEqual({ handled: 1 })
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
    ['rootCode', changed(datagram(), 0, 0x7f)],
    ['protection', datagram({ rootCode: RootCode.GOSSIP })],
    ['protection', datagram({ rootCode: 0x80 })],
    ['version', changed(datagram({ rootCode: RootCode.GOSSIP }), 1, 0xf1)],
    ['length', Uint8Array.of(0x80, 0x12)],
    ['length', changed(new Uint8Array(29), 1, 0x12)],
    ['protection', Uint8Array.of(RootCode.GOSSIP, 0x13)],
    ['length', Uint8Array.of(RootCode.SESSION, 0x13)],
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
    endpoint.receive(bytes, FROM, fakeSocket())
    expect(fates(endpoint)).toEqual({ [reason]: 1 })
    expect(heard).toEqual([])
  })

  it('checks in order: of two faults the cheaper one counts', () => {
    const { endpoint } = setUp({ limits: { addresses: { ratePerSecond: 1, burst: 1 } } })
    endpoint.receive(datagram({ keyId: 9 }, openNetwork('other').mac), FROM) // keyId before mac
    endpoint.receive(datagram({ keyId: 9 }), FROM) // bucket before keyId
    endpoint.receive(changed(datagram(), 1, 0x10), FROM) // protection before bucket
    endpoint.receive(changed(datagram(), 1, 0x20), FROM) // version before protection
    endpoint.receive(changed(changed(datagram(), 1, 0x20), 0, 0x66), FROM) // root code before version
    expect(fates(endpoint)).toEqual({ keyId: 1, addressLimit: 1, protection: 1, version: 1, rootCode: 1 })
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

  it('hears one address though another one floods, by the same socket', () => {
    const { endpoint } = setUp()
    const via = fakeSocket()
    for (let sentAt = 1; sentAt <= 100; sentAt++) endpoint.receive(datagram({ sentAt }), FROM, via)
    endpoint.receive(datagram({ sentAt: 101 }), { ...FROM, host: '192.0.2.8' }, via)
    expect(fates(endpoint)).toEqual({ handled: 41, addressLimit: 60 })
  })

  it('charges no bucket for our own echo', () => {
    const { endpoint, heard } = setUp({ limits: { addresses: { ratePerSecond: 1, burst: 1 } } })
    for (let sentAt = 1; sentAt <= 10; sentAt++) endpoint.receive(datagram({ sentAt, bootId: OURS }), FROM)
    endpoint.receive(datagram(), FROM)
    expect(fates(endpoint)).toEqual({ own: 10, handled: 1 })
    expect(heard).toHaveLength(1)
  })

  it('takes announcements only, where it is told so', () => {
    const { endpoint, heard } = setUp()
    const sealed = changed(changed(new Uint8Array(60), 0, RootCode.SESSION), 1, 0x12)
    for (const bytes of [sealed, datagram()]) endpoint.receive(bytes, FROM, fakeSocket(), { announcementsOnly: true })
    expect(heard).toHaveLength(1)
    expect(fates(endpoint)).toEqual({ notAnnouncement: 1, handled: 1 })
  })

  it('survives a handler that throws', () => {
    const logger = createTestLogger()
    const { endpoint } = setUp({ logger })
    const other = RequestsEndpoint.create({
      identity: identityOf(1),
      network,
      bootId: OURS,
      clock: new VirtualClock(),
      logger,
    })
    other.onAnnouncement(() => {
      throw new Error('broken')
    })
    other.receive(datagram(), FROM)
    endpoint.receive(datagram(), FROM)
    expect([fates(other), fates(endpoint)]).toEqual([{ handlerFailed: 1 }, { handled: 1 }])
    expect(logger.lines.filter(({ level }) => level !== 'debug' && level !== 'trace')).toEqual([])
  })

  it('counts what it could not answer, for want of a socket, and throws nothing', () => {
    const { endpoint } = setUp()
    const sealed = changed(changed(new Uint8Array(60), 0, 0x80), 1, 0x12)
    const packet = packSessionPacket(network, { type: 4, nonce: new Uint8Array(8) })
    for (const bytes of [sealed, packet]) endpoint.receive(bytes, FROM)
    endpoint.attach(fakeSocket('::1'))
    endpoint.receive(packet, FROM)
    expect(fates(endpoint)).toEqual({ noSocket: 3 })
    endpoint.receive(packet, { host: 'fe80::1%eth0', port: 1 })
    expect(fates(endpoint)).toEqual({ noSocket: 3, noHandler: 1 })
  })

  it('property: no bytes throw, and each datagram is counted once', () => {
    const { endpoint } = setUp()
    const good = datagram()
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 1_300 }),
      fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, to]) => changed(good, at, to)),
      fc.uint8Array({ minLength: 30, maxLength: 200 }).map((one) => changed(changed(one, 0, 0x80), 1, 0x12)),
      fc.uint8Array({ minLength: 43, maxLength: 500 }).map((one) => changed(changed(one, 0, 0x03), 1, 0x13)),
      fc.uint8Array({ minLength: 1, maxLength: 80 }).map((body) => datagram({ body, sentAt: 1_000 + body.length })),
    )
    fc.assert(fc.property(bytes, (one) => endpoint.receive(one, FROM, fakeSocket())))
    const counts = Object.values(fates(endpoint))
    expect(counts.reduce((sum, count) => sum + count)).toBe(endpoint.counters.received)
  })
})

describe('RequestsEndpoint.announce', () => {
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
      await endpoint.announce(['ping', next], FROM)
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
    await expect(endpoint.announce(null, FROM)).rejects.toEqual(code('NO_SOCKET'))
    endpoint.attach(v6)
    const detach = endpoint.attach(v4)
    await endpoint.announce(null, FROM)
    await endpoint.announce(null, { host: 'fe80::1', port: 1 })
    await endpoint.announce(null, FROM, special)
    expect([v4, v6, special].map(({ outgoing }) => outgoing.length)).toEqual([1, 1, 1])
    detach()
    await expect(endpoint.announce(null, FROM)).rejects.toEqual(code('NO_SOCKET'))
  })

  it('rejects with what went wrong, and counts it', async () => {
    const { endpoint } = setUp()
    const broken = new TransportError('UNREACHABLE', 'no route')
    await expect(endpoint.announce(null, FROM, fakeSocket('0.0.0.0', broken))).rejects.toBe(broken)
    endpoint.attach(fakeSocket())
    await expect(endpoint.announce(new Uint8Array(1_200), FROM)).rejects.toMatchObject({ name: 'WireError' })
    await expect(endpoint.announce((() => {}) as unknown as Value, FROM)).rejects.toMatchObject({ name: 'WireError' })
    expect(endpoint.counters).toMatchObject({ sent: 0, sendFailed: 3 })
  })
})

describe('RequestsEndpoint.submit', () => {
  it('asks a proved peer, whose handler is told who asks', async () => {
    const { a, b, pass, to, clock } = pair()
    const asked: unknown[] = []
    b.endpoint.register(0x90, { access: 'anyone' }, (event) => {
      asked.push({ ...event, peer: event.peer.toString() })
      return ['re', event.body]
    })
    const reply = a.endpoint.submit(to(b), 0x90, { x: 1 })
    pass()
    expect(await reply).toEqual(['re', { x: 1 }])
    const event = { header: '0x90', rootCode: 0x90, body: { x: 1 }, asks: true, early: false, address: a.address }
    expect(asked).toEqual([{ ...event, peer: a.id.toString() }])
    expect([a, b].map(({ endpoint }) => endpoint.size)).toEqual(
      [1, 2].map(() => ({ sessions: 1, unconfirmed: 0, handshakes: 0, pairs: 1, pending: 0, handling: 0 })),
    )
    expect(a.endpoint.counters).toMatchObject({ requests: 1, repetitions: 0, established: 1, handled: 1 })
    expect(b.endpoint.counters).toMatchObject({ replies: 1, handled: 1, handshake: 1, established: 1 })
    await clock.advance(100)
    expect(a.socket.outgoing).toEqual([])
  })

  it('needs one round trip for what may be repeated, and that is told its handler', async () => {
    const { a, b, to } = pair()
    let early: boolean | undefined
    b.endpoint.register(0x91, { access: 'anyone', idempotent: true }, (event) => {
      early = event.early
      return event.body
    })
    const reply = a.endpoint.submit(to(b), 0x91, 'now', { idempotent: true })
    expect(a.socket.outgoing).toHaveLength(1)
    for (const { bytes } of a.socket.outgoing.splice(0)) b.endpoint.receive(bytes, a.address, b.socket)
    for (const { bytes } of b.socket.outgoing.splice(0)) a.endpoint.receive(bytes, b.address, a.socket)
    expect([await reply, early]).toEqual(['now', true])
    // No more went back than came.
    expect(b.endpoint.counters.bytesOut).toBeLessThanOrEqual(b.endpoint.counters.bytesIn)
  })

  it('hears an answer that has overtaken the second message of the handshake', async () => {
    const { a, b, to } = pair()
    const reply = a.endpoint.submit(to(b), 0x81, 'quick', { idempotent: true })
    for (const { bytes } of a.socket.outgoing.splice(0)) b.endpoint.receive(bytes, a.address, b.socket)
    const answers = b.socket.outgoing.splice(0).reverse()
    expect(answers).toHaveLength(2)
    for (const { bytes } of answers) a.endpoint.receive(bytes, b.address, a.socket)
    expect(await reply).toBe('quick')
    expect(a.endpoint.counters).toMatchObject({ resetsSent: 0, repetitions: 0 })
  })

  it('has nothing run from a first message but what may be repeated: the rest comes again by the session', async () => {
    const { a, b, pass, to, clock } = pair()
    const ran: boolean[] = []
    b.endpoint.register(0x90, { access: 'anyone' }, ({ early, body }) => {
      ran.push(early)
      return body
    })
    // The caller believes that it may be repeated; its handler does not.
    const reply = a.endpoint.submit(to(b), 0x90, 'first', { idempotent: true })
    pass()
    expect([b.endpoint.counters.early, ran]).toEqual([1, []])
    await clock.advance(30)
    pass()
    expect([await reply, ran]).toEqual(['first', [false]])
  })

  it('asks whoever is at an address, by the record that he shows', async () => {
    const { a, b, pass } = pair()
    const reply = a.endpoint.submit({ address: b.address }, 0x80, 'who')
    pass()
    await settle()
    pass()
    expect(await reply).toBe('who')
    expect(b.endpoint.counters.recordsSent).toBe(1)
    const record = a.endpoint.recordAt(b.address)
    pass()
    expect((await record).id.equals(b.id)).toBe(true)
  })

  it('shows no record where it has none', async () => {
    const { a, b, pass, clock } = pair({ b: { record: undefined as never } })
    const record = a.endpoint.recordAt(b.address, { timeoutMs: 50 }).catch((error: unknown) => error)
    pass()
    await clock.advance(50)
    expect(await record).toEqual(code('REPLY_TIMEOUT'))
    expect(b.endpoint.counters).toMatchObject({ noHandler: 1, sent: 0 })
  })

  it('believes no record that its peer has not signed', async () => {
    const forged = { bytes: new Uint8Array(180) } as SignedPeerRecord
    const { a, b, pass } = pair({ b: { record: () => forged } })
    const record = a.endpoint.recordAt(b.address).catch((error: unknown) => error)
    pass()
    expect(await record).toBeInstanceOf(IdentityError)
    expect(a.endpoint.size.pending).toBe(0)
  })

  it('verifies no more records than there is time for', async () => {
    const { a, b, pass } = pair({ a: { limits: { signatures: { ratePerSecond: 1, burst: 1 } } } })
    const records = [1, 2].map(() => a.endpoint.recordAt(b.address).catch((error: unknown) => error))
    pass()
    const [first, second] = await Promise.all(records)
    expect(first).toMatchObject({ id: b.id })
    expect(second).toEqual(code('BUSY'))
    expect(a.endpoint.maySignatureBeChecked()).toBe(false)
  })

  it.each([
    [1, 'NO_HANDLER'],
    [2, 'DENIED'],
    [3, 'BUSY'],
    [5, 'HANDLER_FAILED'],
    [11, 'TOO_LARGE'],
  ])('rejects with what error %d means', async (_, expected) => {
    const { a, b, pass, to } = pair()
    const handlers: Record<string, () => unknown> = {
      DENIED: () => b.endpoint.register(0x90, { access: 'trusted' }, () => null),
      BUSY: () =>
        b.endpoint.register(0x90, { access: 'anyone', concurrency: 1, queue: 0 }, () => new Promise(() => {})),
      HANDLER_FAILED: () => b.endpoint.register(0x90, { access: 'anyone' }, () => Promise.reject(new Error('x'))),
      TOO_LARGE: () => b.endpoint.register(0x90, { access: 'anyone' }, () => new Uint8Array(1_190)),
    }
    handlers[expected]?.()
    const asked = [1, 2].map((n) => a.endpoint.submit(to(b), 0x90, n).catch((error: unknown) => error))
    pass()
    await settle()
    pass()
    expect(await (expected === 'BUSY' ? asked[1] : asked[0])).toEqual(code(expected))
    await a.endpoint.close()
  })

  it('refuses at once what cannot be asked, and leaves nothing', async () => {
    const { a, b, to, clock } = pair({ a: { limits: { pending: 1 } } })
    const ask = (rootCode: number, body: Value, options = {}) =>
      a.endpoint.submit(to(b), rootCode, body, options).catch((error: unknown) => error)
    for (const rootCode of [0x01, 0x05, 0x7f, 0x100, -1, 0.5])
      expect(await ask(rootCode, 1)).toEqual(code('INVALID_ARGUMENT'))
    expect(await ask(0x80, new Uint8Array(1_161 - 2))).toEqual(code('TOO_LARGE'))
    expect(await ask(0x80, (() => {}) as unknown as Value)).toMatchObject({ name: 'WireError' })
    for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e12]) {
      expect(await ask(0x80, 1, { timeoutMs })).toEqual(code('INVALID_ARGUMENT'))
      await expect(a.endpoint.recordAt(b.address, { timeoutMs })).rejects.toEqual(code('INVALID_ARGUMENT'))
    }
    expect(await ask(0x80, 1, { signal: AbortSignal.abort('why') })).toBe('why')
    await expect(a.endpoint.submit({ id: b.id, address: { host: '::2', port: 1 } }, 0x80, 1)).rejects.toEqual(
      code('NO_SOCKET'),
    )
    await expect(a.endpoint.submit({ address: { host: '::2', port: 1 } }, 0x80, 1)).rejects.toEqual(code('NO_SOCKET'))
    expect([a.endpoint.size.pairs, a.endpoint.size.pending, clock.pending, a.socket.outgoing]).toEqual([0, 0, 0, []])
    const first = ask(0x80, 1)
    expect(await ask(0x80, 2)).toEqual(code('TOO_MANY_PENDING'))
    await a.endpoint.close()
    expect(await first).toEqual(code('CLOSED'))
  })

  it('takes the longest body that fits, to the byte', async () => {
    const { a, b, pass, to } = pair()
    const body = new Uint8Array(1_161 - 3) // msgpack: three bytes say how long it is
    const reply = a.endpoint.submit(to(b), 0x80, body)
    pass()
    expect(await reply).toEqual(body)
  })

  it('leaves no pair behind when the question who is there was answered and then nothing could be asked', async () => {
    const { a, b, pass } = pair({ a: { limits: { pending: 1 } } })
    const other = a.endpoint.submit({ id: identityOf(9).id, address: { host: '10.0.0.9', port: 1 } }, 0x80, 1)
    const failed = a.endpoint.submit({ address: b.address }, 0x80, 1).catch((error: unknown) => error)
    expect(await failed).toEqual(code('TOO_MANY_PENDING'))
    const controller = new AbortController()
    const aborted = a.endpoint.recordAt(b.address, { signal: controller.signal }).catch((error: unknown) => error)
    controller.abort('enough')
    expect(await aborted).toBe('enough')
    pass()
    await a.endpoint.close()
    expect(await other.catch((error: unknown) => error)).toEqual(code('CLOSED'))
    expect([a.endpoint.size.pairs, a.endpoint.size.pending]).toEqual([0, 0])
  })
})

describe('RequestsEndpoint.send', () => {
  it('tells a proved peer something, and says when it went', async () => {
    const { a, b, pass, to } = pair()
    const told: Value[] = []
    b.endpoint.register(0x90, { access: 'anyone' }, ({ body, asks }) => {
      told.push([body, asks])
      return 'goes nowhere'
    })
    const sent = a.endpoint.send(to(b), 0x90, 'x')
    pass()
    expect([await sent, told]).toEqual([undefined, [['x', false]]])
    expect(b.endpoint.counters.replies).toBe(0)
  })

  it('keeps apart what begins alike while the session is made', async () => {
    const { a, b, pass, to } = pair()
    const told: Value[] = []
    b.endpoint.register(0x90, { access: 'anyone' }, ({ body }) => void told.push(body))
    const sent = ['same', 'same', 'same'].map((body) => a.endpoint.send(to(b), 0x90, body))
    pass()
    await Promise.all(sent)
    expect(told).toEqual(['same', 'same', 'same'])
    expect(a.endpoint.size.pending).toBe(0)
  })
})

describe('RequestsEndpoint: signals and close', () => {
  it('an aborted call rejects with the reason, and one that waited for its place goes on', async () => {
    const { a, b, pass, to, clock } = pair({ a: { limits: { pendingPerPeer: 1 } } })
    const warm = a.endpoint.submit(to(b), 0x80, 0)
    pass()
    await warm
    const controller = new AbortController()
    const first = a.endpoint.submit(to(b), 0x80, 1, { signal: controller.signal }).catch((error: unknown) => error)
    const second = a.endpoint.submit(to(b), 0x80, 2)
    a.socket.outgoing.splice(0)
    controller.abort('enough')
    expect(await first).toBe('enough')
    // What it sends now is lost: it must come again by itself.
    a.socket.outgoing.splice(0)
    await clock.advance(30)
    pass()
    expect(await second).toBe(2)
    expect(a.endpoint.size.pending).toBe(0)
  })

  it('leaves no listener on a signal that outlives its calls', async () => {
    const { a, b, pass, to } = pair()
    const { signal } = new AbortController()
    let listeners = 0
    const [add, remove] = [signal.addEventListener, signal.removeEventListener].map((method) => method.bind(signal))
    signal.addEventListener = (...args: Parameters<AbortSignal['addEventListener']>) => {
      listeners++
      add?.(...args)
    }
    signal.removeEventListener = (...args: Parameters<AbortSignal['removeEventListener']>) => {
      listeners--
      remove?.(...args)
    }
    const asked = [
      a.endpoint.submit(to(b), 0x80, 1, { signal }),
      a.endpoint.submit({ address: b.address }, 0x80, 2, { signal }),
    ]
    pass()
    await settle()
    pass()
    expect(await Promise.all(asked)).toEqual([1, 2])
    expect(listeners).toBe(0)
  })

  it('close settles everything with CLOSED, leaves no timer and hears nothing more', async () => {
    const { a, b, pass, to, clock } = pair()
    const warm = a.endpoint.submit(to(b), 0x80, 0)
    pass()
    await warm
    const waiting = [
      a.endpoint.submit(to(b), 0x80, 1),
      a.endpoint.submit({ id: identityOf(9).id, address: { host: '10.0.0.9', port: 1 } }, 0x80, 2),
      a.endpoint.submit({ address: { host: '10.0.0.8', port: 1 } }, 0x80, 3),
      a.endpoint.recordAt({ host: '10.0.0.8', port: 1 }),
    ].map((one) => one.catch((error: unknown) => error))
    await a.endpoint.close()
    await a.endpoint[Symbol.asyncDispose]()
    expect(await Promise.all(waiting)).toEqual(Array.from({ length: 4 }, () => code('CLOSED')))
    const { received } = a.endpoint.counters
    pass()
    expect(a.endpoint.counters.received).toBe(received)
    await expect(a.endpoint.submit(to(b), 0x80, 1)).rejects.toEqual(code('CLOSED'))
    await expect(a.endpoint.send(to(b), 0x80, 1)).rejects.toEqual(code('CLOSED'))
    await expect(a.endpoint.recordAt(b.address)).rejects.toEqual(code('CLOSED'))
    await expect(a.endpoint.announce(null, FROM)).rejects.toEqual(code('CLOSED'))
    for (const use of [
      () => a.endpoint.register(0x90, { access: 'anyone' }, () => null),
      () => a.endpoint.onAnnouncement(() => {}),
      () => a.endpoint.attach(fakeSocket()),
    ]) {
      expect(use).toThrow(code('CLOSED') as Error)
    }
    await b.endpoint.close()
    expect(clock.pending).toBe(0)
  })

  it('close waits for handlers that run, whose answers still go out, or gives them up', async () => {
    const { a, b, pass, to } = pair()
    const finish: ((value: Value) => void)[] = []
    b.endpoint.register(0x90, { access: 'anyone' }, () => new Promise<Value>((resolve) => finish.push(resolve)))
    const asked = [1, 2].map((n) => a.endpoint.submit(to(b), 0x90, n).catch((error: unknown) => error))
    pass()
    let closed = false
    const closing = b.endpoint.close().then(() => {
      closed = true
    })
    await settle()
    expect([closed, b.endpoint.size.handling]).toEqual([false, 2])
    finish[0]?.('in time')
    await settle()
    pass()
    expect(await asked[0]).toBe('in time')
    await b.endpoint.close({ signal: AbortSignal.abort() })
    await closing
    pass()
    expect(await asked[1]).toEqual(code('HANDLER_FAILED'))
    await a.endpoint.close()
  })
})

describe('RequestsEndpoint: sockets', () => {
  it('answers by the socket that a request came in by', async () => {
    const { a, b, to } = pair()
    const second = fakeSocket('10.0.1.2')
    b.endpoint.attach(second)
    const reply = a.endpoint.submit(to(b), 0x80, 1)
    const carry = (from: FakeSocket, to_: typeof a, sender: Address, via: FakeSocket): void => {
      for (const { bytes } of from.outgoing.splice(0)) to_.endpoint.receive(bytes, sender, via)
    }
    for (let turn = 0; turn < 2; turn++) {
      carry(a.socket, b, a.address, second)
      expect(b.socket.outgoing).toEqual([])
      carry(second, a, b.address, a.socket)
    }
    expect(await reply).toBe(1)
  })

  it('sends by the socket whose interface leads there, of the family and scope that are needed', async () => {
    const interfaces = (): NetworkInterface[] => [
      { name: 'eth0', address: '10.0.0.1', family: 4, netmask: '255.255.255.0', internal: false },
      { name: 'eth1', address: '10.0.1.1', family: 4, netmask: '255.255.255.0', internal: false },
    ]
    const { endpoint } = setUp({ interfaces })
    const hosts = ['10.0.0.1', '10.0.1.1', 'fe80::1%eth0', 'fe80::2%eth1']
    const sockets = hosts.map((host) => fakeSocket(host))
    for (const socket of sockets) endpoint.attach(socket)
    for (const host of ['10.0.1.9', '10.0.0.9', 'fe80::9%eth1', '172.16.0.1'])
      await endpoint.announce(null, { host, port: 1 })
    expect(sockets.map(({ outgoing }) => outgoing.map(({ to }) => to.host))).toEqual([
      ['10.0.0.9', '172.16.0.1'],
      ['10.0.1.9'],
      [],
      ['fe80::9%eth1'],
    ])
  })

  it('sends by another socket when the one it used is taken away', async () => {
    const { a, b, pass, to } = pair()
    const detach = a.endpoint.attach(a.socket)
    const warm = a.endpoint.submit(to(b), 0x80, 0)
    pass()
    await warm
    detach()
    const next = fakeSocket()
    a.endpoint.attach(next)
    const reply = a.endpoint.submit(to(b), 0x80, 1)
    expect(a.socket.outgoing).toEqual([])
    for (const { bytes } of next.outgoing.splice(0)) b.endpoint.receive(bytes, a.address, b.socket)
    pass()
    expect(await reply).toBe(1)
  })

  it('backs off while the machine takes no more, and goes on', async () => {
    const { a, b, pass, to, clock } = pair()
    const warm = a.endpoint.submit(to(b), 0x80, 0)
    pass()
    await warm
    a.socket.full = true
    const reply = a.endpoint.submit(to(b), 0x80, 1)
    await clock.advance(100)
    expect(a.endpoint.counters.sendFailed).toBe(11)
    a.socket.full = false
    await clock.advance(10)
    pass()
    expect(await reply).toBe(1)
    expect(a.endpoint.counters.repetitions).toBe(0)
  })
})

describe('RequestsEndpoint: limits', () => {
  it('hears no more of a peer than its quota, and of another one all the same', async () => {
    const { b, a, pass, to } = pair({ b: { limits: { peer: { packets: { ratePerSecond: 1, burst: 3 } } } } })
    const asked = Array.from({ length: 8 }, (_, n) =>
      a.endpoint.submit(to(b), 0x80, n).catch((error: unknown) => error),
    )
    pass()
    expect(b.endpoint.counters).toMatchObject({ handled: 3, peerLimit: 5 })
    await a.endpoint.close()
    expect((await Promise.all(asked)).filter((reply) => typeof reply === 'number')).toEqual([0, 1, 2])
  })

  it('drops what is worth least when this process is behind', async () => {
    const clock = new VirtualClock()
    const slow = slowClock(clock)
    const { a, b, pass, to } = pair({ b: { clock: slow } })
    b.endpoint.register(RootCode.GOSSIP, { access: 'anyone' }, () => null)
    b.endpoint.register(RootCode.MEMBERSHIP, { access: 'anyone' }, () => 'up')
    const warm = a.endpoint.submit(to(b), 0x80, 0)
    pass()
    await warm
    slow.late += 150
    const gossip = a.endpoint.send(to(b), RootCode.GOSSIP, 'rumour')
    const ping = a.endpoint.submit(to(b), RootCode.MEMBERSHIP, 'ping')
    pass()
    expect([await gossip, await ping, b.endpoint.counters.shed]).toEqual([undefined, 'up', 1])
    await b.endpoint.close()
    expect(clock.pending).toBe(0)
  })

  describe('the time for strangers', () => {
    /** An endpoint to which every question for its record takes `ms`. */
    function asked(ms: () => number) {
      const [clock, socket, identity] = [new VirtualClock(), fakeSocket(), identityOf(1)]
      const slow = slowClock(clock)
      const record = recordOf(identity, socket.address)
      const { endpoint } = setUp({
        clock: slow,
        record() {
          slow.late += ms()
          return record
        },
      })
      endpoint.attach(socket)
      const host = (stranger: number): Address => ({ host: `10.1.0.${stranger}`, port: 3_485 })
      const askedBy = (stranger: number): void => {
        const nonce = new Uint8Array(8).fill(stranger)
        endpoint.receive(packSessionPacket(network, { type: 4, nonce }), host(stranger), socket)
      }
      return { clock, socket, identity, endpoint, host, askedBy }
    }

    it('is a quarter; answers that this side waits for are heard at any time', async () => {
      const { clock, socket, endpoint, askedBy } = asked(() => 4)
      for (let stranger = 0; stranger < 200; stranger++) askedBy(stranger)
      // Half of the burst of 250 ms, and a quarter of the time that passed meanwhile.
      const { recordsSent } = endpoint.counters
      expect(recordsSent).toBeGreaterThan(125 / 4)
      expect(recordsSent).toBeLessThan(125 / 3 + 2)
      expect(fates(endpoint)).toEqual({ handshake: recordsSent, handshakeLimit: 200 - recordsSent })

      const b = pair().b
      socket.outgoing.length = 0
      const answer = endpoint.recordAt(b.address)
      b.endpoint.receive(socket.outgoing[0]?.bytes as Uint8Array, socket.address, b.socket)
      endpoint.receive(b.socket.outgoing[0]?.bytes as Uint8Array, b.address, socket)
      expect((await answer).id.equals(b.id)).toBe(true)

      await clock.advance(40)
      askedBy(201)
      expect(endpoint.counters.recordsSent).toBe(recordsSent + 1)
      await endpoint.close()
    })

    it('is left in part to those who come with a good cookie', async () => {
      const { socket, identity, endpoint, host, askedBy } = asked(() => 4)
      askedBy(1)
      const answer = readSessionPacket(network, socket.outgoing[0]?.bytes as Uint8Array)
      const cookie = typeof answer !== 'string' && answer.type === 5 ? answer.cookie : undefined
      for (let stranger = 2; stranger < 200; stranger++) askedBy(stranger)
      const random = new SeededRandom('strangers')
      const begin = (stranger: number, more: { cookie?: Uint8Array } = {}): Record<string, number> => {
        const before = { ...endpoint.counters }
        endpoint.receive(
          initiation(random, { from: identityOf(3), to: identity.id, index: stranger, ...more }),
          host(stranger),
          socket,
        )
        return { took: endpoint.counters.handshake - before.handshake, left: endpoint.size.unconfirmed }
      }
      if (cookie === undefined) throw new Error('no cookie came')
      expect(begin(1)).toEqual({ took: 0, left: 0 })
      expect(begin(2, { cookie })).toEqual({ took: 0, left: 0 })
      expect(begin(1, { cookie })).toEqual({ took: 1, left: 1 })
      await endpoint.close()
    })

    it('is not used up by a process that stood still', async () => {
      const stops = [10_000]
      const { endpoint, askedBy } = asked(() => stops.pop() ?? 0)
      for (let stranger = 0; stranger < 3; stranger++) askedBy(stranger)
      expect(endpoint.counters.recordsSent).toBe(3)
      await endpoint.close()
    })
  })

  it.each([
    { pending: 0 },
    { pendingPerPeer: Number.NaN },
    { sessions: 0 },
    { concurrency: 0 },
    { peer: { bytes: { ratePerSecond: -1, burst: 1 } } },
    { signatures: { ratePerSecond: 0, burst: 1 } },
    { failedOpens: { ratePerSecond: 1, burst: 0 } },
    { cookies: { ratePerSecond: 0, burst: 0 } },
    { work: { ratePerSecond: 0, burst: 1 } },
    { addresses: { ratePerSecond: 0 } },
  ])('refuses the limits %j when it is made', (limits) => {
    expect(() => setUp({ limits })).toThrow(code('INVALID_ARGUMENT') as Error)
  })

  it('needs a boot id of 8 bytes', () => {
    expect(() => setUp({ bootId: new Uint8Array(7) })).toThrow(code('INVALID_ARGUMENT') as Error)
  })

  it('has one handler for announcements, until that is taken away', () => {
    const { endpoint } = setUp()
    expect(() => endpoint.onAnnouncement(() => {})).toThrow(code('HANDLER_EXISTS') as Error)
    const fresh = RequestsEndpoint.create({ identity: identityOf(1), network, bootId: OURS, clock: new VirtualClock() })
    const heard: Announcement[] = []
    const away = fresh.onAnnouncement((one) => heard.push(one))
    away()
    fresh.receive(datagram(), FROM)
    fresh.onAnnouncement((one) => heard.push(one))
    away()
    fresh.receive(datagram({ sentAt: 2_000 }), FROM)
    expect([heard.length, fates(fresh)]).toEqual([1, { noHandler: 1, handled: 1 }])
  })

  it('counts under stable names', () => {
    const names: (keyof RequestsCounters)[] = ['received', 'handled', 'noSocket', 'session', 'bytesOut']
    for (const name of names) expect(setUp().endpoint.counters[name]).toBe(0)
  })
})

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function bound(clock: VirtualClock) {
  return {
    now: () => clock.now(),
    setTimeout: (callback: () => void, delayMs: number) => clock.setTimeout(callback, delayMs),
    clearTimeout: (timer: unknown) => clock.clearTimeout(timer),
  }
}
