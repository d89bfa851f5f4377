import { createIdentity, type Identity } from '@pc/identity'
import { expect, it } from 'vitest'
import type { Effect, Input } from './events.js'
import { packAck, packHit, packKeys, packRumor, readPacket } from './messages.js'
import type { GossipLimits } from './options.js'
import { packReference, type Rumor, type RumorFields, RumorKind, signRumor } from './rumor.js'
import { GossipState } from './state.js'
import { packExchange, readExchange } from './sync-messages.js'

const [self, anna, bert, ...others] = Array.from({ length: 40 }, (_, index) =>
  createIdentity(new Uint8Array(32).fill(index + 1)),
) as [Identity, Identity, Identity, ...Identity[]]

function create(limits: GossipLimits = {}, peers: readonly Identity[] = [anna, bert]): GossipState {
  const state = new GossipState({ identity: self, boot: 1, random: () => 0.5, now: 0, ...limits })
  for (const { id } of peers) state.handle({ type: 'peer-up', peer: id }, 0)
  return state
}

function rumorOf(fields: Partial<RumorFields> = {}, origin: Identity = bert): Rumor {
  const defaults = { kind: RumorKind.DATA, topic: 'news', boot: 1, sequence: 1, createdAt: 1, ttlMs: 6_000 }
  return signRumor(origin, { ...defaults, body: Buffer.from('hello'), ...fields })
}

function came(rumor: Rumor, { from = anna, hops = 1, ageMs = 0 } = {}): Input {
  return { type: 'datagram', from: from.id, bytes: packRumor({ rumor, hops, ageMs }) }
}

const publish = (body: Uint8Array = Buffer.from('x')): Input => ({
  type: 'publish',
  topic: 'news',
  body,
  options: { ttlMs: 6_000, createdAt: 1 },
})
const types = (effects: readonly Effect[]): string[] =>
  effects.map(({ type }) => type).filter((type) => type !== 'wake')
const sent = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.type === 'send' ? [{ to: effect.to, packet: readPacket(effect.bytes) }] : []))
const CONNECTED = others.slice(0, 36)

it('a rumor is delivered and pushed on once, and never by a duplicate', () => {
  const state = create({}, CONNECTED)
  const rumor = rumorOf()
  const first = state.handle(came(rumor), 10)
  expect(types(first)).toEqual(['deliver', 'send', 'send', 'send'])
  expect(sent(first)[0]?.packet).toMatchObject({ type: 'rumor', hops: 2 })
  expect(state.handle(came(rumor, { from: bert }), 20)).toEqual([])
  expect(state.status()).toMatchObject({ delivered: 1, duplicates: 1, pushed: 3 })
})

it('never goes back to its origin or to who sent it', () => {
  const state = create({}, [anna, bert])
  expect(sent(state.handle(came(rumorOf()), 10))).toEqual([])
})

it('a small network hears its publisher directly; a large one by three, and every one of a large body', () => {
  expect(sent(create({}, CONNECTED.slice(0, 31)).handle(publish(), 10))).toHaveLength(31)
  expect(sent(create({}, CONNECTED.slice(0, 32)).handle(publish(), 10))).toHaveLength(3)
  expect(sent(create({}, CONNECTED.slice(0, 31)).handle(publish(new Uint8Array(2_000)), 10))).toHaveLength(3)
})

it('a rumor of a kind that is not known is passed on and handed to nobody, and its bearer has done no harm', () => {
  const state = create({}, CONNECTED)
  const later = rumorOf({ kind: 200 as RumorKind })
  expect(types(state.handle(came(later), 10))).toEqual(['send', 'send', 'send'])
  expect([state.score(anna.id, 10), state.status().delivered, state.status().unknown]).toEqual([0, 0, 1])
  const asked = state.handle({ type: 'datagram', from: bert.id, bytes: packKeys('iwant', [later.key]) }, 20)
  expect(sent(asked)).toMatchObject([{ packet: { rumor: { kind: 200 } } }])
})

