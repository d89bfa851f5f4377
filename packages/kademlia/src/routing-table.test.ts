import { SeededRandom } from '@pc/testkit'
import { describe, expect, it } from 'vitest'
import { contactAt, contactOn } from '../test/_util/contacts.js'
import type { Contact } from './contact.js'
import { commonPrefix } from './position.js'
import { RoutingTable, type RoutingTableLimits } from './routing-table.js'

const OWN = contactAt('0000')
const ANYWHERE = { perAddress: 1_000, perAddressInBucket: 1_000 }

function tableWith(limits: Partial<RoutingTableLimits> = {}): RoutingTable {
  return RoutingTable.create({ own: OWN.position, now: 0, limits })
}

/** Different positions that begin with these bits. */
function alike(bits: string, count: number): Contact[] {
  return Array.from({ length: count }, (_, index) =>
    contactAt(bits + (index + 1).toString(2).padStart(6, '0'), `10.1.${bits.length}.${index}`),
  )
}

const keysOf = (contacts: readonly Contact[]): string[] => contacts.map(({ key }) => key)
const viewOf = (table: RoutingTable, prefix: string) => table.buckets().find((each) => each.prefix === prefix)
const statesOf = (table: RoutingTable): string[] =>
  table.buckets().flatMap(({ contacts }) => contacts.map(({ state }) => state))

describe('buckets (§2.4)', () => {
  it('are split only where the own position is', () => {
    const table = tableWith({ bucketSize: 2 })
    for (const contact of [...alike('1', 3), ...alike('01', 3), ...alike('001', 2)]) table.proved(contact, 0)
    expect(table.buckets().map(({ prefix, contacts, waiting }) => [prefix, contacts.length, waiting])).toEqual([
      ['00', 2, 0],
      ['01', 2, 1],
      ['1', 2, 1],
    ])
  })

  it('are split so many levels off the own path as spread says (§4.2)', () => {
    for (const [spread, size] of [
      [0, 2],
      [1, 4],
      [2, 8],
    ] as const) {
      const table = tableWith({ bucketSize: 2, spread })
      for (const contact of ['100', '101', '110', '111'].flatMap((bits) => alike(bits, 2))) table.proved(contact, 0)
      expect(table.size).toBe(size)
    }
  })

  it('take nobody else when everybody in them was heard of lately', () => {
    const table = tableWith({ bucketSize: 2, checkAfterMs: 100 })
    const [first, second, third] = alike('1', 3) as [Contact, Contact, Contact]
    expect(table.proved(first, 0)).toEqual({ added: true })
    expect(table.proved(second, 0)).toEqual({ added: true })
    table.proved(contactAt('0'), 0)
    expect(table.proved(third, 99)).toEqual({ added: false })
    expect(table.proved(third, 100)).toEqual({ added: false, check: first })
    expect(table.proved(third, 101)).toEqual({ added: false })
    table.proved(first, 102)
    expect(table.proved(third, 103)).toEqual({ added: false, check: second })
    expect(table.get(third.key)).toBeUndefined()
  })

  it('let somebody who waits in when one of them fails twice, doubted until it is heard of', () => {
    const table = tableWith({ bucketSize: 2 })
    const [first, second, third, fourth] = alike('1', 4) as [Contact, Contact, Contact, Contact]
    for (const each of [contactAt('0'), first, second, third, fourth]) table.proved(each, 0)
    table.failed(first, 1)
    expect(table.get(first.key)).toBe(first)
    table.proved(second, 2)
    table.failed(first, 2)
    expect([table.get(first.key), table.get(fourth.key), table.get(third.key)]).toEqual([undefined, fourth, undefined])
    expect(keysOf(table.closest(fourth.position, 1))).not.toContain(fourth.key)
    expect(keysOf(table.closest(fourth.position, 1, { among: 'all' }))).toEqual([fourth.key])
    table.proved(fourth, 3)
    expect(keysOf(table.closest(fourth.position, 1))).toEqual([fourth.key])
    table.remove(second, 4)
    expect([table.get(second.key), table.get(third.key)]).toEqual([undefined, third])
  })

  it('check three at a time, and again when a check has failed', () => {
    const table = tableWith({ bucketSize: 1, checkAfterMs: 1, spread: 3 })
    const full = ['100', '101', '110', '111'].map((bits) => alike(bits, 2) as [Contact, Contact])
    for (const [first] of full) table.proved(first, 0)
    const checks = full.map(([, second]) => table.proved(second, 10).check)
    expect(checks.filter((check) => check !== undefined)).toHaveLength(3)
    table.failed(checks[0] as Contact, 11)
    expect(table.proved(full[3]?.[1] as Contact, 12).check).toBe(full[3]?.[0])
  })
})

