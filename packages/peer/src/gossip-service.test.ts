import type { DatagramHandler, DatagramHandlerOptions } from '@pc/dispatch'
import { Priority } from '@pc/dispatch'
import { MAX_EXCHANGE_BYTES, RumorKind, readRumor, signRumor } from '@pc/gossip'
import { createIdentity, signPeerRecord } from '@pc/identity'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import { silentLogger } from '@pc/transport'
import type { Value } from '@pc/wire'
import { afterEach, expect, it } from 'vitest'
import { GossipService, type GossipServiceOptions } from './gossip-service.js'
import { PeerGossip } from './peer-gossip.js'

const [anna, bert] = [1, 2].map((seed) => createIdentity(new Uint8Array(32).fill(seed))) as [
  ReturnType<typeof createIdentity>,
  ReturnType<typeof createIdentity>,
]
const address = { host: '10.0.0.2', port: 3_485 }
const record = signPeerRecord(anna, { sequence: 1, name: 'anna', addresses: [], capabilities: ['printer'] })
const open: GossipService[] = []

afterEach(async () => {
  await Promise.all(open.splice(0).map((service) => service.close()))
})

/** Anna's, who sees Bert; what she sends is kept, and fails when it is told to. */
function service(more: Partial<GossipServiceOptions> = {}) {
  const clock = new VirtualClock()
  const sent: { rootCode: number; body: Value }[] = []
  const registered: { options: DatagramHandlerOptions; handler: DatagramHandler }[] = []
  let compare = (_bytes: unknown, _context: object): unknown => undefined
  let fails = false
  let [taken, given] = [0, 0]
  const one = new GossipService({
    identity: anna,
    endpoint: {
      send: async (_to, rootCode, body) => {
        if (fails) throw new Error('nobody is there')
        sent.push({ rootCode, body })
      },
      register: (_, options, handler) => {
        taken += 1
        registered.push({ options, handler: handler as DatagramHandler })
        return () => (given += 1)
      },
    },
    messaging: {
      request: () => Promise.reject(new Error('nobody answers')),
      handle: (_, __, handler) => {
        taken += 1
        compare = handler as typeof compare
        return () => (given += 1)
      },
    },
    services: {
      register: () => {
        taken += 1
        return () => (given += 1)
      },
    },
    connector: { leaseBulk: () => Promise.reject(new Error('nobody has it')) },
    membership: {
      isOnline: () => true,
      members: () => [{ peer: bert.id, record, state: 'online', since: 0, lastSeenAt: 0, udpBlocked: false }],
      events: () => (async function* () {})(),
    },
    book: { get: () => undefined, addressesOf: () => [{ host: '192.0.2.1', port: 1 }, address] },
    record: () => record,
    mayReach: ({ host }) => host.startsWith('10.'),
    settings: {},
    clock,
    random: new SeededRandom('gossip service'),
    logger: silentLogger,
    ...more,
  })
  open.push(one)
  const [{ options, handler }] = registered as [(typeof registered)[0]]
  const receive = (body: Value): unknown =>
    handler({ peer: bert.id, body } as never, { signal: new AbortController().signal })
  const fail = (): void => {
    fails = true
  }
  const ended = (): boolean => taken === 3 && given === taken
  return {
    one,
    clock,
    sent,
    options,
    receive,
    compare: (bytes: unknown) => compare(bytes, { peer: bert.id }),
    fail,
    ended,
  }
}

function rumorOf(kind: RumorKind, topic: string, body: Uint8Array): Uint8Array {
  const rumor = signRumor(bert, { kind, topic, body, boot: 1, sequence: 1, createdAt: 1, ttlMs: 6_000 })
  return Buffer.concat([new Uint8Array([0, 1, 0, 0, 0, 5]), rumor.bytes])
}

it('sends by datagram where it may, and counts what could not be sent', async () => {
  const { one, sent, fail } = service()
  one.gossip.publish('news', Buffer.from('x'))
  expect(sent).toMatchObject([{ rootCode: 0x02, body: expect.any(Uint8Array) as Uint8Array }])
  fail()
  one.gossip.publish('news', Buffer.from('y'))
  await expect.poll(() => one.status().unsent).toBe(1)
  const alone = service({ mayReach: () => false })
  alone.one.gossip.publish('news', Buffer.from('x'))
  expect([alone.sent, alone.one.status().unsent]).toEqual([[], 1])
})