it('an exchange with a rumor of a kind that is not known brings the others all the same', () => {
  const state = create({}, CONNECTED)
  const rumors = [rumorOf({ kind: 200 as RumorKind }), rumorOf({ sequence: 2 })].map((rumor) => ({
    rumor,
    hops: 1,
    ageMs: 0,
  }))
  const bytes = packExchange({ type: 'push', rumors })
  expect(types(state.handle({ type: 'exchange-asked', from: anna.id, bytes }, 10))).toContain('deliver')
  expect([state.score(anna.id, 10), state.status().delivered, state.status().unknown]).toEqual([0, 1, 1])
})

it('of an exchange full of forged rumors a few are checked, and then no more', () => {
  let checked = 0
  const verify = (): boolean => {
    checked += 1
    return false
  }
  const state = new GossipState({ identity: self, boot: 1, random: () => 0.5, now: 0, verify })
  state.handle({ type: 'peer-up', peer: anna.id }, 0)
  const rumors = Array.from({ length: 200 }, (_, index) => ({
    rumor: rumorOf({ sequence: index + 1 }),
    hops: 1,
    ageMs: 0,
  }))
  state.handle({ type: 'exchange-asked', from: anna.id, bytes: packExchange({ type: 'push', rumors }) }, 10)
  expect([checked, state.score(anna.id, 10)]).toEqual([10, -10])
})

it('in a small network news are pushed on to two, as their publisher sends them to all; a large body to three', () => {
  const state = create({}, CONNECTED.slice(0, 31))
  expect(types(state.handle(came(rumorOf()), 10))).toEqual(['deliver', 'send', 'send'])
  const body = new Uint8Array(2_000)
  const large = rumorOf({ sequence: 2, kind: RumorKind.REFERENCE, body: packReference(body) })
  state.handle(came(large), 20)
  const fetched = state.handle({ type: 'fetched', key: large.key, from: anna.id, body }, 30)
  expect(types(fetched)).toEqual(['deliver', 'send', 'send', 'send'])
})

it('age is what peers add up: a rumor that is too old is not taken, whatever its date says', () => {
  const state = create()
  expect(state.handle(came(rumorOf({ createdAt: 2 ** 47 }), { ageMs: 6_001 }), 10)).toEqual([])
  expect(state.status().expired).toBe(1)
  expect(types(state.handle(came(rumorOf({ createdAt: 0 }), { ageMs: 5_900 }), 10))).toContain('deliver')
})

it('a replay is not taken after its id is forgotten either', () => {
  const state = create()
  const rumor = rumorOf()
  state.handle(came(rumor), 0)
  for (let now = 1_000; now <= 3_600_000; now += 30_000) state.handle({ type: 'wake' }, now)
  expect(types(state.handle(came(rumor), 3_600_001))).toEqual([])
  expect(state.status()).toMatchObject({ delivered: 1, replayed: 1 })
})

it('a forged rumor costs who sends it, and uses up nothing of its alleged origin', () => {
  const state = create()
  const rumor = rumorOf()
  const bytes = packRumor({ rumor, hops: 1, ageMs: 0 })
  bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1
  expect(types(state.handle({ type: 'datagram', from: anna.id, bytes }, 0))).toEqual([])
  expect(state.score(anna.id, 0)).toBe(-1)
  expect(types(state.handle(came(rumor), 0))).toContain('deliver')
})

it('who sends nonsense is ignored, then banned for five minutes', () => {
  const state = create()
  const nonsense: Input = { type: 'datagram', from: anna.id, bytes: new Uint8Array([2]) }
  for (let time = 0; time < 10; time++) state.handle(nonsense, 0)
  expect(types(state.handle(came(rumorOf()), 0))).toEqual([])
  for (let time = 0; time < 40; time++) state.handle(nonsense, 0)
  expect(state.status().ignored).toBeGreaterThan(0)
  expect(types(state.handle(came(rumorOf()), 299_000))).toEqual([])
  expect(types(state.handle(came(rumorOf(), { from: others[0] as Identity }), 299_000))).toContain('deliver')
})

