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

function sayHello(connection: Connection): void {
  const record = signPeerRecord(rogue, { sequence: 1, name: 'rogue', addresses: [], capabilities: [] })
  const keyId = openNetwork('test').keyId
  const body = helloBody({
    version: [1, 1],
    boot: new Uint8Array(8),
    kind: 'control',
    record,
    features: [],
    network: keyId,
  })
  void connection.send({ header: 'pc/hello', id: 0, body })
}

/** A control connection of the rogue; `received` are the frames behind HELLO. */
async function dial(): Promise<{ connection: Connection; received: Message[] }> {
  const host = network.hosts.find(({ address }) => address === '10.0.0.66')
  let stream: Awaited<ReturnType<NonNullable<typeof host>['connect']>> | undefined
  void host?.connect(peer.address).then((got) => {
    stream = got
  })
  await clock.runUntil(() => stream !== undefined)
  const connection = new Connection(stream ?? expect.fail(), { clock })
  const received: Message[] = []
  connection.onMessage((message) => received.push(message))
  sayHello(connection)
  await clock.advance(20)
  return { connection, received }
}

beforeEach(async () => {
  clock = new VirtualClock()
  network = new SimulatedNetwork<PeerId>({ clock, random: new SeededRandom('rogue') })
  peer = await simulatedPeer({ clock, random: new SeededRandom('honest'), network, host: '10.0.0.1' })
  rogue = rogueIdentity(peer.identity.id, true)
  network.host({ id: rogue.id, address: '10.0.0.66' })
  frames = []
  peer.connector.events.on('frame', (_, message) => frames.push(message.body))
})

test('a second connection from the same dialler: the first is retired only after a pong over the second', async () => {
  const first = await dial()
  const second = await dial()
  const ping = second.received.find(({ header }) => header === 'pc/ping')
  expect(ping).toBeDefined()
  expect(first.received.some(({ header }) => header === 'pc/goaway')).toBe(false)
  expect(peer.streams.size).toBe(2)
  void second.connection.send({ header: 'pc/pong', id: ping?.id ?? 0, body: null })
  await clock.advance(20)
  expect(first.received.at(-1)).toMatchObject({ header: 'pc/goaway', body: { code: 1 } })
  // What comes over the first before its GOAWAY is delivered, and before what came over the second.
  void second.connection.send({ header: 'app/data', id: 2, body: 'second' })
  await clock.advance(20)
  expect(frames).toEqual([])
  void first.connection.send({ header: 'app/data', id: 1, body: 'first' })
  first.connection.sendLast({ header: 'pc/goaway', id: 0, body: { code: 1, reason: '', lastId: 0 } })
  await clock.advance(20)
  expect(frames).toEqual(['first', 'second'])
  await clock.advance(20)
  expect(peer.streams.size).toBe(1)
  expect([peer.connected.length, peer.disconnected.length]).toEqual([1, 0])
})

test('one that never says GOAWAY: held frames come after 2 s, the retired stream is cut after 5 s', async () => {
  const first = await dial()
  const second = await dial()
  const ping = second.received.find(({ header }) => header === 'pc/ping')
  void second.connection.send({ header: 'pc/pong', id: ping?.id ?? 0, body: null })
  void second.connection.send({ header: 'app/data', id: 2, body: 'held' })
  await clock.advance(1_900)
  expect(frames).toEqual([])
  await clock.advance(200)
  expect(frames).toEqual(['held'])
  void second.connection.send({ header: 'app/data', id: 2, body: 'not held' })
  await clock.advance(20)
  expect(frames).toEqual(['held', 'not held'])
  expect(peer.streams.size).toBe(2)
  await clock.advance(3_000)
  expect(peer.streams.size).toBe(1)
  expect(first.connection.open).toBe(false)
  expect(peer.disconnected).toHaveLength(0)
})

test('more than 1 MiB is not held', async () => {
  await dial()
  const second = await dial()
  for (let id = 0; id < 20; id += 1) {
    void second.connection.send({ header: 'app/data', id, body: new Uint8Array(60_000) })
    await clock.advance(10)
  }
  expect(frames).toHaveLength(20)
})

test('a fifth connection is refused, and the pair stays', async () => {
  const dialled: Awaited<ReturnType<typeof dial>>[] = []
  for (let count = 0; count < 5; count += 1) dialled.push(await dial())
  expect(dialled[4]?.received.at(-1)).toMatchObject({ header: 'pc/goaway', body: { code: 6 } })
  expect(dialled.slice(0, 4).every(({ connection }) => connection.open)).toBe(true)
  expect([peer.connected.length, peer.disconnected.length]).toEqual([1, 0])
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

test('one that makes us probe again and again without an answer leaves nothing behind', async () => {
  rogue = rogueIdentity(peer.identity.id, false)
  const host = network.host({ id: rogue.id, address: '10.0.0.67' })
  const address = { host: '10.0.0.67', port: PORT }
  let pings = 0
  await host.listen(address, (stream) => {
    const connection = new Connection(stream, { clock })
    connection.onMessage(({ header }) => {
      if (header === 'pc/ping') pings += 1
    })
    sayHello(connection)
  })
  let pair: Awaited<ReturnType<typeof peer.connector.meet>> | undefined
  void peer.connector.meet([address]).then((met) => {
    pair = met
  })
  await clock.runUntil(() => pair !== undefined)
  for (let count = 1; count <= 20; count += 1) {
    let stream: Awaited<ReturnType<typeof host.connect>> | undefined
    void host.connect(peer.address).then((got) => {
      stream = got
    })
    await clock.runUntil(() => stream !== undefined)
    const connection = new Connection(stream ?? expect.fail(), { clock })
    connection.onMessage(() => {})
    sayHello(connection)
    await clock.advance(20)
    connection.destroy()
    await clock.advance(20)
    expect(pings).toBe(count)
  }
  // 16 pings may be under way: those of the probes, never answered, are none of them.
  const ping = pair?.ping().catch((error) => error.code)
  await clock.advance(2_000)
  expect(await ping).toBe('PING_TIMEOUT')
})
