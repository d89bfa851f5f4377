/** What a pair does with a peer that dials again and again, decides nothing, answers nothing. */
import { createIdentity, type Identity, openNetwork, type PeerId, signPeerRecord } from '@pc/identity'
import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import type { Message, Value } from '@pc/wire'
import { beforeEach, expect, test } from 'vitest'
import { Connection } from '../src/connection.js'
import { helloBody } from '../src/hello.js'
import { PORT, type SimulatedPeer, simulatedPeer } from './_util/simulated-peer.js'

let clock: VirtualClock
let peer: SimulatedPeer
let network: SimulatedNetwork<PeerId>
let rogue: Identity
let frames: Value[]

/** An identity whose id is smaller, or larger, than that of the honest peer. */
function rogueIdentity(honest: PeerId, smaller: boolean): Identity {
  for (let seed = 1; seed < 255; seed += 1) {
    const identity = createIdentity(new Uint8Array(32).fill(seed))
    if (Buffer.compare(identity.id.bytes, honest.bytes) < 0 === smaller) return identity
  }
  return expect.fail('no such identity')
}

function sayHello(connection: Connection, pair = 0): void {
  const record = signPeerRecord(rogue, { sequence: 1, name: 'rogue', addresses: [], capabilities: [] })
  const keyId = openNetwork('test').keyId
  const body = helloBody({
    version: [1, 1],
    boot: new Uint8Array(8),
    kind: 'control',
    record,
    features: [],
    network: keyId,
    pair,
  })
  void connection.send({ header: 'pc/hello', id: 0, body })
}

/** A control connection of the rogue; `received` are the frames behind HELLO. */
async function dial(pair = 0): Promise<{ connection: Connection; received: Message[] }> {
  const host = network.hosts.find(({ address }) => address === '10.0.0.66')
  let stream: Awaited<ReturnType<NonNullable<typeof host>['connect']>> | undefined
  void host?.connect(peer.address).then((got) => {
    stream = got
  })
  await clock.runUntil(() => stream !== undefined)
  const connection = new Connection(stream ?? expect.fail(), { clock })
  const received: Message[] = []
  connection.onMessage((message) => received.push(message))
  sayHello(connection, pair)
  await clock.advance(20)
  return { connection, received }
}

async function prepare(): Promise<void> {
  clock = new VirtualClock()
  network = new SimulatedNetwork<PeerId>({ clock, random: new SeededRandom('rogue') })
  peer = await simulatedPeer({ clock, random: new SeededRandom('honest'), network, host: '10.0.0.1' })
  rogue = rogueIdentity(peer.identity.id, true)
  network.host({ id: rogue.id, address: '10.0.0.66' })
  frames = []
  peer.connector.events.on('frame', (_, message) => frames.push(message.body))
}

beforeEach(prepare)

/** The honest peer dials the rogue, which answers; the other connection of a pair. */
async function beDialled(): Promise<{ connection: Connection; received: Message[] }> {
  const received: Message[] = []
  let connection: Connection | undefined
  const host = network.hosts.find(({ address }) => address === '10.0.0.66')
  await host?.listen({ host: '10.0.0.66', port: PORT }, (stream) => {
    connection = new Connection(stream, { clock })
    connection.onMessage((message) => received.push(message))
    sayHello(connection)
  })
  peer.peerBook.noteHint(rogue.id, { host: '10.0.0.66', port: PORT })
  void peer.connector.control(rogue.id)
  await clock.runUntil(() => peer.connected.length === 1)
  return { connection: connection ?? expect.fail(), received }
}

/** A pair with two streams: the honest peer prefers `second`, which its rival dialled. */
async function twoStreams(): Promise<Record<'first' | 'second', Awaited<ReturnType<typeof dial>>>> {
  const first = await beDialled()
  const second = await dial()
  expect([peer.streams.size, peer.connected.length, peer.disconnected.length]).toEqual([2, 1, 0])
  return { first, second }
}

test('what comes over the stream that goes is delivered before what comes over the one that stays', async () => {
  const { first, second } = await twoStreams()
  void second.connection.send({ header: 'app/data', id: 2, body: 'second' })
  await clock.advance(20)
  expect(frames).toEqual([])
  void first.connection.send({ header: 'app/data', id: 1, body: 'first' })
  first.connection.sendLast({ header: 'pc/goaway', id: 0, body: { code: 1, reason: '', lastId: 0 } })
  await clock.advance(20)
  expect(frames).toEqual(['first', 'second'])
  expect(first.received.at(-1)).toMatchObject({ header: 'pc/goaway', body: { code: 1, lastId: 1 } })
  await first.connection.close()
  await clock.advance(20)
  expect(peer.streams.size).toBe(1)
  expect([peer.connected.length, peer.disconnected.length]).toEqual([1, 0])
})

test('one stream that ends without GOAWAY ends the pair: what was held behind it is never delivered', async () => {
  for (const which of ['first', 'second'] as const) {
    const streams = await twoStreams()
    void streams.second.connection.send({ header: 'app/data', id: 2, body: 'held' })
    await clock.advance(20)
    streams[which].connection.destroy()
    await clock.advance(20)
    expect([peer.streams.size, peer.disconnected.length, frames]).toEqual([0, 1, []])
    await prepare()
  }
})

