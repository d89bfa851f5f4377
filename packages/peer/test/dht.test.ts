/** The directory of whole peers, on a network in memory. */
import { createIdentity, type Identity } from '@pc/identity'
import { MemoryNetwork } from '@pc/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { createPeer, type Peer, type PeerOptions } from '../src/index.js'

const PORT = 4_000
const POLL = { timeout: 10_000, interval: 5 }
const open: Peer[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((peer) => peer.close()))
})

async function start(
  network: MemoryNetwork,
  number: number,
  more: Partial<PeerOptions> & { identity?: Identity } = {},
): Promise<Peer> {
  const host = `10.0.0.${number}`
  const mac = '02:00:00:00:00:01'
  const eth0 = {
    address: host,
    netmask: '255.255.255.0',
    mac,
    internal: false,
    family: 'IPv4',
    cidr: `${host}/24`,
  } as const
  const identity = more.identity ?? createIdentity()
  const protocol = { ...network.protocol(identity.id, host), interfaces: () => ({ eth0: [eth0] }) }
  const peer = await createPeer({ identity, protocol, ports: [PORT], name: `p${number}`, ...more })
  open.push(peer)
  return peer
}

async function swarm(count: number): Promise<{ network: MemoryNetwork; peers: Peer[] }> {
  const network = new MemoryNetwork()
  const peers: Peer[] = []
  for (let number = 1; number <= count; number++) peers.push(await start(network, number))
  for (const peer of peers) {
    await contactsOf(peer, count - 1)
    // Sessions, which make contacts, stand before the connections that tell names.
    await expect.poll(() => peer.peers().filter(({ state }) => state === 'online').length, POLL).toBe(count - 1)
  }
  return { network, peers }
}

async function contactsOf(peer: Peer, count: number): Promise<void> {
  await expect.poll(() => peer.status().directory?.contacts, POLL).toBe(count)
}

async function namesOf(peer: Peer): Promise<string[]> {
  const names: string[] = []
  for await (const page of peer.dht.directory()) names.push(...page.map(({ name }) => name))
  return names.sort()
}

