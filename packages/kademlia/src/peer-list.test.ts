import { createIdentity, MAX_RECORD_BYTES, type PeerId, readPeerRecord, signPeerRecord } from '@pc/identity'
import { describe, expect, it } from 'vitest'
import { fakeRecord, idsOfList, listsOfFakes } from '../test/_util/lists.js'
import { listOf } from './list-keys.js'
import { signLeave, verifyLeave } from './list-leave.js'
import { LIST_SILENT_MS, LIST_TTL_MS, PeerLists } from './peer-list.js'
import { positionOf } from './position.js'

const MINUTE = 60_000
const LIST = 7
const [ANNA, BEN, CARL] = idsOfList(LIST, 3) as [PeerId, PeerId, PeerId]
const [STRANGER] = idsOfList(8, 1) as [PeerId]
const NO_SIGNATURE = new Uint8Array(64)

const idsOn = (lists: PeerLists, now: number) =>
  lists.page(LIST, undefined, 4, now).entries.map(({ id }) => [ANNA, BEN, CARL].findIndex((one) => one.equals(id)))

describe('PeerLists.add', () => {
  it('lists a peer for 10 minutes, and each time it comes again for 10 more', () => {
    const lists = listsOfFakes()
    expect(lists.add(LIST, fakeRecord(ANNA), ANNA, 0)).toBe('listed')
    expect(lists.add(LIST, fakeRecord(ANNA), ANNA, 4 * MINUTE)).toBe('renewed')
    expect([idsOn(lists, 14 * MINUTE - 1), idsOn(lists, 14 * MINUTE)]).toEqual([[0], []])
    expect([lists.size, lists.dueAt]).toEqual([0, Number.POSITIVE_INFINITY])
  })

  it('reads a record once, however often its peer renews it', () => {
    let read = 0
    const lists = listsOfFakes({ onRead: () => read++ })
    for (let now = 0; now < 30; now++) lists.add(LIST, fakeRecord(ANNA), ANNA, now)
    expect(read).toBe(1)
  })

  it('takes a greater sequence instead; the same sequence renews what is there, and a lower one is told of it', () => {
    const lists = listsOfFakes()
    lists.add(LIST, fakeRecord(ANNA, 2), ANNA, 0)
    expect(lists.add(LIST, fakeRecord(ANNA, 2, 99), ANNA, MINUTE)).toBe('renewed')
    expect(lists.page(LIST, undefined, 1, MINUTE).entries).toMatchObject([{ bytes: fakeRecord(ANNA, 2), ageMs: 0 }])
    expect(lists.add(LIST, fakeRecord(ANNA, 3), ANNA, MINUTE)).toBe('listed')
    expect(lists.add(LIST, fakeRecord(ANNA, 2), ANNA, MINUTE)).toEqual({ refused: 'older', newer: fakeRecord(ANNA, 3) })
    expect(lists.size).toBe(1)
  })

  it("takes only one's own record, on one's own list, of 300 bytes at most", () => {
    const lists = listsOfFakes()
    expect(lists.add(LIST, fakeRecord(ANNA), BEN, 0)).toEqual({ refused: 'bad-record' })
    expect(lists.add(LIST, Uint8Array.of(1), ANNA, 0)).toEqual({ refused: 'bad-record' })
    for (const list of [6, 8, -1, 20, 0.5, Number.NaN]) {
      expect(lists.add(list, fakeRecord(ANNA), ANNA, 0)).toEqual({ refused: 'wrong-list' })
    }
    expect(lists.add(LIST, fakeRecord(STRANGER), STRANGER, 0)).toEqual({ refused: 'wrong-list' })
    expect(lists.add(LIST, fakeRecord(ANNA, 1, 301), ANNA, 0)).toEqual({ refused: 'oversized' })
    expect(lists.add(LIST, fakeRecord(ANNA, 1, MAX_RECORD_BYTES), ANNA, 0)).toBe('listed')
  })

  it('does not believe a reader that gives the record of somebody else', () => {
    const record = { id: BEN, sequence: 1, bytes: fakeRecord(BEN) }
    const lists = new PeerLists({ readRecord: () => record, verifyLeave: () => true })
    expect(lists.add(LIST, fakeRecord(ANNA), ANNA, 0)).toEqual({ refused: 'bad-record' })
  })

  it('refuses new peers when a list, or all together, are full; those that are on it may renew', () => {
    const full = listsOfFakes({ maxPerList: 2 })
    for (const id of [ANNA, BEN]) full.add(LIST, fakeRecord(id), id, 0)
    expect(full.add(LIST, fakeRecord(CARL), CARL, 0)).toEqual({ refused: 'full' })
    expect(full.takeOver(LIST, fakeRecord(CARL), 0, 0)).toEqual({ refused: 'full' })
    expect(full.add(8, fakeRecord(STRANGER), STRANGER, 0)).toBe('listed')
    expect(full.add(LIST, fakeRecord(BEN, 2), BEN, MINUTE)).toBe('listed')
    expect(full.add(LIST, fakeRecord(CARL), CARL, LIST_TTL_MS)).toBe('listed')
    const total = listsOfFakes({ maxEntries: 1 })
    total.add(LIST, fakeRecord(ANNA), ANNA, 0)
    expect(total.add(8, fakeRecord(STRANGER), STRANGER, 0)).toEqual({ refused: 'full' })
  })
})