it('takes bytes of a peer, and counts what is none', async () => {
  const { one, receive } = service()
  const news = one.gossip.subscribe()
  for (const body of [null, 'x', 1, [], {}]) expect(receive(body)).toBeUndefined()
  receive(rumorOf(RumorKind.DATA, 'news', Buffer.from('lunch')))
  expect((await news.next()).value).toMatchObject({ topic: 'news' })
  expect(one.status()).toMatchObject({ notBytes: 5, delivered: 1, invalid: 0 })
})

it('lets questions wait behind news', () => {
  const { options } = service()
  const classOf = (body: Value): unknown => options.classify?.({ body } as never)
  expect(classOf(rumorOf(RumorKind.QUERY, 'search', Buffer.from('x')))).toBe(Priority.SEARCH)
  expect(classOf(rumorOf(RumorKind.DATA, 'news', Buffer.from('x')))).toBe(Priority.GOSSIP)
  expect(classOf('x')).toBe(Priority.GOSSIP)
})

it('compares with bytes alone, no more than fit', () => {
  const { compare } = service()
  expect(compare(new Uint8Array([16, 0, 0]))).toEqual(Buffer.from([17, 0, 0, 0]))
  for (const input of [null, 'x', new Uint8Array(MAX_EXCHANGE_BYTES + 1)]) {
    expect(() => compare(input)).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }))
  }
})

it('answers a search with its record, and shows no answer that is not the sender’s or does not fit', async () => {
  const { one, clock, receive, sent } = service()
  receive(rumorOf(RumorKind.QUERY, 'search', Buffer.from('PRINT')))
  await expect
    .poll(async () => {
      await clock.advance(100)
      return sent.find(({ body }) => (body as Uint8Array)[0] === 3)
    })
    .toBeDefined()
  const hit = sent.find(({ body }) => (body as Uint8Array)[0] === 3)?.body as Uint8Array
  expect(Buffer.compare(hit.subarray(17), record.bytes)).toBe(0)

  sent.length = 0
  const search = new PeerGossip(one).search('printer', { limit: 2 })
  const next = search.next()
  const [{ body: query }] = sent as unknown as [{ body: Uint8Array }]
  const { id } = readRumor(query.subarray(6))
  receive(Buffer.concat([new Uint8Array([3]), id, record.bytes])) // Anna's record, sent by Bert
  await expect.poll(() => one.status().badAnswers).toBe(1)
  await clock.advance(3_000)
  expect(await next).toEqual({ done: true, value: undefined })
})

it('an answer that does not fit is none of those that were wanted', async () => {
  const { one, receive, sent } = service()
  const theirs = signPeerRecord(bert, { sequence: 1, name: 'bert', addresses: [], capabilities: ['printer'] })
  const ask = (): { next: Promise<IteratorResult<unknown>>; hit: (answer: Uint8Array) => void } => {
    sent.length = 0
    const next = new PeerGossip(one).search('printer', { limit: 1 }).next()
    const [{ body: query }] = sent as unknown as [{ body: Uint8Array }]
    const { id } = readRumor(query.subarray(6))
    return { next, hit: (answer) => receive(Buffer.concat([new Uint8Array([3]), id, answer])) }
  }
  const foul = ask()
  foul.hit(Buffer.from('nonsense'))
  await expect.poll(() => one.status().badAnswers).toBe(1)
  expect(one.status().searches).toBe(1)
  const { next, hit } = ask()
  hit(theirs.bytes)
  expect(await next).toMatchObject({ done: false, value: { matched: { capabilities: ['printer'] } } })
  // The one that was wanted: over everywhere.
  expect(one.status().searches).toBe(1)
  await expect(new PeerGossip(one).search('printer', { limit: 0 }).next()).rejects.toMatchObject({ code: 'BAD_OPTION' })
})

it('counts on from an earlier run, and gives back what it took', async () => {
  const { one, clock, ended } = service()
  expect(one.boot).toBe(Math.floor(clock.unixNow()))
  const { boot } = service({ settings: { afterBoot: one.boot + 5 } }).one
  expect(boot).toBe(one.boot + 6)
  await one.close()
  await one.close()
  expect(ended()).toBe(true)
})