it('of one origin 30 are taken at once, though it may say only 20, then 10 a second', () => {
  const state = create()
  let sequence = 0
  const flood = (count: number, now: number): number => {
    let delivered = 0
    for (let index = 0; index < count; index++) {
      const from = CONNECTED[index % 20] as Identity
      const effects = state.handle(came(rumorOf({ sequence: ++sequence }), { from }), now)
      if (types(effects).includes('deliver')) delivered++
    }
    return delivered
  }
  expect(flood(60, 0)).toBe(30)
  expect(flood(60, 1_000)).toBe(10)
})

it('of one origin no more are taken of those said to be old, or that come in exchanges', () => {
  const options = { identity: self, boot: 1, random: () => 0.5, now: 0 }
  // So many signatures take their time, and are not what is looked at.
  const state = new GossipState({ ...options, verify: () => true })
  let sequence = 0
  const take = (way: 'datagram' | 'exchange', count: number, ageMs: number, now: number): number => {
    const before = state.status().delivered
    const hops = Array.from({ length: count }, () => ({
      rumor: rumorOf({ sequence: ++sequence, ttlMs: 600_000 }),
      hops: 1,
      ageMs,
    }))
    const inputs: readonly Input[] =
      way === 'datagram'
        ? hops.map(({ rumor }, index) => came(rumor, { from: CONNECTED[index % 20] as Identity, ageMs }))
        : [{ type: 'exchange-asked', from: anna.id, bytes: packExchange({ type: 'push', rumors: hops }) }]
    for (const input of inputs) state.handle(input, now)
    return state.status().delivered - before
  }
  expect(take('exchange', 60, 0, 0)).toBe(30)
  // A backlog at once; from then on old and fresh ones share one rate.
  expect(take('exchange', 300, 7_000, 0) + take('exchange', 300, 7_000, 0)).toBe(600)
  expect(take('exchange', 300, 7_000, 1) + take('exchange', 300, 7_000, 2)).toBe(1_024 - 630)
  expect(take('datagram', 60, 7_000, 1_002)).toBe(10)
  expect(take('datagram', 60, 0, 1_003)).toBe(0)
  expect(take('datagram', 60, 0, 2_003)).toBe(10)
})

it('of one neighbour 100 are taken at once, whoever their origin', () => {
  const state = create()
  for (let index = 0; index < 130; index++) state.handle(came(rumorOf({}, others[index % 20] as Identity)), 0)
  expect(state.status().limited).toBe(30)
})

it('this peer’s own rate is the one others allow', () => {
  const state = create()
  const outcomes = Array.from({ length: 21 }, () => types(state.handle(publish(), 0))[0])
  expect(outcomes.slice(-2)).toEqual(['published', 'refused'])
})

it('what is announced and not here is asked for, of one announcer', () => {
  const state = create()
  const { key } = rumorOf()
  const announce = (from: Identity): Input => ({ type: 'datagram', from: from.id, bytes: packKeys('ihave', [key]) })
  expect(sent(state.handle(announce(anna), 0))).toEqual([{ to: anna.id, packet: { type: 'iwant', keys: [key] } }])
  expect(sent(state.handle(announce(bert), 1))).toEqual([])
  expect(sent(state.handle({ type: 'wake' }, 9))).toEqual([{ to: bert.id, packet: { type: 'iwant', keys: [key] } }])
})

it('who asks is given it, three times', () => {
  const state = create()
  const rumor = rumorOf()
  state.handle(came(rumor), 0)
  const ask: Input = {
    type: 'datagram',
    from: others[0]?.id ?? anna.id,
    bytes: packKeys('iwant', [rumor.key, 'unknown!']),
  }
  const given = Array.from({ length: 5 }, () => sent(state.handle(ask, 10)).length)
  expect(given).toEqual([1, 1, 1, 0, 0])
})

it('promises that are broken cost half a point', () => {
  const state = create()
  state.handle({ type: 'datagram', from: anna.id, bytes: packKeys('ihave', ['abcdefgh']) }, 0)
  state.handle({ type: 'wake' }, 4_000)
  expect(state.score(anna.id, 4_000)).toBe(-0.5)
})