describe('PeerLists.takeOver', () => {
  it('takes an entry for the rest of its life', () => {
    const lists = listsOfFakes()
    expect(lists.takeOver(LIST, fakeRecord(ANNA), 4 * MINUTE, 10 * MINUTE)).toBe('listed')
    expect(lists.page(LIST, undefined, 1, 11 * MINUTE).entries).toMatchObject([{ ageMs: 5 * MINUTE }])
    expect([idsOn(lists, 16 * MINUTE - 1), idsOn(lists, 16 * MINUTE)]).toEqual([[0], []])
    expect(lists.takeOver(LIST, fakeRecord(ANNA), LIST_TTL_MS, 20 * MINUTE)).toEqual({ refused: 'expired' })
  })

  it('does not keep entries alive that two holders read from each other', () => {
    const [a, b] = [listsOfFakes(), listsOfFakes()]
    a.add(LIST, fakeRecord(ANNA), ANNA, 0)
    for (let now = 0; now < 60 * MINUTE; now += MINUTE) {
      for (const { bytes, ageMs } of a.page(LIST, undefined, 4, now).entries) b.takeOver(LIST, bytes, ageMs, now)
      for (const { bytes, ageMs } of b.page(LIST, undefined, 4, now).entries) a.takeOver(LIST, bytes, ageMs, now)
      expect([a.size, b.size]).toEqual(now < LIST_TTL_MS ? [1, 1] : [0, 0])
    }
  })

  it('renews what is there by what is younger, and by nothing else', () => {
    const lists = listsOfFakes()
    lists.add(LIST, fakeRecord(ANNA), ANNA, 0)
    expect(lists.takeOver(LIST, fakeRecord(ANNA), 2 * MINUTE, MINUTE)).toBe('known')
    expect(lists.takeOver(LIST, fakeRecord(ANNA), MINUTE, 3 * MINUTE)).toBe('renewed')
    expect(lists.takeOver(LIST, fakeRecord(ANNA, 2), 9 * MINUTE, 3 * MINUTE)).toBe('listed')
    expect([idsOn(lists, 12 * MINUTE - 1), idsOn(lists, 12 * MINUTE)]).toEqual([[0], []])
  })

  it('takes only peers of that list, and only records', () => {
    const lists = listsOfFakes()
    expect(lists.takeOver(8, fakeRecord(ANNA), 0, 0)).toEqual({ refused: 'wrong-list' })
    expect(lists.takeOver(20, fakeRecord(ANNA), 0, 0)).toEqual({ refused: 'wrong-list' })
    expect(lists.takeOver(LIST, Uint8Array.of(1), 0, 0)).toEqual({ refused: 'bad-record' })
    expect(lists.takeOver(LIST, fakeRecord(ANNA, 1, 301), 0, 0)).toEqual({ refused: 'oversized' })
    expect([lists.size, lists.dueAt]).toEqual([0, Number.POSITIVE_INFINITY])
  })
})

