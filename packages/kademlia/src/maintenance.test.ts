import type { PeerId } from '@pc/identity'
import { createTestLogger, SeededRandom, VirtualClock } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { contactAt, contactOn } from '../test/_util/contacts.js'
import { fakeRecord, idsOfList, listsOfFakes } from '../test/_util/lists.js'
import { Calls } from './calls.js'
import { type Contact, contactOf } from './contact.js'
import { HandOver } from './hand-over.js'
import { Maintenance } from './maintenance.js'
import { OwnRecords } from './own-records.js'
import type { Position } from './position.js'
import { RecordStore } from './record-store.js'
import { RoutingTable } from './routing-table.js'
import { plainRecord } from './value-record.js'

const OWN = contactAt('0')
const MINUTE = 60_000
const LIST = 3

function setUp(seed = 'maintenance') {
  const clock = new VirtualClock()
  const random = new SeededRandom(seed)
  const logger = createTestLogger()
  const table = RoutingTable.create({ own: OWN.position, now: 0 })
  const records = new RecordStore({ position: OWN.position, verify: () => true, random })
  const lists = listsOfFakes()
  const own = new OwnRecords({ random })
  /** Whoever is asked answers, but for these. */
  const silent = new Set<string>()
  const pinged: string[] = []
  const calls = new Calls({
    table,
    clock,
    rpc: ({ address, key }) => {
      pinged.push(address.host)
      return silent.has(key) ? Promise.reject(new Error('no answer')) : Promise.resolve([[], null])
    },
  })
  const handOver = new HandOver({
    position: OWN.position,
    holders: 20,
    listHolders: 8,
    clock,
    logger,
    table,
    records,
    lists,
    calls,
  })
  const announced: number[] = []
  const lookedUp: Position[] = []
  const published: { text: string; ageMs: number; at: number }[] = []
  let failing = false
  const outcome = (): Promise<unknown> => (failing ? Promise.reject(new Error('it fails')) : Promise.resolve())
  const maintenance = new Maintenance({
    ...{ position: OWN.position, clock, random, logger, table, records, lists, own, calls, handOver },
    lookup: (target) => {
      lookedUp.push(target)
      return outcome()
    },
    announce: () => {
      announced.push(clock.now())
      return outcome()
    },
    publish: (record, ageMs) => {
      published.push({ text: Buffer.from(record.value).toString(), ageMs, at: clock.now() })
      return outcome()
    },
    contactOf: (id) => contactOf(id, { host: '10.5.0.1', port: 1 }),
  })
  const fail = (): void => {
    failing = true
  }
  return {
    ...{ clock, table, records, lists, own, maintenance, announced, lookedUp, published, pinged },
    silent,
    logger,
    fail,
  }
}

const plain = (text: string) => plainRecord(Buffer.from(text))

describe('this peer', () => {
  it('is announced every 4 minutes ± 10 %, not in step with others', async () => {
    const gaps: number[] = []
    for (const seed of ['a', 'b', 'c']) {
      const { clock, maintenance, announced } = setUp(seed)
      maintenance.start()
      maintenance.start()
      await clock.advance(60 * MINUTE)
      gaps.push(...announced.map((at, index) => at - (announced[index - 1] ?? 0)))
    }
    // A tick later than planned, at most.
    for (const gap of gaps) {
      expect(gap).toBeGreaterThanOrEqual(216_000)
      expect(gap).toBeLessThanOrEqual(264_000 + 5_000)
    }
    expect(new Set(gaps).size).toBeGreaterThan(4)
  })

  it('is announced again, and doubts everybody, when the clock has jumped as after sleep', async () => {
    const { clock, table, maintenance, announced, lookedUp, silent } = setUp()
    table.proved(contactAt('1'), 0)
    silent.add(contactAt('1').key)
    maintenance.start()
    await clock.advance(5_000)
    expect([announced, lookedUp, table.buckets()[0]?.contacts[0]?.state]).toEqual([[], [], 'verified'])
    const { now } = clock
    clock.now = () => now.call(clock) + 20_000
    await clock.advance(5_000)
    expect(announced).toEqual([30_000])
    expect(lookedUp).toEqual([OWN.position])
    expect(table.buckets()[0]?.contacts[0]?.state).toBe('questionable')
    await clock.advance(30_000)
    expect(announced).toHaveLength(1)
  })

  it('does nothing before it is started, nor after it is closed', async () => {
    const { clock, maintenance, announced } = setUp()
    await clock.advance(30 * MINUTE)
    expect([announced, clock.pending]).toEqual([[], 0])
    maintenance.start()
    maintenance.close()
    expect(clock.pending).toBe(0)
    maintenance.start()
    await clock.advance(30 * MINUTE)
    expect([announced, clock.pending]).toEqual([[], 0])
  })
})

