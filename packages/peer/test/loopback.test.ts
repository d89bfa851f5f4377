/** Real peers over TLS, UDP and multicast on loopback. */
import { randomBytes, randomInt } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { Discovery } from '@pc/discovery'
import { RequestsEndpoint } from '@pc/dispatch'
import { createIdentity, openNetwork, type PeerId } from '@pc/identity'
import {
  listenOnSharedPort,
  parseInterfaceRules,
  type SecureStream,
  systemClock,
  systemProtocol,
  usableInterfaces,
} from '@pc/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { createPeer, type Peer, type PeerEvent, type PeerOptions } from '../src/index.js'

const interfaces = parseInterfaceRules(process.env.PC_INTERFACES ?? '')
const network = `test-${process.pid}-${randomInt(1e9)}`
/** Not the port of a daemon that may run on this machine. */
const discovery = { port: 20_000 + randomInt(20_000) }
const open: Peer[] = []
const cleanUps: (() => Promise<void>)[] = []

async function start(name: string, more: Partial<PeerOptions> = {}): Promise<Peer> {
  const peer = await createPeer({
    name,
    interfaces,
    network,
    discovery,
    ports: [0],
    identity: createIdentity(),
    ...more,
  })
  open.push(peer)
  return peer
}

async function until(peer: Peer, wanted: (event: PeerEvent) => boolean): Promise<PeerEvent> {
  for await (const event of peer.events()) if (wanted(event)) return event
  throw new Error('the events ended before')
}

/** Listens with a key of its own, and announces somebody else's id. Returns the streams that were handed over to it. */
async function announceAs(id: PeerId): Promise<SecureStream[]> {
  const streams: SecureStream[] = []
  const identity = createIdentity()
  const protocol = systemProtocol(identity)
  const openNet = openNetwork(network)
  const bootId = randomBytes(8)
  const endpoint = RequestsEndpoint.create({ identity, network: openNet, bootId, clock: systemClock })
  const shared = await listenOnSharedPort(
    protocol,
    ['127.0.0.1'],
    {
      onStream: (stream) => streams.push(stream),
      onDatagram: (bytes, from, via) => endpoint.receive(bytes, from, via),
    },
    { ports: [0] },
  )
  for (const socket of shared.sockets) endpoint.attach(socket)
  const impostor = await Discovery.create({
    protocol,
    endpoint,
    network: openNet,
    id,
    bootId,
    port: shared.port,
    interfaces: () => usableInterfaces(networkInterfaces(), interfaces).filter(({ family }) => family === 4),
    discoveryPort: discovery.port,
    onHint: () => {},
  })
  cleanUps.push(async () => {
    await impostor.close()
    await shared.close()
  })
  return streams
}

afterEach(async () => {
  await Promise.all(cleanUps.splice(0).map((cleanUp) => cleanUp()))
  await Promise.all(open.splice(0).map((peer) => peer.close()))
})

