import { SeededRandom, VirtualClock } from '@pc/testkit'
import { silentLogger } from '@pc/transport'
import type { Value } from '@pc/wire'
import { describe, expect, it } from 'vitest'
import { contactOn } from '../test/_util/contacts.js'
import { fakeRecord, idsOfList, listsOfFakes } from '../test/_util/lists.js'
import { Calls } from './calls.js'
import type { Contact } from './contact.js'
import { HandOver } from './hand-over.js'
import { LIST_KEYS } from './list-keys.js'
import { type Request, readRequest } from './messages.js'
import { compareDistance, type Position } from './position.js'
import { RecordStore } from './record-store.js'
import { RoutingTable } from './routing-table.js'
import { plainRecord } from './value-record.js'

interface Asked {
  readonly to: Contact
  readonly request: Request
}

const OWN = contactOn(Buffer.alloc(32, 0x55), '10.9.9.9')

/** This peer with k = 3, and others that answer as told. */
function setUp(answer: (asked: Asked) => Value | undefined = answerAll) {
  const clock = new VirtualClock()
  const random = new SeededRandom('hand over')
  const asked: Asked[] = []
  const table = RoutingTable.create({ own: OWN.position, now: 0 })
  const records = new RecordStore({ position: OWN.position, verify: () => true, random })
  const lists = listsOfFakes()
  let handOver: HandOver | undefined
  const calls = new Calls({
    table,
    clock,
    onArrival: (contact) => handOver?.arrived(contact),
    rpc: (to, request) => {
      const each = { to, request: readRequest(request) }
      asked.push(each)
      const reply = answer(each)
      return reply === undefined ? Promise.reject(new Error('no answer')) : Promise.resolve(reply)
    },
  })
  const parts = {
    position: OWN.position,
    holders: 3,
    listHolders: 3,
    clock,
    logger: silentLogger,
    table,
    records,
    lists,
    calls,
  }
  handOver = new HandOver(parts)
  const near = (key: Position, index: number): Contact => {
    const position = Buffer.from(key)
    position[31] = (position[31] ?? 0) ^ index
    return contactOn(position, `10.1.${index}.${key[0]}`)
  }
  return { ...parts, handOver, asked, near }
}

function answerAll({ request }: Asked): Value {
  if (request.type === 'get') return [null, new Uint8Array(8), []]
  return request.type === 'get-list' ? [[], null] : [0, null]
}

const stores = (asked: readonly Asked[]): [string, string][] =>
  asked.flatMap(({ to, request }) =>
    request.type === 'store' ? [[to.address.host, Buffer.from(request.record).toString('latin1')]] : [],
  )
const bytes = (text: string): Uint8Array => Buffer.from(text)

describe('records', () => {
  it('go to a newcomer that is one of their holders, with their age, from the nearest of the others', async () => {
    const { handOver, records, calls, clock, asked, near } = setUp()
    const record = plainRecord(bytes('given'))
    records.store(record, { from: 'x', now: 0, ageMs: 3_000 })
    const newcomer = near(record.key, 1)
    calls.prove(newcomer)
    await clock.advance(1_500)
    handOver.give()
    await clock.advance(0)
    expect(asked.map(({ request }) => request.type)).toEqual(['get', 'store'])
    expect(asked[1]).toMatchObject({ to: newcomer, request: { record: record.bytes, ageMs: 5_000 } })
    handOver.give()
    await clock.advance(0)
    expect(asked).toHaveLength(2)
  })

  it('are left to a holder that is nearer', async () => {
    const { handOver, records, calls, clock, asked, near } = setUp()
    const record = plainRecord(bytes('given'))
    calls.prove(near(record.key, 2))
    records.store(record, { from: 'x', now: 0 })
    calls.prove(near(record.key, 1))
    handOver.give()
    await clock.advance(0)
    expect(asked).toEqual([])
  })

  it('are not for a newcomer behind the k nearest, though it is the nearest of all that came', async () => {
    const { handOver, records, calls, clock, asked } = setUp()
    const record = plainRecord(bytes('given'))
    const behind = [0x11, 0x22, 0x33, 0x44].map((byte, index) => {
      const position = Buffer.from(OWN.position)
      position[1] = byte
      return contactOn(position, `10.2.0.${index}`)
    })
    behind.sort((a, b) => compareDistance(record.key, b.position, a.position))
    const [farthest, ...nearer] = behind as [Contact, ...Contact[]]
    for (const each of nearer) calls.prove(each)
    records.store(record, { from: 'x', now: 0 })
    calls.prove(farthest)
    handOver.give()
    await clock.advance(0)
    expect(stores(asked)).toEqual([])
  })

  it('go out 16 at a time, to the last 64 newcomers', async () => {
    const { handOver, records, calls, clock, asked } = setUp()
    const key = plainRecord(bytes('0')).key
    for (let index = 0; index < 20; index++) records.store(plainRecord(bytes(`${index}`)), { from: 'x', now: 0 })
    // Beyond those in the table, who would be among the nearest: a table of one.
    calls.prove(contactOn(Buffer.from(key), '10.3.0.1'))
    const counts: number[] = []
    for (let tick = 0; tick < 3; tick++) {
      handOver.give()
      await clock.advance(0)
      counts.push(asked.filter(({ request }) => request.type === 'store').length)
    }
    expect(counts[0]).toBeLessThanOrEqual(16)
    expect(counts[1]).toBe(counts[2])
    for (let index = 0; index < 100; index++) {
      handOver.arrived(contactOn(Buffer.alloc(32, index), `10.4.0.${index}`))
    }
    asked.length = 0
    for (let tick = 0; tick < 200; tick++) handOver.give()
    await clock.advance(0)
    expect(asked.every(({ to }) => (to.position[0] ?? 0) >= 36)).toBe(true)
  })

  it('that a newcomer does not take are no error', async () => {
    const { handOver, records, calls, clock, asked, near } = setUp(() => undefined)
    const record = plainRecord(bytes('given'))
    records.store(record, { from: 'x', now: 0 })
    calls.prove(near(record.key, 1))
    handOver.give()
    await clock.advance(0)
    expect(asked.map(({ request }) => request.type)).toEqual(['get'])
  })
})