test('one that never says GOAWAY: after 10 s with held frames the pair ends, and they are not delivered', async () => {
  const { first, second } = await twoStreams()
  void second.connection.send({ header: 'app/data', id: 2, body: 'held' })
  for (let seconds = 0; seconds < 9; seconds += 1) {
    await clock.advance(1_000)
    // Alive, as far as keep-alive can tell.
    for (const { connection } of [first, second]) void connection.send({ header: 'pc/ping', id: 9, body: null })
  }
  await clock.advance(900)
  expect([frames, peer.disconnected.length]).toEqual([[], 0])
  await clock.advance(200)
  expect(peer.disconnected[0]?.reason).toMatchObject({ code: 'FAILED', polite: false })
  expect([frames, peer.streams.size]).toEqual([[], 0])
})

test('a close flushes what was sent, also when the other stream of the pair ends before', async () => {
  const { first, second } = await twoStreams()
  const [pair] = peer.connected
  network.change({ bandwidth: 1_000_000 })
  for (let id = 1; id <= 10; id += 1) void pair?.send('app/data', id, new Uint8Array(60_000))
  const closed = peer.connector.close()
  second.connection.destroy()
  await clock.advance(1_500)
  expect(first.received.filter(({ header }) => header === 'app/data').length).toBe(10)
  expect(first.received.at(-1)).toMatchObject({ header: 'pc/goaway' })
  await first.connection.close()
  await clock.advance(1_000)
  await closed
})

test('more than 1 MiB is not held: the pair ends', async () => {
  const { second } = await twoStreams()
  for (let id = 0; id < 20; id += 1) {
    void second.connection.send({ header: 'app/data', id, body: new Uint8Array(60_000) }).catch(() => {})
    await clock.advance(10)
  }
  expect([frames.length, peer.disconnected.length, peer.streams.size]).toEqual([0, 1, 0])
})

test('a second stream of the same dialler is the beginning of its next pair, whatever number it says', async () => {
  const first = await dial(3)
  const second = await dial(3)
  expect([peer.connected.length, peer.disconnected.length, peer.streams.size]).toEqual([2, 1, 1])
  expect([first.connection.open, second.connection.open]).toEqual([false, true])
})

test('a stream of the next pair ends the one that stands; a late one of the pair before is cut', async () => {
  await beDialled()
  const next = await dial(4)
  expect(peer.disconnected[0]?.reason).toMatchObject({ code: 'ENDED' })
  expect([peer.connected.length, peer.streams.size]).toEqual([2, 1])
  const late = await dial(3)
  expect([late.connection.open, next.connection.open]).toEqual([false, true])
  expect([peer.connected.length, peer.disconnected.length]).toEqual([2, 1])
})

/** The honest peer has said HELLO on a dial, and the rogue says nothing there. */
async function silentDial(): Promise<{ connection: Connection; received: Message[] }> {
  const received: Message[] = []
  let connection: Connection | undefined
  const host = network.hosts.find(({ address }) => address === '10.0.0.66')
  await host?.listen({ host: '10.0.0.66', port: PORT }, (stream) => {
    connection = new Connection(stream, { clock })
    connection.onMessage((message) => received.push(message))
  })
  peer.peerBook.noteHint(rogue.id, { host: '10.0.0.66', port: PORT })
  peer.connector.control(rogue.id).catch(() => {})
  await clock.runUntil(() => received.length === 1)
  return { connection: connection ?? expect.fail(), received }
}

test('a dial that is lost before the other HELLO ends the pair: the peer may have sent over it; a refused one does not', async () => {
  for (const refused of [false, true]) {
    const own = await silentDial()
    const other = await dial()
    void other.connection.send({ header: 'app/data', id: 1, body: 'held' })
    await clock.advance(20)
    expect([peer.connected.length, frames]).toEqual([1, []])
    if (refused) own.connection.sendLast({ header: 'pc/goaway', id: 0, body: { code: 6, reason: '', lastId: 0 } })
    else own.connection.destroy()
    await clock.advance(20)
    expect([peer.disconnected.length, frames]).toEqual(refused ? [0, ['held']] : [1, []])
    expect(other.connection.open).toBe(refused)
    await prepare()
  }
})

test('whatever may be a stream of a pair for the other side is followed by another number', async () => {
  const lost = await silentDial()
  lost.connection.destroy()
  await clock.advance(20)
  const first = await dial()
  first.connection.destroy()
  await clock.advance(20)
  const second = await dial()
  const hellos = [lost, first, second].map(({ received }) => received[0])
  expect(hellos).toMatchObject([0, 1, 2].map((pair) => ({ header: 'pc/hello', body: { pair } })))
})

test('a larger id has no say: its GOAWAY DUPLICATE is answered all the same, and nothing else is lost', async () => {
  rogue = rogueIdentity(peer.identity.id, false)
  network.host({ id: rogue.id, address: '10.0.0.66' })
  const listening = network.hosts.at(-1)
  const accepted: Connection[] = []
  await listening?.listen({ host: '10.0.0.66', port: PORT }, (stream) => {
    const connection = new Connection(stream, { clock })
    connection.onMessage(() => {})
    sayHello(connection)
    accepted.push(connection)
  })
  peer.peerBook.noteHint(rogue.id, { host: '10.0.0.66', port: PORT })
  void peer.connector.control(rogue.id)
  await clock.runUntil(() => peer.connected.length === 1)
  accepted[0]?.sendLast({ header: 'pc/goaway', id: 0, body: { code: 1, reason: '', lastId: 0 } })
  await clock.runUntil(() => peer.disconnected.length === 1)
  expect(peer.disconnected[0]?.reason).toEqual({ code: 'DUPLICATE', polite: true })
  await clock.advance(3_000)
  expect(peer.streams.size).toBe(0)
})