it('a large body is fetched of one that told it, then of the next, and passed on when it is here', () => {
  const state = create({}, CONNECTED)
  const body = new Uint8Array(2_000).fill(7)
  const rumor = rumorOf({ kind: RumorKind.REFERENCE, body: packReference(body) })
  const { key } = rumor
  expect(types(state.handle(came(rumor), 0))).toEqual(['fetch'])
  expect(types(state.handle(came(rumor, { from: bert }), 1))).toEqual([])
  const wrong = state.handle({ type: 'fetched', key, from: anna.id, body: new Uint8Array(2_000) }, 2)
  expect(wrong).toMatchObject([{ type: 'fetch', from: bert.id }])
  expect(state.score(anna.id, 2)).toBe(-0.5)
  const effects = state.handle({ type: 'fetched', key, from: bert.id, body }, 5)
  expect(types(effects)).toEqual(['deliver', 'send', 'send', 'send'])
  expect(effects[0]).toMatchObject({ message: { body, ageMs: 5 } })
  expect(state.body(rumor.body.subarray(0, 32), 10)).toBe(body)
  expect(types(state.handle({ type: 'fetched', key, from: bert.id, body }, 6))).toEqual([])
})

it('a large body that nobody gives is given up, until it is told again', () => {
  const state = create()
  const rumor = rumorOf({ kind: RumorKind.REFERENCE, body: packReference(new Uint8Array(2_000)) })
  state.handle(came(rumor), 0)
  expect(types(state.handle({ type: 'fetch-failed', key: rumor.key, from: anna.id }, 1))).toEqual([])
  expect(state.status().fetching).toBe(0)
  expect(types(state.handle(came(rumor, { from: bert }), 2))).toEqual(['fetch'])
})

it('two peers give each other what is missing', () => {
  const state = create()
  state.handle(came(rumorOf({ ttlMs: 60_000 })), 0)
  const [reply] = state.handle(
    { type: 'exchange-asked', from: anna.id, bytes: packExchange({ type: 'sync', vector: [] }) },
    1,
  )
  if (reply?.type !== 'reply') throw new Error('there was no reply')
  expect(readExchange(reply.bytes)).toMatchObject({ type: 'tell', more: false, rumors: [{ ageMs: 1, hops: 2 }] })

  // Of the other side: it learns of a peer, exchanges with it, takes the rumor, and has nothing to push.
  const other = new GossipState({ identity: anna, boot: 1, random: () => 0.5, now: 0 })
  other.handle({ type: 'peer-up', peer: self.id }, 0)
  expect(types(other.handle({ type: 'wake' }, 1_500))).toContain('exchange')
  const answered: Input = { type: 'exchange-answered', from: self.id, bytes: reply.bytes }
  expect(types(other.handle(answered, 1_501))).toEqual(['deliver'])
  expect(types(other.handle(answered, 1_502))).toEqual([])
})

it('an exchange that is nonsense is answered and costs a point', () => {
  const state = create()
  const effects = state.handle({ type: 'exchange-asked', from: anna.id, bytes: new Uint8Array([99]) }, 0)
  expect(types(effects)).toEqual(['reply'])
  expect(state.score(anna.id, 0)).toBe(-1)
})

it('of one peer 32 exchanges are answered at once, then one a second', () => {
  const state = create()
  state.handle(came(rumorOf({ ttlMs: 60_000 })), 0)
  const bytes = packExchange({ type: 'sync', vector: [] })
  const answers = (count: number, now: number): number => {
    const replies = Array.from(
      { length: count },
      () => state.handle({ type: 'exchange-asked', from: anna.id, bytes }, now)[0],
    )
    return replies.filter((reply) => reply?.type === 'reply' && readExchange(reply.bytes).type === 'tell').length
  }
  expect([answers(40, 0), answers(40, 2_000)]).toEqual([32, 2])
})

