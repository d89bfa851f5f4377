/** Bulk connections that are used again, and callers that wait for them, between two peers on a simulated network. */
import type { PeerId } from '@pc/identity'
import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import { beforeEach, expect, test } from 'vitest'
import type { BulkLease } from '../src/bulk-lease.js'
import type { Connection } from '../src/connection.js'
import { introduce, type SimulatedPeer, type SimulatedPeerOptions, simulatedPeer } from './_util/simulated-peer.js'

let clock: VirtualClock
let random: SeededRandom
let network: SimulatedNetwork<PeerId>
let a: SimulatedPeer
let b: SimulatedPeer
/** What b accepted. */
let accepted: Connection[]

function peer(name: string, host: string, options: Partial<SimulatedPeerOptions> = {}): Promise<SimulatedPeer> {
  return simulatedPeer({ clock, random: random.stream(name), network, host, ...options })
}

async function eventually<Result>(promise: Promise<Result>): Promise<Result> {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  await clock.runUntil(() => settled)
  return promise
}

async function failure(promise: Promise<unknown>): Promise<{ code: string; retryAfterMs: number | undefined }> {
  return eventually(promise).then(
    () => expect.fail('it should have been rejected'),
    (error) => error,
  )
}

const lease = (options: { waitMs?: number; signal?: AbortSignal } = {}) =>
  eventually(a.connector.leaseBulk(b.identity.id, options))
const leases = (count: number): Promise<BulkLease[]> =>
  eventually(Promise.all(Array.from({ length: count }, () => a.connector.leaseBulk(b.identity.id))))

beforeEach(async () => {
  clock = new VirtualClock()
  random = new SeededRandom('bulk leases')
  network = new SimulatedNetwork<PeerId>({ clock, random })
  a = await peer('a', '10.0.0.1')
  b = await peer('b', '10.0.0.2')
  introduce(a, b)
  accepted = []
  b.connector.events.on('bulk', (connection) => {
    accepted.push(connection)
    connection.onMessage(({ header, id, body }) => void connection.send({ header, id, body }))
  })
})

test('a connection that was released is used again, without a dial', async () => {
  const first = await lease()
  first.release()
  first.release()
  const second = await lease()
  expect(second.connection).toBe(first.connection)
  expect(a.dials).toBe(1)
  const echoed = new Promise((resolve) => second.connection.onMessage(({ body }) => resolve(body)))
  await second.connection.send({ header: 'svc/echo', id: 1, body: 'again' })
  expect(await eventually(echoed)).toBe('again')
})

test('the one used last comes first, and only two are kept', async () => {
  const three = await leases(3)
  for (const one of three) one.release()
  await clock.advance(100)
  expect(three.map(({ connection }) => connection.open)).toEqual([false, true, true])
  expect(await eventually(three[0]?.connection.closed ?? Promise.reject())).toEqual({ code: 'IDLE', polite: true })
  expect((await lease()).connection).toBe(three[2]?.connection)
})

test('what nobody uses is closed after 30 s, as IDLE, and the other side hears why', async () => {
  const { connection } = await lease()
  const used = await lease()
  used.release()
  await clock.advance(29_999)
  expect(used.connection.open).toBe(true)
  await clock.advance(1_000)
  expect(await used.connection.closed).toEqual({ code: 'IDLE', polite: true })
  const other = accepted.find((one) => one.remoteAddress.port === used.connection.localAddress.port)
  expect(await eventually(other?.closed ?? Promise.reject())).toEqual({ code: 'IDLE', polite: true })
  expect(connection.open).toBe(true)
})

test('one that ended while nobody used it is not handed out', async () => {
  const first = await lease()
  first.release()
  accepted[0]?.destroy()
  await clock.advance(10)
  expect((await lease()).connection).not.toBe(first.connection)
  expect(a.dials).toBe(2)
})

test('a peer that speaks out of turn loses the connection', async () => {
  const first = await lease()
  first.release()
  await accepted[0]?.send({ header: 'svc/late', id: 1, body: null })
  expect(await eventually(first.connection.closed)).toMatchObject({ code: 'PROTOCOL_ERROR', polite: false })
})

test('a lease that is disposed without release closes its connection', async () => {
  const first = await lease()
  await eventually(first[Symbol.asyncDispose]())
  expect(first.connection.open).toBe(false)
  const second = await lease()
  second.release()
  await second[Symbol.asyncDispose]()
  expect(second.connection.open).toBe(true)
})

test('who finds no place waits in line, and each end of a use serves the first', async () => {
  const five = await leases(5)
  const order: number[] = []
  const waiting = [1, 2, 3].map((place) =>
    a.connector.leaseBulk(b.identity.id).then((got) => {
      order.push(place)
      return got
    }),
  )
  await clock.advance(100)
  expect(order).toEqual([])
  five[0]?.release()
  expect((await eventually(waiting[0] ?? Promise.reject())).connection).toBe(five[0]?.connection)
  // One that ends gives its place instead.
  five[1]?.connection.destroy()
  await eventually(waiting[1] ?? Promise.reject())
  five[2]?.release()
  await eventually(waiting[2] ?? Promise.reject())
  expect(order).toEqual([1, 2, 3])
  expect(a.dials).toBe(6)
})

