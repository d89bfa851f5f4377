/** News and search of whole peers, on a network in memory. */
import { createIdentity } from '@pc/identity'
import { MemoryNetwork } from '@pc/transport'
import { afterEach, describe, expect, it } from 'vitest'
import { createPeer, type Peer, type PeerMatch, type PeerOptions } from '../src/index.js'

const POLL = { timeout: 10_000, interval: 5 }
const open: Peer[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((peer) => peer.close()))
})

async function start(network: MemoryNetwork, number: number, more: Partial<PeerOptions> = {}): Promise<Peer> {
  const host = `10.0.0.${number}`
  const eth0 = {
    address: host,
    netmask: '255.255.255.0',
    mac: '02:00:00:00:00:01',
    internal: false,
    family: 'IPv4',
    cidr: `${host}/24`,
  } as const
  const identity = createIdentity()
  const protocol = { ...network.protocol(identity.id, host), interfaces: () => ({ eth0: [eth0] }) }
  const peer = await createPeer({ identity, protocol, ports: [4_000], name: `p${number}`, dht: false, ...more })
  open.push(peer)
  return peer
}

/** Peers who all see each other; `more` by number, from 1. */
async function swarm(count: number, more: Record<number, Partial<PeerOptions>> = {}): Promise<Peer[]> {
  const network = new MemoryNetwork()
  const peers: Peer[] = []
  for (let number = 1; number <= count; number++) peers.push(await start(network, number, more[number]))
  for (const peer of peers) await expect.poll(() => peer.status().gossip?.peers, POLL).toBe(count - 1)
  return peers
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

async function foundBy(peer: Peer, text: string, limit: number): Promise<PeerMatch[]> {
  const matches = await all(peer.gossip.search(text, { limit, deadlineMs: 10_000 }))
  return matches.sort((a, b) => a.record.name.localeCompare(b.record.name))
}

describe('peer.gossip', () => {
  it('tells everybody once, and who it was; large bodies are fetched', async () => {
    const [one, ...others] = (await swarm(5)) as [Peer, Peer, Peer, Peer, Peer]
    const large = new Uint8Array(300_001).map((_, index) => index * 7)
    const received = others.map((peer) => peer.gossip.subscribe({ topic: 'news' }))
    const everything = others.map((peer) => peer.gossip.subscribe())
    const own = one.gossip.subscribe()
    const id = one.gossip.publish('news', 'lunch is ready')
    one.gossip.publish('pictures', large)
    for (const news of received) {
      const { value } = await news.next()
      expect({ ...value, ageMs: 0, body: Buffer.from(value.body).toString() }).toMatchObject({
        id,
        topic: 'news',
        body: 'lunch is ready',
      })
      expect(value.origin.equals(one.id)).toBe(true)
    }
    for (const news of everything) {
      const messages = [(await news.next()).value, (await news.next()).value]
      const picture = messages.find(({ topic }) => topic === 'pictures')
      expect(Buffer.compare(picture.body, large)).toBe(0)
    }
    // Whatever else is pushed is known already, and delivered to nobody.
    for (const peer of others) expect(peer.status().gossip).toMatchObject({ delivered: 2, invalid: 0, fetching: 0 })
    expect(one.status().gossip).toMatchObject({ delivered: 0 })
    await one.close()
    expect(await own.next()).toEqual({ done: true, value: undefined })
    expect(() => one.gossip.publish('news', 'x')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  })

  it('gives what is still news to who comes later, over the control connection', async () => {
    const network = new MemoryNetwork()
    const one = await start(network, 1)
    one.gossip.publish('news', 'early', { ttlMs: 60_000 })
    const two = await start(network, 2)
    const news = two.gossip.subscribe({ topic: 'news' })
    expect(Buffer.from((await news.next()).value.body).toString()).toBe('early')
    expect(two.status().counters).toMatchObject({ 'gossip.delivered': 1 })
  })

  it('finds peers by parts of their names and starts of their capabilities', async () => {
    const peers = await swarm(5, {
      2: { name: 'Print Server', capabilities: ['printer', 'PrintColour'] },
      3: { name: 'anna', capabilities: ['printer'] },
      4: { name: 'Größe', capabilities: ['scanner'] },
    })
    const [one] = peers as [Peer]
    const printers = await foundBy(one, 'PRINT', 2)
    expect(printers.map(({ record: { name }, matched }) => [name, matched])).toEqual([
      ['anna', { name: false, capabilities: ['printer'] }],
      ['Print Server', { name: true, capabilities: ['printer', 'PrintColour'] }],
    ])
    expect(printers.map(({ peer }) => peer.toString())).toEqual([peers[2]?.id.toString(), peers[1]?.id.toString()])
    expect((await foundBy(one, 'größe', 1)).map(({ record }) => record.name)).toEqual(['Größe'])
    // Every word has to fit.
    expect((await foundBy(one, 'print serv', 1)).map(({ record }) => record.name)).toEqual(['Print Server'])
    expect(await all(one.gossip.search('printer scanner', { deadlineMs: 200 }))).toEqual([])
  })

  it('cancels everywhere what nobody wants any more', async () => {
    const peers = await swarm(4)
    const [one, two, three, four] = peers as [Peer, Peer, Peer, Peer]
    const stopped: Promise<unknown>[] = []
    let asked = 0
    for (const peer of [two, three]) {
      stopped.push(
        new Promise((resolve) => {
          peer.gossip.answer('slow', (_, { signal }) => {
            asked += 1
            return new Promise((_, reject) => {
              signal.addEventListener('abort', () => {
                resolve(signal.reason)
                reject(signal.reason)
              })
            })
          })
        }),
      )
    }
    four.gossip.answer('slow', ({ body }) => Buffer.from(`quick: ${Buffer.from(body).toString()}`))
    for await (const { peer, answer } of one.gossip.ask('slow', 'who?', { deadlineMs: 30_000 })) {
      expect([peer.equals(four.id), Buffer.from(answer).toString()]).toEqual([true, 'quick: who?'])
      await expect.poll(() => asked, POLL).toBe(2)
      break
    }
    await Promise.all(stopped)
    for (const peer of peers)
      await expect.poll(() => peer.status().gossip, POLL).toMatchObject({ searches: 0, queries: 0 })

    const reason = new Error('enough')
    const abort = new AbortController()
    const search = one.gossip.search('nobody', { signal: abort.signal, deadlineMs: 30_000 })
    const next = search.next()
    abort.abort(reason)
    await expect(next).rejects.toBe(reason)
    await expect(one.gossip.search('  ').next()).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    expect(() => four.gossip.answer('slow', () => undefined)).toThrow(expect.objectContaining({ code: 'BAD_OPTIONS' }))
    expect(() => four.gossip.answer('search', () => undefined)).toThrow(
      expect.objectContaining({ code: 'BAD_OPTIONS' }),
    )
  })

  it('refuses what is no exchange, and has no body that nobody published', async () => {
    const [one, two] = (await swarm(2)) as [Peer, Peer]
    await expect(one.request(two.id, 'pc/gossip', 'no bytes')).rejects.toMatchObject({
      code: 'BAD_INPUT',
      remote: true,
    })
    for (const hash of [new Uint8Array(32), new Uint8Array(31), 'x']) {
      const lease = await one.leaseBulk(two.id)
      const answer = new Promise((resolve) => lease.connection.onMessage(resolve))
      await lease.connection.send({ header: 'pc/gossip-body', id: 7, body: hash })
      expect(await answer).toMatchObject({ header: 'pc/gossip-body', id: 7, body: null })
      lease.release()
    }
  })

  it('counts runs, also with a clock that was set back, and can be off', async () => {
    const network = new MemoryNetwork()
    const one = await start(network, 1)
    const later = one.gossip.boot + 1_000_000
    const two = await start(network, 2, { gossip: { afterBoot: later } })
    expect(two.gossip.boot).toBe(later + 1)
    const three = await start(network, 3, { gossip: false })
    expect(() => three.gossip).toThrow(expect.objectContaining({ code: 'GOSSIP_OFF' }))
    expect(three.status().gossip).toBeUndefined()
    await expect(start(network, 4, { gossip: { afterBoot: -1 } })).rejects.toMatchObject({ code: 'BAD_OPTIONS' })
    await expect(start(network, 4, { gossip: { fanOut: 0 } })).rejects.toMatchObject({ phase: 'gossip' })
  })
})
