import { createIdentity, type PeerId } from '@pc/identity'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import { expect, it } from 'vitest'
import { Gossip, type GossipOptions, type PeerInView } from '../src/index.js'

type Watcher = (change: { type: 'up' | 'down' } & PeerInView) => void

/** Peers in this process, all live to each other, on a clock that moves only when it is told to. */
class Office {
  readonly clock: VirtualClock = new VirtualClock()
  readonly ids: PeerId[] = []
  readonly peers: Gossip[] = []
  readonly watchers = new Set<Watcher>()
  readonly #random = new SeededRandom('office')
  exchanges = 0

  constructor(count: number, options: (index: number) => Partial<GossipOptions> = () => ({})) {
    const identities = Array.from({ length: count }, (_, index) => createIdentity(new Uint8Array(32).fill(index + 1)))
    this.ids = identities.map(({ id }) => id)
    for (const [index, identity] of identities.entries()) {
      const { id } = identity
      const at = (peer: PeerId): Gossip => this.peers[this.ids.findIndex((each) => each.equals(peer))] as Gossip
      this.peers.push(
        Gossip.create({
          identity,
          clock: this.clock,
          random: this.#random.stream(`${index}`),
          transport: {
            send: (to, bytes) => void this.clock.setTimeout(() => at(to).receive(id, bytes), 1),
            exchange: async (to, bytes) => {
              this.exchanges += 1
              return at(to).answer(id, bytes)
            },
            fetch: async (from, { hash }) => {
              const body = at(from).body(hash)
              if (body === undefined) throw new Error('it is not here')
              return body
            },
          },
          peers: {
            live: () => this.ids.filter((each) => each !== id).map((peer) => ({ peer, roundTripMs: 2 })),
            watch: (onChange) => {
              this.watchers.add(onChange)
              return () => this.watchers.delete(onChange)
            },
          },
          ...options(index),
        }),
      )
    }
  }

  peer(index: number): Gossip {
    return this.peers[index] as Gossip
  }

  async close(): Promise<void> {
    await Promise.all(this.peers.map((peer) => peer.close()))
  }
}

const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString()

it('news come to all subscribers of their topic, small and large', async () => {
  const office = new Office(5)
  const news = office.peer(1).subscribe({ topic: 'news' })
  const everything = office.peer(2).subscribe()
  const id = office.peer(0).publish('news', Buffer.from('lunch'))
  office.peer(0).publish('other', Buffer.from('tea'))
  office.peer(0).publish('news', new Uint8Array(50_000).fill(1))
  await office.clock.advance(100)
  const first = (await news.next()).value
  expect([text(first.body), first.topic, first.hops]).toEqual(['lunch', 'news', 1])
  expect(first.id).toEqual(id)
  expect(first.origin.equals(office.ids[0] as PeerId)).toBe(true)
  expect((await news.next()).value.body).toHaveLength(50_000)
  const topics = [await everything.next(), await everything.next(), await everything.next()].map(
    ({ value }) => value.topic,
  )
  expect(topics.sort()).toEqual(['news', 'news', 'other'])
  await office.close()
})

it('a search gives out answers as they come, and is cancelled with break', async () => {
  const aborted: number[] = []
  const office = new Office(8, (index) => ({
    answer: (query, { signal }) => {
      signal.addEventListener('abort', () => aborted.push(index))
      if (index === 3) return new Promise<undefined>(() => {})
      return index > 4 ? Buffer.from(`${index} has ${text(query.body)}`) : undefined
    },
  }))
  const search = office.peer(0).search(Buffer.from('paper'))
  const first = search.next()
  await office.clock.advance(200)
  const hits = [(await first).value, (await search.next()).value, (await search.next()).value]
  expect(hits.map((hit) => text(hit?.answer)).sort()).toEqual(['5 has paper', '6 has paper', '7 has paper'])
  await search.return()
  await office.clock.advance(100)
  expect(aborted).toEqual([3])
  expect(office.peers.map((peer) => peer.status().queries)).toEqual(new Array(8).fill(0))
  await office.close()
})

it('a search ends by itself at its deadline, and by its signal with the reason', async () => {
  const office = new Office(3)
  const quiet = office.peer(0).search(Buffer.from('?'), { deadlineMs: 500 }).next()
  const abort = new AbortController()
  const given = office.peer(1).search(Buffer.from('?'), { signal: abort.signal }).next()
  given.catch(() => {})
  await office.clock.advance(500)
  expect((await quiet).done).toBe(true)
  abort.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  await expect(office.peer(0).search(Buffer.from('?'), { limit: 0 }).next()).rejects.toMatchObject({
    code: 'BAD_OPTION',
  })
  await office.close()
})

it('refuses what others would not take', async () => {
  const office = new Office(2)
  expect(() => office.peer(0).publish('', Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'BAD_RUMOR' }))
  expect(() => office.peer(0).publish('x', new Uint8Array(2_000_000))).toThrow(
    expect.objectContaining({ code: 'BAD_RUMOR' }),
  )
  for (let count = 0; count < 20; count++) office.peer(0).publish('x', Buffer.from(`${count}`))
  expect(() => office.peer(0).publish('x', Buffer.from('y'))).toThrow(
    expect.objectContaining({ code: 'RATE_LIMITED', retryable: true }),
  )
  await office.clock.advance(100)
  office.peer(0).publish('x', Buffer.from('y'))
  await office.close()
})

it('hears of peers that come and go, and compares with newcomers', async () => {
  const office = new Office(3)
  await office.clock.advance(2_000)
  expect(office.exchanges).toBeGreaterThan(0)
  const peer = office.ids[2] as PeerId
  for (const watch of office.watchers) watch({ type: 'down', peer })
  expect(office.peer(0).status().peers).toBe(1)
  for (const watch of office.watchers) watch({ type: 'up', peer })
  expect(office.peer(0).status().peers).toBe(2)
  await office.close()
})

it('a transport that throws is a loss, and no more', async () => {
  const broken = () => {
    throw new Error('no route')
  }
  const office = new Office(2, () => ({ transport: { send: broken, exchange: broken, fetch: broken } }))
  office.peer(0).publish('x', Buffer.from('x'))
  await office.clock.advance(5_000)
  await office.close()
})

it('closes once, ends what waits, and leaves nothing behind', async () => {
  const office = new Office(3)
  const news = office.peer(0).subscribe({ topic: 'x' }).next()
  const search = office.peer(0).search(Buffer.from('?')).next()
  await office.clock.advance(10)
  await office.peer(0).close()
  await office.peer(0).close()
  expect((await news).done).toBe(true)
  expect((await search).done).toBe(true)
  expect(() => office.peer(0).publish('x', Buffer.from('x'))).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  expect(() => office.peer(0).subscribe()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
  office.peer(0).receive(office.ids[1] as PeerId, new Uint8Array([1]))
  {
    await using _disposed = office.peer(1)
  }
  await office.close()
  await office.clock.advance(10)
  expect(office.watchers.size).toBe(0)
  expect(office.clock.pending).toBe(0)
})