test('nobody overtakes those who wait', async () => {
  const five = await leases(5)
  const early = a.connector.leaseBulk(b.identity.id)
  await clock.advance(10)
  five[0]?.release()
  const late = a.connector.leaseBulk(b.identity.id)
  expect((await eventually(early)).connection).toBe(five[0]?.connection)
  five[1]?.release()
  expect((await eventually(late)).connection).toBe(five[1]?.connection)
})

test('who waited too long is told when to try again, by what uses took', async () => {
  const five = await leases(5)
  expect(await failure(a.connector.leaseBulk(b.identity.id, { waitMs: 0 }))).toMatchObject({
    code: 'RESOURCE_BUSY',
    retryAfterMs: 1_000,
  })
  const since = clock.now()
  expect(await failure(a.connector.leaseBulk(b.identity.id))).toMatchObject({ code: 'RESOURCE_BUSY' })
  expect(clock.now() - since).toBe(5_000)
  await clock.advance(15_000)
  for (const one of five.slice(1)) one.connection.destroy()
  await clock.advance(10)
  await leases(4)
  const { retryAfterMs } = await failure(a.connector.leaseBulk(b.identity.id, { waitMs: 1 }))
  expect(retryAfterMs).toBeGreaterThan(10_000)
  expect(retryAfterMs).toBeLessThanOrEqual(20_100)
})

test('one that leaves by its signal, or a dial that fails, stands in nobody’s way', async () => {
  const five = await leases(5)
  const controller = new AbortController()
  const leaving = a.connector.leaseBulk(b.identity.id, { signal: controller.signal })
  const staying = a.connector.leaseBulk(b.identity.id)
  await clock.advance(10)
  controller.abort(new Error('enough'))
  await expect(leaving).rejects.toThrow('enough')
  five[0]?.release()
  await eventually(staying)

  const c = await peer('c', '10.0.0.3')
  c.peerBook.noteHint(b.identity.id, { host: '10.0.0.99', port: 1 })
  for (let count = 0; count < 7; count += 1) {
    expect(await failure(c.connector.leaseBulk(b.identity.id))).toMatchObject({ code: 'PEER_UNREACHABLE' })
  }
})

test('closing the connector ends every wait', async () => {
  await leases(5)
  const waiting = a.connector.leaseBulk(b.identity.id).catch((error) => error)
  await clock.advance(10)
  await eventually(a.connector.close())
  expect(await waiting).toMatchObject({ code: 'CLOSED' })
  await clock.advance(60_000)
  expect(clock.pending).toBe(0)
})

test('a full table of dialled connections ends what is unused to make room', async () => {
  const small = await peer('small', '10.0.0.4', { limits: { outbound: 1 } })
  for (const other of [a, b]) small.peerBook.noteHint(other.identity.id, other.address)
  const first = await eventually(small.connector.leaseBulk(b.identity.id))
  expect(await failure(small.connector.control(a.identity.id))).toMatchObject({ code: 'RESOURCE_BUSY' })
  first.release()
  await eventually(small.connector.control(a.identity.id))
  expect(await first.connection.closed).toMatchObject({ code: 'IDLE' })
  // The control connection gives way only when nobody has used it for 5 minutes.
  expect(await failure(small.connector.control(b.identity.id))).toMatchObject({ code: 'RESOURCE_BUSY' })
  await clock.advance(310_000)
  await eventually(small.connector.control(b.identity.id))
  expect(small.disconnected.map(({ reason }) => reason.code)).toEqual(['IDLE'])
})

test('a peer that is lost takes its bulk connections along, used or not', async () => {
  const control = await eventually(a.connector.control(b.identity.id))
  const [unused, used] = await leases(2)
  unused?.release()
  await clock.advance(10_000)
  network.powerOff(b.host)
  await eventually(control.closed)
  expect(await eventually(unused?.connection.closed ?? Promise.reject())).toMatchObject({ code: 'FAILED' })
  expect(await eventually(used?.connection.closed ?? Promise.reject())).toMatchObject({ code: 'PING_TIMEOUT' })
})

test('a control connection that is silent takes no bulk connection along on which something is heard', async () => {
  const control = await eventually(a.connector.control(b.identity.id))
  const both = await leases(2)
  for (const { connection } of both) connection.onMessage(() => {})
  const stalled = [...b.streams].find(({ remoteAddress }) =>
    accepted.every((one) => one.remoteAddress.port !== remoteAddress.port),
  )
  stalled?.duplex.pause()
  stalled?.duplex.removeAllListeners('data')
  for (let second = 0; second < 30 && a.disconnected.length === 0; second += 1) {
    await accepted[0]?.send({ header: 'svc/still-here', id: second, body: null })
    await clock.advance(1_000)
  }
  expect(await control.closed).toMatchObject({ code: 'PING_TIMEOUT' })
  await clock.advance(100)
  expect(both.filter(({ connection }) => connection.open)).toHaveLength(1)
})