describe('contacts', () => {
  it('end after five failures in a row even if nobody waits, and not after four', () => {
    const table = tableWith()
    const [contact, other] = [contactAt('1'), contactAt('01')]
    const failTimes = (count: number): void => {
      for (let failure = 0; failure < count; failure++) {
        table.failed(contact, failure)
        table.proved(other, failure)
      }
    }
    table.proved(contact, 0)
    failTimes(4)
    table.proved(contact, 4)
    failTimes(4)
    expect(table.size).toBe(2)
    failTimes(1)
    expect(table.get(contact.key)).toBeUndefined()
  })

  it('are no measure of how long peers live when they come back, or when nobody was heard of while they were asked', () => {
    const table = tableWith(ANYWHERE)
    const contacts = alike('1', 4)
    for (const each of contacts) table.proved(each, 0)
    const before = table.silenceMs
    for (const each of contacts) table.failed(each, 2_000, 1_000)
    expect(table.silenceMs).toBe(before)
    for (const each of contacts) table.proved(each, 3_000)
    for (const each of contacts) table.failed(each, 3_500, 2_900)
    expect(table.silenceMs).toBeLessThan(before)
    // Whether it answers or asks.
    for (const each of contacts) table.proved(each, 4_000)
    expect(table.silenceMs).toBeGreaterThanOrEqual(before)
  })

  it('stay when nobody at all is heard of: then it is this peer that is cut off', () => {
    const table = tableWith()
    const contacts = [contactAt('1'), contactAt('01'), contactAt('001')] as const
    for (const each of contacts) table.proved(each, 0)
    for (let second = 1; second < 60; second++) for (const each of contacts) table.failed(each, second * 1_000)
    expect([table.size, statesOf(table)]).toEqual([3, ['questionable', 'questionable', 'questionable']])
  })

  it('are doubted after 8 s at first, and after 10 minutes when they have shown that they stay', () => {
    const table = tableWith(ANYWHERE)
    const contacts = Array.from({ length: 30 }, (_, index) => contactAt(`${'0'.repeat(index)}1`))
    for (const each of contacts) table.proved(each, 0)
    expect(Math.round(table.silenceMs / 1_000)).toBe(8)
    expect([table.dueForCheck(7_900, 99).length, table.dueForCheck(8_100, 99).length]).toEqual([0, 30])
    for (const each of contacts) {
      table.answered(each, 1, 600_000)
    }
    expect([table.silenceMs, table.dueForCheck(1_199_999, 99)]).toEqual([600_000, []])
  })

  it('are doubted within seconds where peers stay for a minute', () => {
    const table = tableWith({ bucketSize: 1_000, ...ANYWHERE })
    const random = new SeededRandom('a minute')
    const endOf = new Map<string, number>()
    for (let second = 0; second < 600; second++) {
      const newcomer = contactOn(random.bytes(32), '10.0.0.1')
      table.proved(newcomer, second * 1_000)
      endOf.set(newcomer.key, second * 1_000 - 60_000 * Math.log(1 - random.float()))
      for (const contact of table.dueForCheck(second * 1_000, 8)) {
        if ((endOf.get(contact.key) ?? 0) < second * 1_000) table.failed(contact, second * 1_000)
        else table.answered(contact, 1, second * 1_000)
      }
    }
    // Of exponential lives of 60 s, 92 % go on for 5 s more.
    expect(table.silenceMs).toBeGreaterThanOrEqual(5_000)
    expect(table.silenceMs).toBeLessThan(8_000)
  })

  it('are asked by their failures, and those first that are silent longest and still likely there', () => {
    const table = tableWith(ANYWHERE)
    const [gone, long, older, newer] = alike('1', 4) as [Contact, Contact, Contact, Contact]
    // With one death 5.4 s are allowed, and up to 11 s it is likely there.
    for (const each of [gone, long]) table.proved(each, 0)
    table.failed(gone, 0)
    table.proved(older, 10_000)
    table.proved(newer, 12_000)
    expect(keysOf(table.dueForCheck(15_000, 9))).toEqual(keysOf([long, gone]))
    expect(keysOf(table.dueForCheck(20_000, 9))).toEqual(keysOf([older, newer, long, gone]))
    expect(keysOf(table.dueForCheck(20_000, 1))).toEqual(keysOf([older]))
  })

  it('are doubted after a failure, after silence and after sleep, until they are heard of', () => {
    const table = tableWith({ questionableAfterMs: 100 })
    const contact = contactAt('1')
    table.proved(contact, 0)
    for (const doubt of [
      () => table.failed(contact, 0),
      () => table.doubtAll(),
      () => table.noteLookup(OWN.position, 1_100),
    ]) {
      expect(statesOf(table)).toEqual(['verified'])
      doubt()
      expect(statesOf(table)).toEqual(['questionable'])
      expect(table.closest(OWN.position, 1)).toEqual([])
      table.proved(contact, 1_000)
    }
    table.noteLookup(OWN.position, 1_099)
    expect(statesOf(table)).toEqual(['verified'])
  })

  it('keep the address at which they are heard of, and take another when that is doubted', () => {
    const table = tableWith()
    const here = contactOn(contactAt('1').position, '10.0.0.1')
    const there = contactOn(here.position, '10.0.0.2')
    table.proved(here, 0)
    table.proved(there, 1)
    expect(table.get(here.key)).toBe(here)
    table.failed(here, 2)
    table.proved(there, 3)
    expect([table.get(here.key), statesOf(table)]).toEqual([there, ['verified']])
  })

  it('do not suffer from silence or answers at an address that somebody made up', () => {
    const table = tableWith()
    const contact = contactAt('1')
    const elsewhere = contactOn(contact.position, '10.66.0.1')
    const port = contactOn(contact.position, contact.address.host, 1)
    table.proved(contact, 0)
    for (let failure = 0; failure < 9; failure++) table.failed(failure % 2 === 0 ? elsewhere : port, failure)
    table.answered(elsewhere, 200, 0)
    expect([statesOf(table), table.timeoutOf(contact)]).toEqual([['verified'], 25])
    table.answered(contact, 1, 0)
    expect([table.timeoutOf(contact), table.timeoutOf(elsewhere)]).toEqual([10, 10])
  })

  it('are 2 of a host in a bucket and 8 in all, also those that have moved', () => {
    const table = tableWith({ bucketSize: 4 })
    const parts = ['1', '01', '001', '0001', '00001', '000001']
    const others = parts.flatMap((bits) => [contactAt(`${bits}1`), contactAt(`${bits}01`)])
    for (const each of others) table.proved(each, 0)
    for (const bits of parts) {
      for (const each of alike(bits, 3)) table.proved(contactOn(each.position, '10.7.7.7'), 0)
    }
    expect(table.buckets().map(({ contacts }) => contacts.length)).toEqual([4, 4, 4, 4, 4])
    const mover = others.at(-1) as Contact
    const moved = contactOn(mover.position, '10.7.7.7')
    table.failed(mover, 0)
    table.proved(moved, 1)
    expect(table.get(mover.key)).toBe(mover)
    const gone = alike('1', 1)[0] as Contact
    table.remove(gone, 2)
    table.proved(moved, 3)
    expect(table.get(mover.key)).toBe(moved)
  })

  it('never are the own peer, nor the one that is left out', () => {
    const table = tableWith()
    expect(table.proved(OWN, 0)).toEqual({ added: false })
    const [first, second] = alike('1', 2) as [Contact, Contact]
    for (const each of [first, second]) table.proved(each, 0)
    expect(keysOf(table.closest(first.position, 2, { except: first.key }))).toEqual([second.key])
  })
})