describe('createPeer', () => {
  it('finds another peer by itself, and talks both ways', async () => {
    const one = await start('one')
    const up = until(one, (event) => event.type === 'up')
    const two = await start('two')
    const back = until(two, (event) => event.type === 'up')
    await Promise.all([up, back])

    one.handle('double', { access: 'anyone' }, (input) => Number(input) * 2)
    expect(await two.request('one', 'double', 21)).toBe(42)
    const receipt = await one.sendText('two', 'hello')
    await receipt.acknowledged
    expect(await two.inbox.list()).toMatchObject([{ type: 'text', payload: 'hello', verified: false }])
    expect((await two.ping('one')).roundTripMs).toBeGreaterThan(0)
    expect(one.peers()).toMatchObject([{ label: 'two', state: 'online', nameVerified: true }])
  })

  it('has a directory: what one puts another gets, and lists have everybody', async () => {
    const peers = await Promise.all(['one', 'two', 'three', 'four'].map((name) => start(name)))
    for (const peer of peers) {
      await expect.poll(() => peer.status().directory?.contacts, { timeout: 10_000, interval: 5 }).toBe(3)
    }
    const [one, two] = peers as [Peer, Peer]
    await one.dht.put('printer', 'second floor')
    expect(await two.dht.get({ name: 'printer', from: 'one' })).toMatchObject({ value: 'second floor', sequence: 1 })
    const names = async (): Promise<string[]> => {
      const found: string[] = []
      for await (const page of two.dht.directory()) found.push(...page.map(({ name }) => name))
      return found.sort()
    }
    await expect.poll(names, { timeout: 10_000 }).toEqual(['four', 'one', 'three', 'two'])
    await one.close()
    expect(await names()).toEqual(['four', 'three', 'two'])
  })

  it('lets one address connect only so often, before any handshake', async () => {
    // One more in a quarter of an hour.
    const peer = await start('peer', { discovery: false, connections: { acceptPerSecond: 0.001, acceptBurst: 2 } })
    const stranger = systemProtocol(createIdentity())
    const dial = (): Promise<SecureStream> => stranger.connect({ host: '127.0.0.1', port: peer.status().port })
    const streams = [await dial(), await dial()]
    await expect(dial()).rejects.toMatchObject({ retryable: true })
    expect(peer.status().counters).toMatchObject({ 'accepted.refusedByRate': 1, 'accepted.accepted': 2 })
    for (const { duplex } of streams) duplex.destroy()
  })

  it('shows a second key under a pinned name apart, and never sends to it by the name', async () => {
    const one = await start('one')
    const first = until(one, (event) => event.type === 'up')
    const anna = await start('anna')
    await first
    const conflict = until(one, (event) => event.type === 'name-conflict')
    const impostor = await start('anna')
    await conflict

    await (await one.sendText('anna', 'for anna only')).acknowledged
    expect((await anna.inbox.list()).map(({ payload }) => payload)).toEqual(['for anna only'])
    expect(await impostor.inbox.list()).toEqual([])
    const apart = one.peers().find(({ id }) => id === impostor.id.toString())
    expect(apart).toMatchObject({ nameVerified: false, label: expect.stringMatching(/^anna~.{3,}/) as string })

    const gone = until(one, (event) => event.type === 'offline')
    await anna.close()
    await gone
    await expect(one.sendText('anna', 'still for anna only')).rejects.toMatchObject({ code: 'PEER_OFFLINE' })
    expect(await impostor.inbox.list()).toEqual([])
  })

  it('tells an impostor that announces a known id from the peer itself, before it learns anything', async () => {
    const one = await start('one')
    const up = until(one, (event) => event.type === 'up')
    const anna = await start('anna')
    await up
    const gone = until(one, (event) => event.type === 'offline')
    await anna.close()
    await gone

    const caught = until(one, (event) => event.type === 'impostor')
    const streams = await announceAs(anna.id)
    expect(await caught).toMatchObject({ expected: anna.id })
    expect(streams).toEqual([])
    expect(one.peers()).toMatchObject([{ name: 'anna', state: 'offline' }])
    expect(one.status().counters['hints.WRONG_PEER']).toBeGreaterThan(0)
  })

  it('refuses a handler that states trusted, and a request nobody handles', async () => {
    const one = await start('one')
    const up = until(one, (event) => event.type === 'up')
    const two = await start('two')
    await up
    two.handle('secret', { access: 'trusted' }, () => 'told')
    await expect(one.request('two', 'secret', null)).rejects.toMatchObject({ code: 'DENIED', remote: true })
    await expect(one.request('two', 'nothing', null)).rejects.toMatchObject({ code: 'NO_HANDLER', remote: true })
  })

  it('does not see peers of another network', async () => {
    const one = await start('one')
    const other = await start('other', { network: `${network}-other` })
    const up = until(one, (event) => event.type === 'up')
    await start('two')
    await up
    expect(one.peers().map(({ name }) => name)).toEqual(['two'])
    expect(other.peers()).toEqual([])
  })

  it('closes once, ends its events, and rejects what comes after', async () => {
    const one = await start('one')
    const events = one.events()
    await Promise.all([one.close(), one.close()])
    const seen: PeerEvent[] = []
    for await (const event of events) seen.push(event)
    await expect(one.sendText(createIdentity().id, 'late')).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('leases bulk connections to the services of another peer, and uses them again', async () => {
    const [one, two] = [await start('one'), await start('two')]
    if (one.peers().length === 0) await until(one, (event) => event.type === 'up')
    two.dispatchers.services.register('app/double', { access: 'anyone' }, async (connection, { id, body }) => {
      await connection.send({ header: 'app/doubled', id, body: Number(body) * 2 })
    })
    const used = new Set<unknown>()
    for (const number of [21, 4]) {
      const lease = await one.leaseBulk('two')
      const answer = new Promise((resolve) => lease.connection.onMessage(({ body }) => resolve(body)))
      await lease.connection.send({ header: 'app/double', id: 1, body: number })
      expect(await answer).toBe(number * 2)
      used.add(lease.connection)
      lease.release()
    }
    expect(used.size).toBe(1)
  })

  it('tells news, gives large bodies, and is found by its capability', async () => {
    const [one, two] = [await start('one'), await start('two', { capabilities: ['printer'] })]
    await expect.poll(() => [one, two].map((peer) => peer.status().gossip?.peers), { timeout: 10_000 }).toEqual([1, 1])
    const news = two.gossip.subscribe()
    const large = randomBytes(1_048_576)
    for (const body of [Buffer.from('lunch is ready'), large]) {
      one.gossip.publish('news', body)
      const { value } = await news.next()
      expect([value.origin.equals(one.id), Buffer.compare(value.body, body)]).toEqual([true, 0])
    }
    const found: string[] = []
    for await (const { record } of one.gossip.search('printer', { limit: 1 })) found.push(record.name)
    expect(found).toEqual(['two'])
  })

  it('says which option cannot be used', async () => {
    await expect(start('a/b')).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    await expect(start('x', { interfaces: { allow: ['nothing-like-it'] } })).rejects.toMatchObject({
      code: 'NO_INTERFACE',
    })
    await expect(start('x', { discovery: { port: 0 } })).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    await expect(start('x', { interfaces: 'lo' as never })).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    await expect(start('x', { ports: [70_000] })).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    await expect(start('x', { bandwidth: { send: { total: 0 } } })).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
  })

  it('refuses capabilities that fit into no record before it listens', async () => {
    const capabilities = ['x'.repeat(400)]
    await expect(start('one', { capabilities })).rejects.toMatchObject({ code: 'START_FAILED', phase: 'identity' })
  })

  it('names the phase and the cause when its port is taken', async () => {
    const one = await start('one')
    const { port } = one.status()
    await expect(start('two', { ports: [port] })).rejects.toMatchObject({ code: 'START_FAILED', phase: 'listen' })
  })

  it('ends its start with the reason of the signal', async () => {
    const reason = new Error('changed my mind')
    await expect(start('one', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })
})