it('a query is answered straight to the asker, again and again until it is acknowledged', () => {
  const state = create({}, CONNECTED)
  const query = rumorOf({ kind: RumorKind.QUERY, ttlMs: 3_000 })
  expect(types(state.handle(came(query), 0))[0]).toBe('query')
  state.handle({ type: 'answer', query: query.id, answer: Buffer.from('me') }, 1)
  const hits = (now: number) => sent(state.handle({ type: 'wake' }, now)).filter(({ packet }) => packet.type === 'hit')
  expect(hits(40)).toEqual([])
  expect(hits(51)).toMatchObject([{ to: bert.id, packet: { type: 'hit', query: query.id } }])
  expect(hits(112)).toHaveLength(1)
  state.handle({ type: 'datagram', from: anna.id, bytes: packAck(query.id) }, 113)
  expect(hits(233)).toHaveLength(1)
  state.handle({ type: 'datagram', from: bert.id, bytes: packAck(query.id) }, 234)
  expect(hits(900)).toEqual([])
  expect(state.status().queries).toBe(0)
})

it('a query goes no further than 16 links', () => {
  const state = create({}, CONNECTED)
  const far = came(rumorOf({ kind: RumorKind.QUERY }), { hops: 16 })
  expect(types(state.handle(far, 0))).toEqual(['query'])
})

it('only the asker cancels its query, also before it comes', () => {
  const state = create({}, CONNECTED)
  const query = rumorOf({ kind: RumorKind.QUERY })
  const cancelBy = (origin: Identity) => rumorOf({ kind: RumorKind.CANCEL, sequence: 2, body: query.id }, origin)
  state.handle(came(query), 0)
  expect(types(state.handle(came(cancelBy(anna)), 1))).not.toContain('query-cancelled')
  expect(types(state.handle(came(cancelBy(bert)), 2))).toContain('query-cancelled')
  expect(state.status().queries).toBe(0)
  const early = create({}, CONNECTED)
  early.handle(came(cancelBy(bert)), 0)
  expect(types(early.handle(came(query), 1))).toEqual([])
})

it('a search gets one answer of each peer, and is cancelled everywhere when it has enough', () => {
  const state = create({}, CONNECTED)
  const options = { ttlMs: 3_000, createdAt: 1 }
  const effects = state.handle({ type: 'search', topic: 'name', query: Buffer.from('?'), limit: 2, options }, 0)
  const published = effects.find(({ type }) => type === 'published')
  if (published?.type !== 'published') throw new Error('it was not published')
  const hit = (from: Identity): Input => ({
    type: 'datagram',
    from: from.id,
    bytes: packHit(published.id, Buffer.from('me')),
  })
  expect(types(state.handle(hit(anna), 1))).toEqual(['send', 'hit'])
  expect(types(state.handle(hit(anna), 2))).toEqual(['send'])
  const last = state.handle(hit(bert), 3)
  expect(types(last)).toEqual(['send', 'hit', 'search-over', 'send', 'send', 'send'])
  expect(sent(last)[1]?.packet).toMatchObject({ rumor: { kind: RumorKind.CANCEL } })
  expect(types(state.handle(hit(others[0] as Identity), 4))).toEqual(['send'])
})

it('a search ends at its deadline', () => {
  const state = create()
  const options = { ttlMs: 3_000, createdAt: 1 }
  state.handle({ type: 'search', topic: 'name', query: Buffer.from('?'), limit: 2, options }, 0)
  expect(types(state.handle({ type: 'wake' }, 3_000))).toContain('search-over')
  expect(state.status().searches).toBe(0)
})

it('refuses options outside their range', () => {
  expect(() => create({ fanOut: 0 })).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
})

it('who replays what this peer published in earlier runs does not take its rate', () => {
  const state = create()
  for (let sequence = 1; sequence <= 20; sequence++) state.handle(came(rumorOf({ boot: 0, sequence }, self)), 0)
  expect(types(state.handle(publish(), 0))[0]).toBe('published')
})