it('that waits for its place and leaves gets none', () => {
  const table = tableWith({ bucketSize: 1 })
  const [first, second] = alike('1', 2) as [Contact, Contact]
  for (const each of [contactAt('0'), first, second]) table.proved(each, 0)
  table.remove(second, 1)
  table.remove(first, 2)
  expect(table.get(second.key)).toBeUndefined()
})

describe('refresh (§2.3)', () => {
  it('looks into each part farther away than the nearest neighbour of which less than a seventh is known', () => {
    const table = tableWith({ bucketSize: 8, ...ANYWHERE })
    for (const each of [...alike('1', 4), ...alike('01', 1), ...alike('0001', 9)]) table.proved(each, 0)
    const parts = [...table.partsToFill(new SeededRandom('refresh'))]
    expect(parts.map(({ target }) => commonPrefix(target, OWN.position))).toEqual([1, 2])
    expect(parts.map(({ sharedBits, missing }) => [sharedBits, missing])).toEqual([
      [1, 1],
      [2, 2],
    ])
  })

  it('is due in a bucket where nothing was looked up for 10 minutes, once, within its range', () => {
    const table = tableWith({ bucketSize: 2, ...ANYWHERE })
    for (const each of [...alike('1', 3), ...alike('01', 3)]) table.proved(each, 0)
    const random = new SeededRandom('due')
    const prefixes = table.buckets().map(({ prefix }) => prefix)
    expect(prefixes).toEqual(['00', '01', '1'])
    table.noteLookup(contactAt('011').position, 1)
    expect(table.dueForRefresh(random, 599_999, 9)).toEqual([])
    expect(table.dueForRefresh(random, 600_000, 1).map((each) => (each[0] ?? 0) >> 6)).toEqual([0])
    expect(table.dueForRefresh(random, 600_000, 9).map((each) => (each[0] ?? 0) >> 7)).toEqual([1])
    expect(table.dueForRefresh(random, 600_001, 9).map((each) => (each[0] ?? 0) >> 6)).toEqual([1])
    expect(viewOf(table, '1')?.lookedUpAt).toBe(600_000)
  })
})