describe('lists', () => {
  const LIST = 7
  const KEY = LIST_KEYS[LIST] as Position
  const members = idsOfList(LIST, 5).toSorted((a, b) => Buffer.compare(a.bytes, b.bytes))

  /** A holder that gives one entry a page, each a minute old. */
  function page({ request }: Asked): Value {
    if (request.type !== 'get-list' || request.list !== LIST) return [[], null]
    const { cursor } = request
    const next = members.find(({ bytes: id }) => cursor === undefined || Buffer.compare(id, cursor) > 0)
    if (next === undefined) return [[], null]
    return [[[fakeRecord(next), 60]], next === members.at(-1) ? null : next.bytes]
  }

  it('are read page by page, from the nearest holder, and keep their age', async () => {
    const { handOver, lists, calls, clock, asked, near } = setUp(page)
    calls.prove(near(KEY, 2))
    calls.prove(near(KEY, 1))
    await handOver.takeLists()
    expect(lists.recordsOf(LIST, 0)).toHaveLength(5)
    const readers = asked.filter(({ request }) => request.type === 'get-list' && request.list === LIST)
    expect(readers.map(({ to }) => to.address.host)).toEqual(Array.from({ length: 5 }, () => near(KEY, 1).address.host))
    await clock.advance(540_000 - 1)
    expect(lists.recordsOf(LIST, clock.now())).toHaveLength(5)
    await clock.advance(1)
    expect(lists.recordsOf(LIST, clock.now())).toHaveLength(0)
  })

  it('are read from the next holder when one does not answer, and from three at most', async () => {
    const silent = new Set(['10.1.1.', '10.1.2.'])
    const readersOf = async (): Promise<string[]> => {
      const { handOver, calls, asked, near } = setUp((each) =>
        each.request.type === 'get-list' && each.request.list === LIST && silent.has(each.to.address.host.slice(0, 7))
          ? undefined
          : page(each),
      )
      // Two that are nearer than this peer, others that are not.
      for (const index of [1, 2]) calls.prove(near(KEY, index))
      const far = [3, 4].map((index) => contactOn(Buffer.alloc(32, 0xa0 + index), `10.1.${index}.0`))
      for (const each of far) calls.prove(each)
      await handOver.takeLists()
      const readers = asked.filter(({ request }) => request.type === 'get-list' && request.list === LIST)
      return [...new Set(readers.map(({ to }) => to.address.host.slice(0, 7)))]
    }
    expect((await readersOf()).slice(0, 2)).toEqual(['10.1.1.', '10.1.2.'])
    expect(await readersOf()).toHaveLength(3)
    for (const index of [3, 4]) silent.add(`10.1.${index}.`)
    expect(await readersOf()).toHaveLength(3)
  })

  it('of which this peer is no holder are left alone, and are taken when a nearer holder is gone', async () => {
    const { handOver, lists, calls, table, asked, near } = setUp(page)
    const nearer = [1, 2, 3].map((index) => near(KEY, index))
    for (const each of nearer) calls.prove(each)
    await handOver.takeLists()
    expect(asked.some(({ request }) => request.type === 'get-list' && request.list === LIST)).toBe(false)
    table.remove(nearer[0] as Contact, 0)
    await handOver.takeLists()
    expect(lists.recordsOf(LIST, 0)).toHaveLength(5)
  })

  it('are read once, and again after sleep; of nobody nothing is read', async () => {
    const { handOver, calls, asked, near } = setUp(page)
    await handOver.takeLists()
    expect(asked).toEqual([])
    calls.prove(near(KEY, 1))
    await Promise.all([handOver.takeLists(), handOver.takeLists()])
    const once = asked.length
    await handOver.takeLists()
    expect(asked).toHaveLength(once)
    handOver.slept()
    await handOver.takeLists()
    expect(asked).toHaveLength(2 * once)
  })

  it('end with the signal', async () => {
    const { handOver, calls, asked, near } = setUp(page)
    calls.prove(near(KEY, 1))
    await expect(handOver.takeLists(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
    expect(asked).toEqual([])
  })
})
