import type { PeerId } from '@pc/identity'
import { createIdentity, openNetwork, signPeerRecord } from '@pc/identity'
import { createTestLogger, SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { encodeFrame, type Value } from '@pc/wire'
import { beforeEach, describe, expect, test } from 'vitest'
import { Connection } from '../src/connection.js'
import { Connector } from '../src/connector.js'
import type { TransportErrorCode } from '../src/errors.js'
import { helloBody } from '../src/hello.js'
import { PeerBook } from '../src/peer-book.js'
import {
  introduce,
  PORT,
  type SimulatedPeer,
  type SimulatedPeerOptions,
  simulatedPeer,
} from './_util/simulated-peer.js'

let clock: VirtualClock
let random: SeededRandom
let network: SimulatedNetwork<PeerId>
let a: SimulatedPeer
let b: SimulatedPeer

function peer(name: string, host: string, options: Partial<SimulatedPeerOptions> = {}): Promise<SimulatedPeer> {
  return simulatedPeer({ clock, random: random.stream(name), network, host, ...options })
}

/** Lets time run until the promise settles. */
async function eventually<Result>(promise: Promise<Result>): Promise<Result> {
  let settled = false
  promise.then(
    () => {
      settled = true
    },
    () => {
      settled = true
    },
  )
  await clock.runUntil(() => settled)
  return promise
}

async function failure(
  promise: Promise<unknown>,
): Promise<{ code: TransportErrorCode; cause: unknown; retryable: boolean }> {
  return eventually(promise).then(
    () => expect.fail('it should have been rejected'),
    (error) => error,
  )
}

const control = (from: SimulatedPeer, to: SimulatedPeer) => eventually(from.connector.control(to.identity.id))

beforeEach(async () => {
  clock = new VirtualClock()
  random = new SeededRandom('connector')
  network = new SimulatedNetwork<PeerId>({ clock, random })
  a = await peer('a', '10.0.0.1')
  b = await peer('b', '10.0.0.2')
  introduce(a, b)
})

describe('control', () => {
  test('connects both sides, with the same stream, and tells each once', async () => {
    const connection = await control(a, b)
    await clock.advance(100)
    expect(connection.peer.equals(b.identity.id)).toBe(true)
    expect(connection.record.name).toBe('10.0.0.2')
    expect(connection.bootId).toHaveLength(8)
    expect(connection.dialled).toBe(true)
    expect(b.connected.map(({ peer, dialled }) => [peer.toString(), dialled])).toEqual([
      [a.identity.id.toString(), false],
    ])
    expect(await a.connector.control(b.identity.id)).toBe(connection)
    expect(await b.connector.control(a.identity.id)).toBe(b.connected[0])
    expect([a.dials, b.dials]).toEqual([1, 0])
    expect(a.connector.current(b.identity.id)).toBe(connection)
  })

  test('dials once however many ask', async () => {
    const asked = Array.from({ length: 20 }, () => a.connector.control(b.identity.id))
    const got = await eventually(Promise.all(asked))
    expect(new Set(got).size).toBe(1)
    expect(a.dials).toBe(1)
  })

  test('one that leaves by its signal disturbs nobody; when all have left the dial is cut', async () => {
    const [first, second] = [new AbortController(), new AbortController()]
    const leaving = a.connector.control(b.identity.id, { signal: first.signal })
    const staying = a.connector.control(b.identity.id)
    first.abort(new Error('no more'))
    await expect(leaving).rejects.toThrow('no more')
    await eventually(staying)
    await eventually(a.connector.close())
    const c = await peer('c', '10.0.0.3')
    c.peerBook.noteHint(b.identity.id, { host: '10.0.0.77', port: 1 })
    const only = c.connector.control(b.identity.id, { signal: second.signal })
    second.abort(new Error('nobody waits'))
    await expect(only).rejects.toThrow('nobody waits')
    c.peerBook.noteHint(b.identity.id, b.address)
    await control(c, b)
  })

  test('rejects with a code that says what to do', async () => {
    const stranger = createIdentity(new Uint8Array(32).fill(3)).id
    expect(await failure(a.connector.control(stranger))).toMatchObject({ code: 'NO_ADDRESS', retryable: true })
    expect(await failure(a.connector.control(a.identity.id))).toMatchObject({ code: 'SELF_DIALLED', retryable: false })
    a.peerBook.noteHint(stranger, b.address)
    expect(await failure(a.connector.control(stranger))).toMatchObject({
      code: 'PEER_UNREACHABLE',
      retryable: true,
      cause: { code: 'WRONG_PEER' },
    })
    a.peerBook.noteHint(stranger, { host: '10.0.0.2', port: 9 })
    expect(await failure(a.connector.control(stranger))).toMatchObject({ code: 'PEER_UNREACHABLE' })
    await eventually(a.connector.close())
    expect(await failure(a.connector.control(b.identity.id))).toMatchObject({ code: 'CLOSED' })
  })

  test('notes what is proved: address, record, round-trip time', async () => {
    const connection = await control(a, b)
    const ms = await eventually(connection.ping())
    const known = a.peerBook.get(b.identity.id)
    expect(known).toMatchObject({
      proved: [{ address: b.address }],
      hints: [],
      roundTripMs: ms,
      record: { name: '10.0.0.2' },
    })
    expect(ms).toBeGreaterThan(0.6)
    // The dialler's port is not one to dial.
    expect(b.peerBook.get(a.identity.id)).toMatchObject({ proved: [], record: { sequence: 1 } })
    expect(b.peerBook.get(a.identity.id)?.lastProofAt).toBeDefined()
  })

  test('dials anew while the former connection is closing', async () => {
    const first = await control(a, b)
    await clock.advance(10)
    void b.connector.close()
    await clock.runUntil(() => a.disconnected.length === 1)
    expect(a.disconnected[0]?.reason).toEqual({ code: 'LEAVING', polite: true })
    expect(await first.closed).toEqual({ code: 'LEAVING', polite: true })
    await expect(first.send('x/y', 1, null)).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    await expect(first.ping()).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect(await failure(a.connector.control(b.identity.id))).toMatchObject({
      code: 'PEER_UNREACHABLE',
      cause: { code: 'REFUSED' },
    })
  })

  test('waits for a HELLO that is under way before it gives up', async () => {
    const late = createIdentity(new Uint8Array(32).fill(4))
    expect(await failure(a.connector.control(late.id))).toMatchObject({ code: 'NO_ADDRESS' })
    const stream = await eventually(network.host({ id: late.id, address: '10.0.0.4' }).connect(a.address))
    await clock.runUntil(() => a.acceptor.halfOpen === 1)
    const asked = a.connector.control(late.id)
    await clock.advance(1_000)
    const record = signPeerRecord(late, { sequence: 1, name: 'late', addresses: [], capabilities: [] })
    const { keyId } = openNetwork('test')
    const body = helloBody({
      version: [1, 1],
      boot: new Uint8Array(8),
      kind: 'control',
      record,
      features: [],
      network: keyId,
      pair: 0,
    })
    stream.duplex.write(encodeFrame({ header: 'pc/hello', id: 0, version: 1, body, peerId: null }))
    expect(await eventually(asked)).toBe(a.connected[0])
    stream.duplex.destroy()
  })

  test('cuts its dial when the other side has connected meanwhile', async () => {
    const c = await peer('c', '10.0.0.3', { limits: { outbound: 1 } })
    c.peerBook.noteHint(b.identity.id, { host: '10.0.0.99', port: PORT })
    network.host({ id: createIdentity(new Uint8Array(32).fill(99)).id, address: '10.0.0.99' })
    network.powerOff(network.hosts.at(-1) ?? expect.fail())
    const waiting = c.connector.control(b.identity.id)
    b.peerBook.noteHint(c.identity.id, c.address)
    await control(b, c)
    expect((await eventually(waiting)).dialled).toBe(false)
    c.peerBook.noteHint(a.identity.id, a.address)
    await control(c, a)
    expect(clock.now()).toBeLessThan(500)
  })

  test('an event listener that throws is logged and hurts nobody', async () => {
    const logger = createTestLogger()
    const c = await peer('c', '10.0.0.3', { options: { logger } })
    c.peerBook.noteHint(b.identity.id, b.address)
    c.connector.events.on('connected', () => {
      throw new Error('listener broke')
    })
    await control(c, b)
    expect(logger.lines.some(({ level }) => level === 'error')).toBe(true)
    expect(c.connector.current(b.identity.id)).toBeDefined()
  })
})

describe('a peer that was restarted', () => {
  test('replaces its former connection at once: disconnected, then connected', async () => {
    const former = await control(a, b)
    await clock.advance(10)
    network.powerOff(b.host)
    network.restart(b.host)
    const again = await peer('b again', '10.0.0.2', { seed: random.stream('b').bytes(32), sequence: 2 })
    expect(again.identity.id.equals(b.identity.id)).toBe(true)
    again.peerBook.noteHint(a.identity.id, a.address)
    await control(again, a)
    await clock.advance(100)
    expect(a.connected).toHaveLength(2)
    expect(a.disconnected.map(({ reason }) => reason.code)).toEqual(['RESTARTED'])
    expect(await former.closed).toMatchObject({ code: 'RESTARTED', polite: false })
    expect(a.connector.current(b.identity.id)).toBe(a.connected[1])
    expect(a.connected[1]?.bootId).not.toEqual(former.bootId)
    expect(a.streams.size).toBe(1)
  })

  test('is found again by meet, although the former connection still seems to live', async () => {
    await control(a, b)
    network.powerOff(b.host)
    network.restart(b.host)
    const again = await peer('b again', '10.0.0.2', { seed: random.stream('b').bytes(32), sequence: 2 })
    const met = await eventually(a.connector.meet([again.address]))
    await clock.advance(100)
    expect(met).toBe(a.connected[1])
    expect(again.connected).toHaveLength(1)
    expect([a.streams.size, again.streams.size]).toEqual([1, 1])
  })

  test('gives back the places of its former bulk connections, and keeps those of the new process', async () => {
    a.connector.events.on('bulk', (connection) => connection.onMessage(() => {}))
    const dialled = await eventually(Promise.all(Array.from({ length: 4 }, () => a.connector.openBulk(b.identity.id))))
    await eventually(b.connector.openBulk(a.identity.id))
    await clock.advance(10)
    network.powerOff(b.host)
    network.restart(b.host)
    expect(await failure(a.connector.openBulk(b.identity.id))).toMatchObject({ code: 'RESOURCE_BUSY' })
    const again = await peer('b again', '10.0.0.2', { seed: random.stream('b').bytes(32), sequence: 2 })
    again.connector.events.on('bulk', (connection) => connection.onMessage(() => {}))
    again.peerBook.noteHint(a.identity.id, a.address)
    await control(again, a)
    await clock.advance(10)
    expect(await dialled[0]?.closed).toMatchObject({ code: 'RESTARTED', polite: false })
    const open = await eventually(Promise.all(Array.from({ length: 5 }, () => a.connector.openBulk(b.identity.id))))
    await eventually(a.connector.meet([again.address]))
    await clock.advance(10)
    expect(open.every((connection) => connection.open)).toBe(true)
  })

  test('a connection of its former process that comes late changes nothing', async () => {
    const seed = random.stream('b').bytes(32)
    const newer = await peer('b newer', '10.0.0.3', { seed, sequence: 5 })
    newer.peerBook.noteHint(a.identity.id, a.address)
    await control(newer, a)
    await clock.advance(10)
    await failure(
      b.connector.control(a.identity.id).then((connection) => connection.closed.then(() => Promise.reject(connection))),
    )
    await clock.advance(100)
    expect(a.connected).toHaveLength(1)
    expect(a.disconnected).toHaveLength(0)
    expect(newer.disconnected).toHaveLength(0)
  })
})

describe('reach', () => {
  test('dials beside the live connection, which stays, without any event', async () => {
    const live = await control(a, b)
    expect(await eventually(a.connector.reach(b.identity.id))).toBe(live)
    expect(await eventually(b.connector.reach(a.identity.id))).toBe(b.connected[0])
    await clock.advance(100)
    expect(a.dials + b.dials).toBe(3)
    expect([a.streams.size, b.streams.size]).toEqual([1, 1])
    expect([a.connected.length, b.connected.length, a.disconnected.length, b.disconnected.length]).toEqual([1, 1, 0, 0])
  })

  test('connects where there is no connection', async () => {
    const connection = await eventually(a.connector.reach(b.identity.id))
    expect(a.connector.current(b.identity.id)).toBe(connection)
  })

  test('ends with one connection when the one that stood is lost while it dials', async () => {
    const live = await control(a, b)
    const reached = a.connector.reach(b.identity.id)
    for (const stream of a.streams) stream.duplex.destroy()
    const connection = await eventually(reached)
    await clock.advance(100)
    expect(connection).not.toBe(live)
    expect(a.connector.current(b.identity.id)).toBe(connection)
    expect([a.connector.size, a.connected.length, a.disconnected.length]).toEqual([1, 2, 1])
  })

  test('ends with its signal, and with the connector', async () => {
    await control(a, b)
    const abort = new AbortController()
    const aborted = failure(a.connector.reach(b.identity.id, { signal: abort.signal }))
    abort.abort(new Error('enough'))
    expect(await aborted).toMatchObject({ message: 'enough' })
    const cut = failure(a.connector.reach(b.identity.id))
    void a.connector.close()
    expect(await cut).toMatchObject({ code: 'CLOSED' })
  })

  test('says that a peer is not to be reached though a connection to it stands', async () => {
    const live = await control(a, b)
    network.partition(a.host, b.host)
    expect(await failure(a.connector.reach(b.identity.id))).toMatchObject({ code: 'PEER_UNREACHABLE' })
    expect(a.connector.current(b.identity.id)).toBe(live)
  })
})

describe('meet', () => {
  test('follows a hint to whoever is there', async () => {
    const met = await eventually(a.connector.meet([{ host: '10.0.0.2', port: 9 }, b.address]))
    expect(met.peer.equals(b.identity.id)).toBe(true)
    expect(a.peerBook.get(b.identity.id)?.proved).toMatchObject([{ address: b.address }])
  })

  test('gives back the live connection, and closes the new stream as DUPLICATE without any event', async () => {
    const live = await control(a, b)
    const [kept] = a.streams
    expect(await eventually(a.connector.meet([b.address]))).toBe(live)
    expect(await eventually(b.connector.meet([a.address]))).toBe(b.connected[0])
    await clock.advance(100)
    expect(a.dials + b.dials).toBe(3)
    expect([...a.streams]).toEqual([kept])
    expect([a.streams.size, b.streams.size]).toEqual([1, 1])
    expect([a.connected.length, b.connected.length, a.disconnected.length, b.disconnected.length]).toEqual([1, 1, 0, 0])
  })

  test('beside a dial to the same peer ends with one connection', async () => {
    const got = await eventually(
      Promise.all([
        a.connector.meet([b.address]),
        a.connector.control(b.identity.id),
        a.connector.meet([b.address]),
        b.connector.meet([a.address]),
      ]),
    )
    await clock.advance(3_000)
    expect(new Set(got.slice(0, 3)).size).toBe(1)
    expect(a.hellos, 'no second HELLO as a dialler').toBe(1)
    expect(b.hellos).toBeLessThanOrEqual(1)
    expect([a.streams.size, b.streams.size]).toEqual([1, 1])
    expect([a.connected.length, b.connected.length, a.disconnected.length, b.disconnected.length]).toEqual([1, 1, 0, 0])
  })

  test('knows itself', async () => {
    expect(await failure(a.connector.meet([a.address]))).toMatchObject({ code: 'SELF_DIALLED' })
  })

  test('refuses somebody else than expected', async () => {
    expect(
      await failure(a.connector.meet([b.address], { expect: createIdentity(new Uint8Array(32).fill(3)).id })),
    ).toMatchObject({
      code: 'WRONG_PEER',
    })
    await clock.advance(6_000)
    expect(b.connected).toEqual([])
  })
})

describe('priorities', () => {
  test('of a control connection: what is urgent overtakes what waits', async () => {
    const connection = await control(a, b)
    const order: string[] = []
    b.connector.events.on('frame', (_connection, { header }) => order.push(header))
    for (let count = 0; count < 15; count += 1) {
      void connection.send('app/bulk', connection.nextId(), new Uint8Array(60_000), 'bulk')
    }
    // The stream has taken all that it takes at once.
    await clock.advance(0)
    void connection.send('app/urgent', connection.nextId(), null, 'urgent')
    await clock.runUntil(() => order.length === 16)
    expect(order.indexOf('app/urgent')).toBeLessThan(8)
  })
})

describe('bulk', () => {
  test('opens a connection of its own, and both sides own one end', async () => {
    const opened: Connection[] = []
    b.connector.events.on('bulk', (connection) => opened.push(connection))
    const bulk = await eventually(a.connector.openBulk(b.identity.id))
    const sent = bulk.send({ header: 'svc/data', id: 1, body: new Uint8Array(500_000) })
    await clock.runUntil(() => opened.length === 1)
    const received: Value[] = []
    opened[0]?.onMessage((message) => received.push(message.body))
    await eventually(sent)
    await clock.runUntil(() => received.length === 1)
    expect((received[0] as Uint8Array).length).toBe(500_000)
    expect(a.connected).toEqual([])
    await eventually(bulk.close())
    expect((await opened[0]?.closed)?.polite).toBe(true)
  })

  test('allows 5 with one peer, and a sixth when one has ended', async () => {
    b.connector.events.on('bulk', (connection) => connection.onMessage(() => {}))
    const open = await eventually(Promise.all(Array.from({ length: 5 }, () => a.connector.openBulk(b.identity.id))))
    expect(await failure(a.connector.openBulk(b.identity.id))).toMatchObject({ code: 'RESOURCE_BUSY', retryable: true })
    await clock.advance(10)
    expect(await failure(b.connector.openBulk(a.identity.id))).toMatchObject({ code: 'RESOURCE_BUSY' })
    await eventually((open[0] as Connection).close())
    await eventually(a.connector.openBulk(b.identity.id))
  })

  test('is told BUSY by a peer without a bulk service, and closes politely', async () => {
    const bulk = await eventually(a.connector.openBulk(b.identity.id))
    bulk.onMessage(() => expect.fail('GOAWAY is no message'))
    expect(await eventually(bulk.closed)).toEqual({ code: 'BUSY', polite: true })
  })
})

describe('limits', () => {
  test('of dialled connections: RESOURCE_BUSY', async () => {
    const c = await peer('c', '10.0.0.3', { limits: { outbound: 1 } })
    for (const other of [a, b]) c.peerBook.noteHint(other.identity.id, other.address)
    await control(c, a)
    expect(await failure(c.connector.control(b.identity.id))).toMatchObject({ code: 'RESOURCE_BUSY', retryable: true })
    await eventually(a.connector.close())
    await clock.runUntil(() => c.streams.size === 0)
    await control(c, b)
  })

  test('of accepted connections: the next one is told BUSY, until one has ended', async () => {
    const full = await peer('full', '10.0.0.9', { limits: { inbound: 1 } })
    for (const other of [a, b]) other.peerBook.noteHint(full.identity.id, full.address)
    await control(a, full)
    expect(await failure(b.connector.control(full.identity.id))).toMatchObject({
      code: 'PEER_UNREACHABLE',
      cause: { code: 'REFUSED' },
    })
    expect(full.acceptor.counters).toMatchObject({ accepted: 1, refusedByTotal: 1 })
    await clock.advance(100)
    expect(full.acceptor.halfOpen).toBe(0)
    await eventually(a.connector.close())
    await clock.runUntil(() => full.acceptor.open === 0)
    await control(b, full)
  })

  test('of connections from one address: the next one is cut', async () => {
    const full = await peer('full', '10.0.0.9', { limits: { perAddress: 2 } })
    full.connector.events.on('bulk', () => {})
    a.peerBook.noteHint(full.identity.id, full.address)
    b.peerBook.noteHint(full.identity.id, full.address)
    await eventually(Promise.all([a.connector.openBulk(full.identity.id), a.connector.openBulk(full.identity.id)]))
    expect(await failure(a.connector.openBulk(full.identity.id))).toMatchObject({ code: 'PEER_UNREACHABLE' })
    await eventually(b.connector.openBulk(full.identity.id))
    expect(full.acceptor.counters.refusedByAddress).toBe(1)
  })

  test('of connections per second from one address: cut before the handshake, and welcome again once it has slowed down', async () => {
    const full = await peer('full', '10.0.0.9', { limits: { acceptPerSecond: 2, acceptBurst: 3, perAddress: 100 } })
    const dial = (): Promise<string> =>
      b.host.connect(full.address).then(
        () => 'in',
        (error: { code: string }) => error.code,
      )
    const flood = await eventually(Promise.all(Array.from({ length: 10 }, dial)))
    expect(flood.filter((outcome) => outcome === 'in')).toHaveLength(3)
    expect(flood.filter((outcome) => outcome === 'CONNECTION_RESET')).toHaveLength(7)
    // An honest peer elsewhere is not held up by that one.
    a.peerBook.noteHint(full.identity.id, full.address)
    await control(a, full)
    await clock.advance(500)
    expect(await eventually(dial())).toBe('in')
    expect(await eventually(dial())).toBe('CONNECTION_RESET')
    expect(full.acceptor.counters.refusedByRate).toBe(8)
  })

  test('of connections without HELLO: the next one is cut, until the deadline has cleared them', async () => {
    const full = await peer('full', '10.0.0.9', { limits: { halfOpen: 3, perAddress: 10 } })
    a.peerBook.noteHint(full.identity.id, full.address)
    const silent = await eventually(Promise.all(Array.from({ length: 3 }, () => b.host.connect(full.address))))
    await clock.advance(100)
    expect(full.acceptor.halfOpen).toBe(3)
    expect(await failure(a.connector.control(full.identity.id))).toMatchObject({ code: 'PEER_UNREACHABLE' })
    await clock.advance(7_000)
    expect(full.acceptor.halfOpen).toBe(0)
    await control(a, full)
    for (const stream of silent) stream.duplex.destroy()
  })
})

describe('HELLO', () => {
  /** What a connection that says `frames` first is closed with. */
  async function answerTo(frames: { header: string; body: Value }[]): Promise<{ code: string; polite: boolean }> {
    const rogue = network.host({ id: rogueIdentity.id, address: '10.0.0.66' })
    const stream = await eventually(rogue.connect(b.address))
    const connection = new Connection(stream, { clock, firstFrameOnly: true })
    connection.proceed('bulk') // so that GOAWAY ends it
    connection.onMessage(() => {})
    for (const [id, { header, body }] of frames.entries()) void connection.send({ header, id, body })
    return eventually(connection.closed)
  }

  const rogueIdentity = createIdentity(new Uint8Array(32).fill(66))
  const record = (identity = rogueIdentity) =>
    signPeerRecord(identity, {
      sequence: 1,
      name: 'rogue',
      addresses: [{ host: '10.0.0.66', port: PORT }],
      capabilities: [],
    })
  const hello = (changes: object = {}) => ({
    header: 'pc/hello',
    body: {
      ...(helloBody({
        version: [1, 1],
        boot: new Uint8Array(8),
        kind: 'control',
        record: record(),
        features: [],
        network: openNetwork('test').keyId,
        pair: 0,
      }) as object),
      ...changes,
    },
  })

  const cases: [name: string, frames: { header: string; body: Value }[], code: string][] = [
    ['another network', [hello({ network: 1 })], 'OTHER_NETWORK'],
    ['versions that are too new', [hello({ version: [2, 9] })], 'VERSION_MISMATCH'],
    [
      'a record of somebody else',
      [hello({ record: record(createIdentity(new Uint8Array(32).fill(9))).bytes })],
      'PROTOCOL_ERROR',
    ],
    [
      'a record that was changed',
      [hello({ record: record().bytes.map((byte, index) => (index === 40 ? byte ^ 1 : byte)) })],
      'PROTOCOL_ERROR',
    ],
    ['another frame first', [{ header: 'app/data', body: null }], 'PROTOCOL_ERROR'],
    ['no map', [{ header: 'pc/hello', body: [1] }], 'PROTOCOL_ERROR'],
    ['a boot id of 7 bytes', [hello({ boot: new Uint8Array(7) })], 'PROTOCOL_ERROR'],
    ['an unknown kind', [hello({ kind: 'odd' })], 'PROTOCOL_ERROR'],
    ['versions in the wrong order', [hello({ version: [2, 1] })], 'PROTOCOL_ERROR'],
    ['nothing at all', [], 'HELLO_TIMEOUT'],
  ]
  for (const [name, frames, code] of cases) {
    test(`with ${name} is answered ${code}`, async () => {
      expect(await answerTo(frames)).toMatchObject({ code })
      expect(b.connected).toEqual([])
      expect(b.connector.size).toBe(0)
    })
  }

  test('twice destroys the connection', async () => {
    await answerTo([hello(), hello()])
    expect(b.disconnected.map(({ reason }) => reason)).toMatchObject([{ code: 'PROTOCOL_ERROR', polite: false }])
  })

  test('with members of a later version is accepted', async () => {
    const rogue = network.host({ id: rogueIdentity.id, address: '10.0.0.66' })
    const stream = await eventually(rogue.connect(b.address))
    stream.duplex.write(
      encodeFrame({ ...hello({ later: [1, 'x'], version: [1, 7] }), id: 0, version: 1, peerId: null } as never),
    )
    await clock.advance(100)
    expect(b.connected).toHaveLength(1)
    stream.duplex.destroy()
  })
})

describe('keep-alive', () => {
  test('keeps an idle pair connected, and the dialler alone pings', async () => {
    await control(a, b)
    await clock.advance(120_000)
    expect([a.disconnected.length, b.disconnected.length]).toEqual([0, 0])
  })

  test('keeps a pair connected in which only the acceptor sends', async () => {
    await control(a, b)
    await clock.advance(10)
    const connection = b.connected[0]
    for (let second = 0; second < 60; second += 1) {
      await connection?.send('app/tick', connection.nextId(), second)
      await clock.advance(1_000)
    }
    expect([a.disconnected.length, b.disconnected.length]).toEqual([0, 0])
  })

  test('finds a peer that lost power within 10 s, from either side', async () => {
    for (const dead of ['acceptor', 'dialler']) {
      const [left, right] = [
        await peer(`l ${dead}`, `10.1.${dead.length}.1`),
        await peer(`r ${dead}`, `10.1.${dead.length}.2`),
      ]
      introduce(left, right)
      await control(left, right)
      await clock.advance(random.float() * 8_000)
      const [gone, staying] = dead === 'acceptor' ? [right, left] : [left, right]
      const at = clock.now()
      network.powerOff(gone.host)
      await clock.runUntil(() => staying.disconnected.length === 1)
      expect(staying.disconnected[0]?.reason).toMatchObject({ code: 'PING_TIMEOUT', polite: false })
      expect(clock.now() - at).toBeLessThanOrEqual(10_000)
    }
  })

  test('sees a crash at once', async () => {
    await control(a, b)
    await clock.advance(10)
    network.crash(b.host)
    await clock.runUntil(() => a.disconnected.length === 1)
    expect(a.disconnected[0]?.reason).toMatchObject({ code: 'FAILED', polite: false })
  })
})

describe('close', () => {
  test('flushes what was sent, says LEAVING, and leaves no stream and no timer', async () => {
    const connection = await control(a, b)
    const received: Value[] = []
    b.connector.events.on('frame', (_, message) => received.push(message.body))
    for (let id = 0; id < 100; id += 1) void connection.send('app/data', id, id)
    const closing = a.connector.close()
    await eventually(closing)
    await eventually(a.connector.close())
    expect(received).toHaveLength(100)
    expect(b.disconnected.map(({ reason }) => reason)).toEqual([{ code: 'LEAVING', polite: true }])
    expect(a.disconnected).toHaveLength(1)
    await eventually(b.connector.close())
    expect(clock.pending).toBe(0)
    expect([a.streams.size, b.streams.size]).toEqual([0, 0])
  })

  test('ends within 2 s when the other side is silent, and at once by its signal', async () => {
    for (const cut of [false, true]) {
      const [left, right] = [
        await peer(`l ${cut}`, cut ? '10.2.0.1' : '10.2.0.3'),
        await peer(`r ${cut}`, cut ? '10.2.0.2' : '10.2.0.4'),
      ]
      introduce(left, right)
      await control(left, right)
      await clock.advance(10)
      network.partition(left.host, right.host)
      const abort = new AbortController()
      const at = clock.now()
      const closing = left.connector.close({ signal: abort.signal })
      if (cut) abort.abort()
      await eventually(closing)
      expect(clock.now() - at).toBe(cut ? 0 : 2_000)
      network.heal()
    }
  })

  test('rejects those who wait for a dial, and refuses who comes later', async () => {
    const waiting = a.connector.control(b.identity.id)
    const closing = a.connector.close()
    expect(await failure(waiting)).toMatchObject({ code: 'CLOSED' })
    await eventually(closing)
    expect(await failure(b.connector.control(a.identity.id))).toMatchObject({ code: 'PEER_UNREACHABLE' })
    await clock.advance(100)
    expect([a.streams.size, b.streams.size]).toEqual([0, 0])
  })
})

test('a boot id of another length is refused', () => {
  const options = {
    identity: a.identity,
    protocol: a.host as never,
    network: openNetwork('test'),
    record: () => expect.fail(),
    peerBook: new PeerBook(),
  }
  expect(() => Connector.create({ ...options, bootId: new Uint8Array(7) })).toThrow(RangeError)
})