it('keys cost nothing: all origins that are not live here have the rate of one', () => {
  const options = { identity: self, boot: 1, random: () => 0.5, now: 0 }
  const state = new GossipState({ ...options, verify: () => true })
  for (const { id } of [anna, bert]) state.handle({ type: 'peer-up', peer: id }, 0)
  const strangers = others.slice(0, 4)
  const take = (sequence: number, now: number): number => {
    const before = state.status().delivered
    for (const origin of strangers) {
      const rumors = Array.from({ length: 300 }, (_, index) => ({
        rumor: rumorOf({ sequence: sequence + index, ttlMs: 600_000 }, origin),
        hops: 1,
        ageMs: 7_000,
      }))
      state.handle({ type: 'exchange-asked', from: anna.id, bytes: packExchange({ type: 'push', rumors }) }, now)
    }
    return state.status().delivered - before
  }
  expect([take(1, 0), take(301, 1_000)]).toEqual([1_024, 10])
  // Of those who are live each has its own.
  expect(types(state.handle(came(rumorOf()), 1_000))).toContain('deliver')
})

it('only what was asked for is a promise: no more of an announcement than others would give', () => {
  const state = create()
  const rumors = Array.from({ length: 137 }, (_, index) => rumorOf({ sequence: index + 1 }))
  const bytes = packKeys(
    'ihave',
    rumors.map(({ key }) => key),
  )
  const [asked] = sent(state.handle({ type: 'datagram', from: anna.id, bytes }, 0))
  if (asked?.packet.type !== 'iwant') throw new Error('nothing was asked for')
  expect(asked.packet.keys).toHaveLength(64)
  for (const rumor of rumors.slice(0, 64)) state.handle(came(rumor), 1)
  state.handle({ type: 'wake' }, 4_000)
  expect(state.score(anna.id, 4_000)).toBe(0)
})

it('announces nothing that it could not give: neither what is news no more, nor a body that has gone', () => {
  const state = create({ bodyBytes: 2_000 }, CONNECTED)
  const announced = (now: number): number =>
    sent(state.handle({ type: 'wake' }, now)).filter(({ packet }) => packet.type === 'ihave').length
  state.handle(came(rumorOf({ ttlMs: 30 })), 0)
  expect([announced(20), announced(60), announced(140)]).toEqual([3, 0, 0])
  const [first, second] = [1, 2].map((value) => new Uint8Array(2_000).fill(value)) as [Uint8Array, Uint8Array]
  const rumor = rumorOf({ sequence: 2, kind: RumorKind.REFERENCE, body: packReference(first) })
  state.handle(came(rumor), 200)
  state.handle({ type: 'fetched', key: rumor.key, from: anna.id, body: first }, 200)
  expect(announced(225)).toBe(3)
  const { key } = rumorOf({ sequence: 3, kind: RumorKind.REFERENCE, body: packReference(second) })
  state.handle(came(rumorOf({ sequence: 3, kind: RumorKind.REFERENCE, body: packReference(second) })), 226)
  state.handle({ type: 'fetched', key, from: anna.id, body: second }, 226)
  const keys = sent(state.handle({ type: 'wake' }, 300)).flatMap(({ packet }) =>
    packet.type === 'ihave' ? packet.keys : [],
  )
  expect(new Set(keys)).toEqual(new Set([key]))
})

it('what was announced is given for a while after it is news no more: who asks was promised it', () => {
  const state = create()
  const rumor = rumorOf({ ttlMs: 30 })
  state.handle(came(rumor), 0)
  const ask: Input = { type: 'datagram', from: bert.id, bytes: packKeys('iwant', [rumor.key]) }
  state.handle({ type: 'wake' }, 1_100)
  expect(sent(state.handle(ask, 1_100))).toHaveLength(1)
  state.handle({ type: 'wake' }, 4_000)
  expect(sent(state.handle(ask, 4_000))).toHaveLength(0)
})