describe('peer.dht', () => {
  it('gives everybody what one has put, by name and author and by key', async () => {
    const { peers } = await swarm(4)
    const [one, two, three] = peers as [Peer, Peer, Peer, Peer]
    const put = await one.dht.put('printer', { floor: 2 })
    expect(put).toEqual({ key: expect.stringMatching(/^[0-9a-f]{64}$/) as string, sequence: 1, holders: 4 })
    const entry = await two.dht.get({ name: 'printer', from: 'p1' })
    expect(entry).toMatchObject({ key: put.key, value: { floor: 2 }, name: 'printer', sequence: 1 })
    expect(entry.author?.equals(one.id)).toBe(true)
    expect(await three.dht.get({ key: put.key })).toMatchObject({ value: { floor: 2 } })

    const plain = await two.dht.putPlain(['never', 'changes'])
    expect(await three.dht.get({ key: plain.key })).toEqual({ key: plain.key, value: ['never', 'changes'] })
    await expect(three.dht.get('printer')).rejects.toMatchObject({ name: 'KademliaError', code: 'NOT_FOUND' })
    await expect(three.dht.get({ key: 'short' })).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    await expect(three.dht.get({ name: 'x', from: 'nobody' })).rejects.toMatchObject({ code: 'PEER_NOT_FOUND' })
    await expect(one.dht.put('large', 'x'.repeat(1_200))).rejects.toMatchObject({ code: expect.any(String) as string })
  })

  it('counts puts of one name, also of those at the same time, and compares before it sets when told to', async () => {
    const { peers } = await swarm(3)
    const [one, two] = peers as [Peer, Peer, Peer]
    const puts = await Promise.all(['a', 'b', 'c'].map((text) => one.dht.put('x', text)))
    expect(puts.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    expect(await two.dht.get({ name: 'x', from: one.id })).toMatchObject({ value: 'c', sequence: 3 })
    await expect(one.dht.put('x', 'd', { expectedSequence: 2 })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(one.dht.put('x', 'd', { expectedSequence: 0 })).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(one.dht.put('x', 'd', { expectedSequence: 9 })).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await one.dht.put('x', 'd', { expectedSequence: 3 })).toMatchObject({ sequence: 4 })
    expect([one.dht.forget('x'), one.dht.forget('x')]).toEqual([true, false])
    const found: unknown[] = []
    for await (const { value } of two.dht.find({ name: 'x', from: one.id })) found.push(value)
    expect(found.at(-1)).toBe('d')
  })

  it('lists everybody, and nobody who left; finds a peer by its id alone', async () => {
    const { peers } = await swarm(5)
    const [one, two, three] = peers as [Peer, Peer, Peer]
    await expect.poll(() => namesOf(three), { timeout: 10_000 }).toEqual(['p1', 'p2', 'p3', 'p4', 'p5'])
    const record = await three.dht.findPeer(one.id.toString())
    expect([record.name, record.addresses]).toEqual(['p1', [{ host: '10.0.0.1', port: PORT }]])
    await two.close()
    expect(await namesOf(three)).toEqual(['p1', 'p3', 'p4', 'p5'])
    await contactsOf(three, 3)
  })

  it('tells what a lookup does, step by step, and ends it with the signal', async () => {
    const { peers } = await swarm(4)
    const [one, two] = peers as [Peer, Peer]
    const steps: number[] = []
    const progress: number[] = []
    const report = await one.dht.lookup(two.id, {
      onStep: ({ sharedBits }) => steps.push(sharedBits),
      onProgress: ({ answered }) => progress.push(answered),
    })
    expect(report).toMatchObject({ asked: 3, answered: 3, failed: 0, hops: 1 })
    expect([steps.length, Math.max(...steps), progress.at(-1)]).toEqual([3, 256, 3])
    expect(report.contacts[0]?.address).toEqual({ host: '10.0.0.2', port: PORT })
    const reason = new Error('enough')
    await expect(one.dht.lookup(two.id, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(one.dht.buckets().flatMap(({ contacts }) => contacts)).toHaveLength(3)
  })
})

describe('the directory of a peer', () => {
  it('begins with the contacts of an earlier run, and with whoever asks, without discovery', async () => {
    const network = new MemoryNetwork()
    const [one, two] = [await start(network, 1, { discovery: false }), await start(network, 2, { discovery: false })]
    expect(one.knownContacts()).toEqual([])
    const knownContacts = [
      { id: 'nonsense', address: '10.0.0.1:4000' },
      { id: one.id.toString(), address: '10.0.0.77:4000' },
      { id: one.id.toString(), address: `10.0.0.1:${PORT}` },
      { id: two.id.toString(), address: `10.0.0.2:${PORT}` },
    ]
    const three = await start(network, 3, { discovery: false, knownContacts })
    await contactsOf(three, 2)
    await contactsOf(one, 2)
    expect(three.knownContacts()).toEqual(
      expect.arrayContaining([{ id: one.id.toString(), address: `10.0.0.1:${PORT}` }]),
    )
    // Whoever is proved by datagram is a peer, also without a connection.
    expect(one.peers().map(({ state }) => state)).toEqual(['online', 'online'])
  })

  it('asks nobody outside of the subnets of allowed interfaces', async () => {
    const network = new MemoryNetwork()
    const one = await start(network, 1, { discovery: false })
    const knownContacts = [{ id: one.id.toString(), address: `10.0.0.1:${PORT}` }]
    const interfaces = { allow: ['eth0'] }
    const two = await start(network, 2, { discovery: false, interfaces, knownContacts })
    await contactsOf(two, 1)
    const elsewhere = [{ id: one.id.toString(), address: `192.0.2.1:${PORT}` }]
    const three = await start(network, 3, { discovery: false, interfaces, knownContacts: elsewhere })
    await expect.poll(() => three.status().counters['directory.requestsSent']).toBe(1)
    expect(three.status().counters['datagrams.requests']).toBe(0)
  })

  it('is told of in the status, and can be off', async () => {
    const network = new MemoryNetwork()
    const one = await start(network, 1, { dht: false })
    const two = await start(network, 2)
    expect(one.status().directory).toBeUndefined()
    expect(() => one.dht).toThrow(expect.objectContaining({ code: 'DHT_OFF' }))
    expect(one.knownContacts()).toEqual([])
    expect(two.status()).toMatchObject({
      directory: { contacts: 0, records: 0, listed: 0 },
      phases: expect.arrayContaining([expect.objectContaining({ name: 'directory', state: 'done' })]) as object,
    })
    // Alone it keeps what it puts.
    await two.dht.put('x', 1)
    expect(await two.dht.get('x')).toMatchObject({ value: 1, sequence: 1 })
    await two.close()
    await expect(two.dht.get('y')).rejects.toMatchObject({ code: 'CLOSED' })
  })
})