describe('buckets', () => {
  it('are looked into when nothing was looked up there for 10 minutes, and the silent doubted', async () => {
    const { clock, table, maintenance, lookedUp } = setUp()
    table.proved(contactAt('1'), 0)
    maintenance.start()
    await clock.advance(10 * MINUTE - 1)
    expect(lookedUp).toEqual([])
    await clock.advance(1)
    expect(lookedUp).toHaveLength(1)
    await clock.advance(9 * MINUTE)
    expect(lookedUp).toHaveLength(1)
  })

  it('ask the silent whether they are there, 2 in one go, and tell of nobody who does not answer', async () => {
    const { clock, table, maintenance, pinged, silent } = setUp()
    const contacts = contactsOfOneBucket(10)
    for (const each of contacts) table.proved(each, 0)
    const [gone] = contacts as [Contact]
    silent.add(gone.key)
    maintenance.start()
    // At first 8 s of silence are allowed, and with each answer some more.
    await clock.advance(9_999)
    expect(pinged).toEqual([])
    // One of them is gone, so that those whose turn has not come are doubted twice as soon, and asked after those that likely are there.
    await clock.advance(1)
    expect(pinged).toHaveLength(2)
    await clock.advance(45_000)
    expect(new Set(pinged).size).toBe(10)
    const unfailed = table.closest(gone.position, 10, { among: 'unfailed' })
    expect([unfailed.length, unfailed.includes(gone)]).toEqual([9, false])
  })

  it('ask nobody where peers were seen to go so soon that an answer is worth little', async () => {
    const { clock, table, maintenance, pinged } = setUp()
    const contacts = contactsOfOneBucket(20)
    for (const each of contacts) table.proved(each, 0)
    for (const each of contacts.slice(0, 10)) table.failed(each, 0)
    expect(table.silenceMs).toBeLessThan(7_500)
    maintenance.start()
    await clock.advance(15_000)
    expect(pinged).toEqual([])
  })
})

/** At machines of their own. */
function contactsOfOneBucket(count: number): Contact[] {
  return Array.from({ length: count }, (_, index) =>
    contactOn(contactAt(`1${index.toString(2).padStart(5, '0')}`).position, `10.8.0.${index}`),
  )
}

describe('records', () => {
  it('of this peer are published within the hour, 4 in one go', async () => {
    const { clock, own, maintenance, published } = setUp()
    for (let index = 0; index < 9; index++) own.keep(plain(`${index}`), 0)
    maintenance.start()
    await clock.advance(54 * MINUTE - 5_000)
    expect(published).toEqual([])
    await clock.advance(6 * MINUTE + 20_000)
    expect(new Set(published.map(({ text }) => text)).size).toBe(9)
    for (const { at } of published) expect(published.filter((each) => each.at === at).length).toBeLessThanOrEqual(4)
  })

  it('of others are passed on after an hour in which nobody stored them, with their age', async () => {
    const { clock, records, maintenance, published } = setUp()
    records.store(plain('passed on'), { from: 'x', now: 0, ageMs: 1_000 })
    maintenance.start()
    await clock.advance(60 * MINUTE - 1)
    expect(published).toEqual([])
    await clock.advance(12 * MINUTE + 5_001)
    expect(published).toMatchObject([{ text: 'passed on', ageMs: (published[0]?.at ?? 0) + 1_000 }])
  })
})

describe('lists', () => {
  it('lose who is silent for 5 minutes and does not answer, and keep who does', async () => {
    const { clock, table, lists, silent, pinged, maintenance } = setUp()
    const [gone, there, known] = idsOfList(LIST, 3) as [PeerId, PeerId, PeerId]
    for (const id of [gone, there, known]) lists.add(LIST, fakeRecord(id), id, 0)
    silent.add(contactOf(gone.bytes, OWN.address).key)
    table.proved(contactOf(known.bytes, { host: '10.6.0.1', port: 1 }), 0)
    maintenance.start()
    await clock.advance(5 * MINUTE - 1)
    expect(lists.recordsOf(LIST, clock.now())).toHaveLength(3)
    pinged.length = 0
    await clock.advance(5_001)
    expect(lists.recordsOf(LIST, clock.now())).toEqual(
      [there, known].map((id) => Buffer.from(fakeRecord(id))).toSorted(Buffer.compare),
    )
    // Where it was met last, if that is known, and else where its record says.
    expect(pinged).toContain('10.6.0.1')
    expect(pinged.filter((host) => host === '10.5.0.1')).toHaveLength(2)
  })

  it('of which this peer has become a holder are taken over within a minute', async () => {
    const { clock, table, maintenance, pinged } = setUp()
    maintenance.start()
    await clock.advance(MINUTE - 1)
    table.proved(contactOn(contactAt('1').position, '10.7.0.1'), clock.now())
    expect(pinged).toEqual([])
    await clock.advance(1)
    expect(pinged.length).toBe(20)
  })
})

it('what fails is logged, and does not end it', async () => {
  const { clock, fail, logger, maintenance, announced } = setUp()
  fail()
  maintenance.start()
  await clock.advance(20 * MINUTE)
  expect(announced.length).toBeGreaterThan(3)
  expect(logger.messages('debug')).toContain('maintenance of the directory failed')
})