it('is not due where half of a bucket is likely there, but among the neighbours', () => {
  const table = tableWith({ bucketSize: 2, ...ANYWHERE })
  for (const each of [...alike('1', 3), ...alike('01', 3)]) table.proved(each, 0)
  for (const { contact } of table.buckets().flatMap(({ contacts }) => contacts)) table.proved(contact, 700_000)
  const due = table.dueForRefresh(new SeededRandom('rich'), 700_000, 9)
  expect(due.map((each) => (each[0] ?? 0) >> 6)).toEqual([0])
})

it('the best are known for longest, of every bucket in turn, and verified', () => {
  const table = tableWith({ bucketSize: 3 })
  const far = alike('1', 3) as [Contact, Contact, Contact]
  const near = alike('01', 3) as [Contact, Contact, Contact]
  for (const [index, each] of [...far, ...near].entries()) table.proved(each, index)
  table.proved(far[0], 10)
  table.failed(near[0], 10)
  expect(keysOf(table.best(4))).toEqual(keysOf([near[1], far[0], near[2], far[1]]))
  expect(table.best(64)).toHaveLength(5)
})

it('limits are numbers that make sense', () => {
  for (const limits of [{ bucketSize: 0 }, { perAddress: Number.NaN }, { spread: -1 }, { waiting: -1 }]) {
    expect(() => tableWith(limits)).toThrow(expect.objectContaining({ code: 'BAD_OPTION' }))
  }
})