it('who has a body no more and says so at once has done no harm; who keeps others waiting for it has', () => {
  const state = create()
  const fetch = (sequence: number, now: number): string => {
    const body = packReference(new Uint8Array(1_000 + sequence))
    const rumor = rumorOf({ sequence, kind: RumorKind.REFERENCE, body, ttlMs: 60_000 })
    state.handle(came(rumor), now)
    return rumor.key
  }
  state.handle({ type: 'fetch-failed', key: fetch(1, 0), from: anna.id }, 10)
  expect(state.score(anna.id, 10)).toBe(0)
  state.handle({ type: 'fetch-failed', key: fetch(2, 100), from: anna.id }, 3_100)
  expect(state.score(anna.id, 3_100)).toBe(-0.5)
})

it('a body that two rumors carry is here as long as either is news', () => {
  const state = create()
  const body = new Uint8Array(2_000)
  const rumors = [6_000, 1_000, 60_000].map((ttlMs, index) =>
    rumorOf({ kind: RumorKind.REFERENCE, body: packReference(body), sequence: index + 1, ttlMs }),
  ) as [Rumor, Rumor, Rumor]
  const here = (now: number): boolean => state.body(rumors[0].body.subarray(0, 32), now) !== undefined
  for (const rumor of rumors.slice(0, 2)) state.handle(came(rumor), 0)
  for (const { key } of rumors.slice(0, 2)) state.handle({ type: 'fetched', key, from: anna.id, body }, 0)
  expect(here(5_999)).toBe(true)
  expect(types(state.handle(came(rumors[2]), 5_999))).toContain('deliver')
  expect(here(59_000)).toBe(true)
})

it('work on an answer ends with the time of the query', () => {
  const state = create({}, CONNECTED)
  const [slow, done] = [1, 2].map((sequence) => rumorOf({ kind: RumorKind.QUERY, sequence, ttlMs: 3_000 })) as [
    Rumor,
    Rumor,
  ]
  state.handle(came(slow), 0)
  state.handle(came(done), 0)
  state.handle({ type: 'answer', query: done.id, answer: Buffer.from('me') }, 1)
  const over = state.handle({ type: 'wake' }, 3_000).filter(({ type }) => type === 'query-cancelled')
  expect(over).toEqual([{ type: 'query-cancelled', id: slow.id }])
})

it('tells those it picked that they are its neighbours, within a second, and counts for neighbours who tells it so', () => {
  const state = create({}, CONNECTED)
  const greeted = sent(state.handle({ type: 'wake' }, 1_000))
  expect(greeted).toHaveLength(8)
  for (const { packet } of greeted) expect(packet).toEqual({ type: 'ihave', keys: [] })
  expect(sent(state.handle({ type: 'wake' }, 2_000))).toEqual([])
  const picked = new Set(greeted.map(({ to }) => to.toString()))
  const other = CONNECTED.find(({ id }) => !picked.has(id.toString())) as Identity
  expect(state.status().neighbours).toBe(8)
  expect(state.handle({ type: 'datagram', from: other.id, bytes: packKeys('ihave', []) }, 2_001)).toEqual([])
  expect(state.status().neighbours).toBe(9)
  // Whoever announces need not have picked this peer: it may be picked by it.
  const third = CONNECTED.find(({ id }) => !picked.has(id.toString()) && id !== other.id) as Identity
  state.handle({ type: 'datagram', from: third.id, bytes: packKeys('ihave', [rumorOf().key]) }, 2_002)
  expect(state.status().neighbours).toBe(9)
})

it('asks another announcer, when what came is a forgery under the same key', () => {
  const state = create({}, CONNECTED)
  const rumor = rumorOf()
  const [liar, honest] = CONNECTED as [Identity, Identity]
  for (const { id } of [liar, honest]) {
    state.handle({ type: 'datagram', from: id, bytes: packKeys('ihave', [rumor.key]) }, 0)
  }
  const forged = packRumor({ rumor, hops: 1, ageMs: 0 })
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
  state.handle({ type: 'datagram', from: liar.id, bytes: forged }, 1)
  const asked = sent(state.handle({ type: 'wake' }, 50)).find(({ packet }) => packet.type === 'iwant')
  expect(asked?.to.equals(honest.id)).toBe(true)
})