describe('PeerLists.remove', () => {
  const leave = (lists: PeerLists, sequence: number, now = 0) => lists.remove(ANNA.bytes, sequence, NO_SIGNATURE, now)

  it('takes a peer off by its signature, of a sequence not below that of its entry', () => {
    const asked: unknown[] = []
    const lists = listsOfFakes({ verifyLeave: (...all) => asked.push(all) > 1 })
    lists.add(LIST, fakeRecord(ANNA, 5), ANNA, 0)
    expect(leave(lists, 4)).toEqual({ refused: 'older' })
    expect(lists.remove(BEN.bytes, 9, NO_SIGNATURE, 0)).toEqual({ refused: 'unknown' })
    expect(asked).toEqual([])
    expect(leave(lists, 5)).toEqual({ refused: 'bad-signature' })
    expect(idsOn(lists, 0)).toEqual([0])
    expect(leave(lists, 5)).toBe('removed')
    expect(asked[1]).toEqual([ANNA, 5, NO_SIGNATURE])
    expect([idsOn(lists, 0), leave(lists, 5), asked.length]).toEqual([[], 'removed', 2])
  })

  it('keeps out what is no newer for 10 minutes, whoever brings it, and lets a peer come back with a greater sequence', () => {
    const lists = listsOfFakes()
    lists.add(LIST, fakeRecord(ANNA, 5), ANNA, 0)
    leave(lists, 6, MINUTE)
    expect(lists.takeOver(LIST, fakeRecord(ANNA, 5), MINUTE, 2 * MINUTE)).toEqual({ refused: 'left' })
    expect(lists.add(LIST, fakeRecord(ANNA, 6), ANNA, 2 * MINUTE)).toEqual({ refused: 'left' })
    expect(lists.silent(9 * MINUTE, 9)).toEqual([])
    expect([lists.size, lists.expire(11 * MINUTE - 1), lists.expire(11 * MINUTE), lists.size]).toEqual([1, 0, 1, 0])
    expect(lists.takeOver(LIST, fakeRecord(ANNA, 5), MINUTE, 11 * MINUTE)).toBe('listed')
    leave(lists, 5, 11 * MINUTE)
    expect(lists.add(LIST, fakeRecord(ANNA, 6), ANNA, 11 * MINUTE)).toBe('listed')
    expect(idsOn(lists, 11 * MINUTE)).toEqual([0])
    expect(leave(lists, 5, 11 * MINUTE)).toEqual({ refused: 'older' })
  })

  it('leaves a mark that takes the place of the entry, so that marks cannot pile up', () => {
    const lists = listsOfFakes({ maxPerList: 1 })
    for (let sequence = 1; sequence < 100; sequence++) {
      lists.add(LIST, fakeRecord(ANNA, sequence), ANNA, 0)
      expect([leave(lists, sequence), lists.size]).toEqual(['removed', 1])
    }
    expect(lists.add(LIST, fakeRecord(BEN), BEN, 0)).toEqual({ refused: 'full' })
  })
})

describe('PeerLists.silent', () => {
  it('gives those that did not renew for 5 minutes, each once, a few at a time', () => {
    const lists = listsOfFakes()
    for (const id of [ANNA, BEN, CARL]) lists.add(LIST, fakeRecord(id), id, 0)
    lists.add(LIST, fakeRecord(CARL), CARL, MINUTE)
    expect(lists.dueAt).toBe(LIST_SILENT_MS)
    expect(lists.silent(LIST_SILENT_MS - 1, 9)).toEqual([])
    expect([1, 1, 1].map((limit) => lists.silent(LIST_SILENT_MS, limit))).toEqual([[ANNA], [BEN], []])
    expect(lists.silent(6 * MINUTE, 9)).toEqual([CARL])
  })

  it('asks again after the next silence, and drops only who has not renewed since', () => {
    const lists = listsOfFakes()
    for (const id of [ANNA, BEN]) lists.add(LIST, fakeRecord(id), id, 0)
    expect(lists.drop(ANNA)).toBe(false)
    expect(lists.silent(5 * MINUTE, 9)).toHaveLength(2)
    lists.add(LIST, fakeRecord(BEN), BEN, 6 * MINUTE)
    expect([ANNA, BEN, ANNA].map((id) => lists.drop(id))).toEqual([true, false, false])
    expect([idsOn(lists, 6 * MINUTE), lists.size]).toEqual([[1], 1])
    expect(lists.silent(11 * MINUTE, 9)).toEqual([BEN])
    expect(lists.takeOver(LIST, fakeRecord(ANNA), 6 * MINUTE, 11 * MINUTE)).toBe('listed')
    expect(lists.silent(11 * MINUTE, 9)).toEqual([ANNA])
  })
})

it('works with records and leaves as peers sign them', () => {
  const anna = createIdentity(new Uint8Array(32).fill(1))
  const list = listOf(positionOf(anna.id.bytes))
  const lists = new PeerLists({ readRecord: readPeerRecord, verifyLeave })
  const { bytes } = signPeerRecord(anna, { sequence: 5, name: 'anna', addresses: [], capabilities: [] })
  expect(lists.add(list, bytes, anna.id, 0)).toBe('listed')
  expect(lists.page(list, undefined, 4, 0)).toMatchObject({ entries: [{ bytes }], next: undefined })
  expect(lists.remove(anna.id.bytes, 5, signLeave(anna, 6), 0)).toEqual({ refused: 'bad-signature' })
  expect(lists.remove(anna.id.bytes, 6, signLeave(anna, 6), 0)).toBe('removed')
  expect(lists.takeOver(list, bytes, 0, 0)).toEqual({ refused: 'left' })
})
