/** The proof in HELLO, whole: on the simulated network, where nothing but HELLO stands between an outsider and a pair. */
import { createIdentity, openNetwork, type PeerId, signPeerRecord } from '@pc/identity'
import { SeededRandom, SimulatedNetwork, VirtualClock } from '@pc/testkit'
import type { Message, Value } from '@pc/wire'
import { beforeEach, describe, expect, test } from 'vitest'
import { Connection } from '../src/connection.js'
import { helloBody } from '../src/hello.js'
import { helloProof } from '../src/hello-proof.js'
import type { SecureStream } from '../src/network-protocol.js'
import { introduce, type SimulatedPeer, simulatedPeer } from './_util/simulated-peer.js'

const office = openNetwork('office', { secret: 'correct horse' })
const rogue = createIdentity(new Uint8Array(32).fill(66))
const BOOT = new Uint8Array(8).fill(6)

let clock: VirtualClock
let network: SimulatedNetwork<PeerId>
let a: SimulatedPeer
let b: SimulatedPeer

function member(name: string, host: string, over: typeof office = office): Promise<SimulatedPeer> {
  return simulatedPeer({ clock, random: new SeededRandom(name), network, host, options: { network: over } })
}

async function eventually<Result>(promise: Promise<Result>): Promise<Result> {
  let settled = false
  const note = (): void => {
    settled = true
  }
  promise.then(note, note)
  await clock.runUntil(() => settled)
  return promise
}

beforeEach(async () => {
  clock = new VirtualClock()
  network = new SimulatedNetwork<PeerId>({ clock, random: new SeededRandom('hello-proof') })
  a = await member('a', '10.0.0.1')
  b = await member('b', '10.0.0.2')
  introduce(a, b)
})

describe('members', () => {
  test('connect whoever dials, both at once too, and open bulk connections', async () => {
    const [one, two] = await eventually(
      Promise.all([a.connector.control(b.identity.id), b.connector.control(a.identity.id)]),
    )
    expect([one.peer.equals(b.identity.id), two.peer.equals(a.identity.id)]).toEqual([true, true])
    b.connector.events.on('bulk', (connection) => connection.destroy())
    const bulk = await eventually(a.connector.openBulk(b.identity.id))
    bulk.destroy()
    await clock.advance(30_000)
    expect([a.connector.size, b.connector.size]).toEqual([1, 1])
  })

  test('refuse streams that have no channel binding: nothing could be proved over them', async () => {
    const host = network.host({ id: rogue.id, address: '10.0.0.66' })
    const accepted: SecureStream[] = []
    await eventually(b.host.listen({ host: '10.0.0.2', port: 9 }, (stream) => accepted.push(stream)))
    const stream = await eventually(host.connect({ host: '10.0.0.2', port: 9 }))
    await clock.runUntil(() => accepted.length === 1)
    b.connector.accept({ ...(accepted[0] ?? expect.fail()), channelBinding: undefined })
    const connection = new Connection(stream, { clock })
    const heard: Message[] = []
    connection.onMessage((message) => heard.push(message))
    const proof = helloProof(office, { dialled: true, channelBinding: stream.channelBinding }, BOOT)
    void connection.send({ header: 'pc/hello', id: 0, body: helloOf(proof) })
    await clock.advance(100)
    expect(heard.map(({ header }) => header)).toEqual(['pc/hello', 'pc/goaway'])
    expect(b.connected).toEqual([])
  })
})

describe('an outsider with the right key id', () => {
  /** Says HELLO over `stream` as the dialler, and returns what b answers. */
  async function greet(stream: SecureStream, proof: (heard: Uint8Array) => Uint8Array | undefined): Promise<Message[]> {
    const connection = new Connection(stream, { clock })
    const heard: Message[] = []
    connection.onMessage((message) => heard.push(message))
    await clock.advance(50)
    const theirs = (heard[0]?.body as { proof?: Uint8Array } | undefined)?.proof ?? expect.fail('no proof in its HELLO')
    void connection.send({ header: 'pc/hello', id: 0, body: helloOf(proof(theirs)) })
    await clock.advance(50)
    return heard
  }
  const dialB = (): Promise<SecureStream> => {
    const host = network.hosts.find(({ address }) => address === '10.0.0.66')
    return eventually((host ?? network.host({ id: rogue.id, address: '10.0.0.66' })).connect(b.address))
  }
  const refused: Value = { code: 3, reason: 'OTHER_NETWORK', lastId: 0 }

  test('is refused without a proof, with its own given back, and with one for another stream', async () => {
    const elsewhere = await dialB()
    const ways: ((heard: Uint8Array) => Uint8Array | undefined)[] = [
      () => undefined,
      (heard) => heard,
      () => new Uint8Array(32),
      () => helloProof(office, { dialled: true, channelBinding: elsewhere.channelBinding }, BOOT),
    ]
    for (const proof of ways) {
      const heard = await greet(await dialB(), proof)
      expect(heard.map(({ header }) => header)).toEqual(['pc/hello', 'pc/goaway'])
      expect(heard[1]?.body).toEqual(refused)
    }
    expect(b.connected).toEqual([])
    elsewhere.duplex.destroy()
  })

  test('would be let in with the proof of a member for this very stream (so the test above can fail)', async () => {
    const stream = await dialB()
    await greet(stream, () => helloProof(office, { dialled: true, channelBinding: stream.channelBinding }, BOOT))
    expect(b.connected).toHaveLength(1)
    stream.duplex.destroy()
  })
})

test('on an open network HELLO says no proof', async () => {
  const open = await member('c', '10.0.0.3', openNetwork('office'))
  const host = network.host({ id: rogue.id, address: '10.0.0.66' })
  const connection = new Connection(await eventually(host.connect(open.address)), { clock })
  const heard: Message[] = []
  connection.onMessage((message) => heard.push(message))
  await clock.advance(50)
  expect(Object.keys(heard[0]?.body as object)).not.toContain('proof')
  connection.destroy()
})

function helloOf(proof: Uint8Array | undefined): Value {
  return helloBody({
    version: [1, 1],
    boot: BOOT,
    kind: 'control',
    record: signPeerRecord(rogue, { sequence: 1, name: 'rogue', addresses: [], capabilities: [] }),
    features: [],
    network: office.keyId,
    pair: 0,
    proof,
  })
}
