import { createIdentity, MAX_SEALED_PLAINTEXT, type PeerId } from '@pc/identity'
import { SeededRandom } from '@pc/testkit'
import { encodeValue, type Value } from '@pc/wire'
import { describe, expect, it } from 'vitest'
import { contactOn } from '../test/_util/contacts.js'
import { fakeRecord, idsOfList, listsOfFakes } from '../test/_util/lists.js'
import { contactOf } from './contact.js'
import { LIST_KEYS } from './list-keys.js'
import {
  readFindNodeReply,
  readFindPeerReply,
  readGetReply,
  readListReply,
  readStatus,
  readStoreReply,
  Status,
} from './messages.js'
import type { Position } from './position.js'
import { RecordStore } from './record-store.js'
import { type Asker, Responder } from './responder.js'
import { RoutingTable } from './routing-table.js'
import { Tokens } from './tokens.js'
import { type DhtRecord, plainRecord, signRecord, verifyRecord } from './value-record.js'

const ANNA = createIdentity(new Uint8Array(32).fill(1))
const OWN = new Uint8Array(32).fill(0x80)
/** Beside the answer: its kind and the number of the request. */
const ROOM = MAX_SEALED_PLAINTEXT - 9

const askerOf = (id: PeerId, host = '10.0.0.9'): Asker => ({
  contact: contactOf(id.bytes, { host, port: 7 }),
  peerId: id,
  early: false,
})
const ASKER = askerOf(ANNA.id)
const bytes = (text: string): Uint8Array => Buffer.from(text)

function setUp(contacts: 'v4' | 'v6' | 'none' = 'none') {
  const random = new SeededRandom('responder')
  const table = RoutingTable.create({ own: OWN, now: 0, limits: { perAddress: 99 } })
  for (let index = 0; index < 200 && contacts !== 'none'; index++) {
    const host = contacts === 'v4' ? `10.1.0.${index}` : `fd00:1111:2222:3333:4444:5555:6666:${index + 1_000}`
    table.proved(contactOn(random.bytes(32), host, 65_535), 0)
  }
  const records = new RecordStore({ position: OWN, verify: verifyRecord, random })
  const lists = listsOfFakes({ maxPerList: 4 })
  const known = new Map<string, Uint8Array>()
  const recordOf = (id: Uint8Array): Uint8Array | undefined => known.get(Buffer.from(id).toString('hex'))
  const responder = new Responder({ table, records, lists, tokens: Tokens.create(random, 0), recordOf })
  const tokenFor = (key: Position, asker = ASKER): Uint8Array =>
    readGetReply(responder.answer({ type: 'get', key, known: undefined }, asker, 0)).token
  const store = (
    record: DhtRecord,
    { asker = ASKER, token = tokenFor(record.key, asker), expected = undefined as number | undefined, ageMs = 0 } = {},
  ) => readStoreReply(responder.answer({ type: 'store', record: record.bytes, token, ageMs, expected }, asker, 0))
  return { table, records, lists, known, responder, tokenFor, store }
}

const signed = (sequence: number, value = bytes(`${sequence}`)): DhtRecord =>
  signRecord(ANNA, { salt: bytes('salt'), sequence, value })

describe('store', () => {
  it('needs the token of that asker, at that host, for that key', () => {
    const { store, tokenFor, records } = setUp()
    const [record, other] = [plainRecord(bytes('one')), plainRecord(bytes('two'))]
    const elsewhere = askerOf(ANNA.id, '10.0.0.10')
    const somebody = askerOf(createIdentity(new Uint8Array(32).fill(2)).id)
    for (const token of [
      new Uint8Array(8),
      tokenFor(other.key),
      tokenFor(record.key, elsewhere),
      tokenFor(record.key, somebody),
    ]) {
      expect(store(record, { token }).status).toBe(Status.BAD_TOKEN)
    }
    expect(records.size).toBe(0)
    const { contact } = ASKER
    const otherPort = { ...ASKER, contact: { ...contact, address: { ...contact.address, port: 8 } } }
    expect(store(record, { token: tokenFor(record.key, otherPort) }).status).toBe(Status.OK)
    expect(records.size).toBe(1)
  })

  it('says why not, and what is there instead', () => {
    const { store } = setUp()
    expect(store(signed(5)).status).toBe(Status.OK)
    expect(store(signed(5)).status).toBe(Status.OK)
    expect(store(signed(4))).toEqual({ status: Status.OLDER, newer: signed(5).bytes })
    expect(store(signed(7), { expected: 4 })).toEqual({ status: Status.CONFLICT, newer: signed(5).bytes })
    expect(store(signed(7), { ageMs: 7_200_000 })).toEqual({ status: Status.INVALID, newer: undefined })
    expect(store(signed(7), { expected: 5 }).status).toBe(Status.OK)
    for (let index = 0; index < 300; index++) store(plainRecord(bytes(`record ${index}`)))
    expect(store(plainRecord(bytes('one more'))).status).toBe(Status.NO_ROOM)
  })

  it('refuses what nobody signed', () => {
    const { store, records } = setUp()
    const record = signed(1)
    const forged = Buffer.from(record.bytes)
    forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
    expect(store({ ...record, bytes: forged }).status).toBe(Status.INVALID)
    expect(records.size).toBe(0)
  })
})

describe('get', () => {
  it('gives the record unless the asker has as new a one', () => {
    const { responder, store } = setUp()
    store(signed(5))
    const get = (known: number | undefined) =>
      readGetReply(responder.answer({ type: 'get', key: signed(5).key, known }, ASKER, 0)).record
    expect([get(undefined), get(4), get(5), get(6)]).toEqual([signed(5).bytes, signed(5).bytes, undefined, undefined])
  })

  it('gives a plain record whatever is known, as it has no sequence', () => {
    const { responder, store } = setUp()
    const record = plainRecord(bytes('plain'))
    store(record)
    const request = { type: 'get', key: record.key, known: 9 } as const
    expect(readGetReply(responder.answer(request, ASKER, 0)).record).toEqual(record.bytes)
    expect(readGetReply(responder.answer(request, ASKER, 7_200_000)).record).toBeUndefined()
  })
})

describe('contacts', () => {
  it.each([
    ['v4', 20],
    ['v6', 16],
  ] as const)('of %s are %i, of those verified, nearest first, without the asker', (family, count) => {
    const { table, responder } = setUp(family)
    const [nearest, second] = table.closest(OWN, 2)
    if (nearest === undefined || second === undefined) return expect.fail('the table is empty')
    const asker = { contact: nearest, peerId: ANNA.id, early: false }
    const contacts = readFindNodeReply(responder.answer({ type: 'find-node', target: OWN }, asker, 0))
    expect(contacts).toHaveLength(count)
    expect(contacts[0]?.key).toBe(second.key)
    table.failed(second, 0)
    const others = readFindNodeReply(responder.answer({ type: 'find-node', target: OWN }, asker, 0))
    expect(others.map(({ key }) => key)).not.toContain(second.key)
  })
})

describe('the largest answers fit a sealed datagram', () => {
  it.each(['v4', 'v6'] as const)('with contacts of %s', (family) => {
    const { responder, store, known } = setUp(family)
    const fits = (value: Value): void => expect(encodeValue(value).length).toBeLessThanOrEqual(ROOM)
    fits(responder.answer({ type: 'find-node', target: OWN }, ASKER, 0))
    for (const length of [0, 1, 100, 200, 500, 900, 983]) {
      const record = signRecord(ANNA, {
        salt: new Uint8Array(32).fill(length & 255),
        sequence: 2 ** 53 - 1,
        value: new Uint8Array(length),
      })
      expect(store(record).status).toBe(Status.OK)
      const reply = responder.answer({ type: 'get', key: record.key, known: undefined }, ASKER, 0)
      fits(reply)
      expect(readGetReply(reply).record).toEqual(record.bytes)
      if (length < 900) expect(readGetReply(reply).contacts.length).toBeGreaterThan(0)
      const newer = responder.answer(
        { type: 'store', record: record.bytes, token: new Uint8Array(8), ageMs: 0, expected: 1 },
        ASKER,
        0,
      )
      fits(newer)
    }
    fits(responder.answer({ type: 'get', key: OWN, known: undefined }, ASKER, 0))
    for (const length of [200, 300]) {
      known.set(Buffer.from(ANNA.id.bytes).toString('hex'), new Uint8Array(length))
      const reply = responder.answer({ type: 'find-peer', id: ANNA.id.bytes }, ASKER, 0)
      fits(reply)
      const { record, contacts } = readFindPeerReply(reply)
      expect([record?.length, contacts.length]).toEqual([
        length,
        Math.min(family === 'v6' ? 16 : 20, Math.floor((1_100 - length) / 52)),
      ])
    }
    const { contacts, record } = readFindPeerReply(responder.answer({ type: 'find-peer', id: OWN }, ASKER, 0))
    expect([record, contacts.length > 0]).toEqual([undefined, true])
  })

  it('with a page of a list', () => {
    const { responder, lists } = setUp()
    const members = idsOfList(3, 4)
    for (const [index, id] of members.entries()) lists.add(3, fakeRecord(id, 1, index < 3 ? 300 : 100), id, 0)
    const reply = responder.answer({ type: 'get-list', list: 3, cursor: undefined }, ASKER, 599_000)
    expect(encodeValue(reply).length).toBeLessThanOrEqual(ROOM)
    expect(readListReply(reply).entries).toHaveLength(4)
  })
})

describe('lists', () => {
  const LIST = 3
  const [first, second, third, fourth, fifth] = idsOfList(LIST, 5) as [PeerId, PeerId, PeerId, PeerId, PeerId]
  const [stranger] = idsOfList(4, 1) as [PeerId]

  function adder() {
    const all = setUp()
    const add = (
      id: PeerId,
      {
        sequence = 1,
        list = LIST,
        record = fakeRecord(id, sequence),
        token = undefined as Uint8Array | undefined,
      } = {},
    ) => {
      const asker = askerOf(id)
      const shown = token ?? all.tokenFor(LIST_KEYS[list] as Position, asker)
      return readStatus(all.responder.answer({ type: 'add-to-list', list, record, token: shown }, asker, 0))
    }
    return { ...all, add }
  }

  it('take the own record of whoever shows the token of that list', () => {
    const { add, tokenFor } = adder()
    expect(add(first, { token: new Uint8Array(8) })).toBe(Status.BAD_TOKEN)
    expect(add(first, { token: tokenFor(LIST_KEYS[LIST + 1] as Position, askerOf(first)) })).toBe(Status.BAD_TOKEN)
    expect(add(first, { record: fakeRecord(second) })).toBe(Status.INVALID)
    expect(add(stranger)).toBe(Status.INVALID)
    expect(add(first, { sequence: 2 })).toBe(Status.OK)
    expect(add(first, { sequence: 1 })).toBe(Status.OLDER)
    expect([second, third, fourth, fifth].map((id) => add(id))).toEqual([
      Status.OK,
      Status.OK,
      Status.OK,
      Status.NO_ROOM,
    ])
  })

  it('let a peer leave, once and again, and nobody by an older word', () => {
    const { add, responder } = adder()
    add(first, { sequence: 5 })
    const leave = (sequence: number) =>
      readStatus(
        responder.answer(
          { type: 'leave-list', id: first.bytes, sequence, signature: new Uint8Array(64) },
          askerOf(second),
          0,
        ),
      )
    expect([leave(4), leave(5), leave(5)]).toEqual([Status.OLDER, Status.OK, Status.OK])
    expect(
      readListReply(responder.answer({ type: 'get-list', list: LIST, cursor: undefined }, ASKER, 0)).entries,
    ).toEqual([])
  })
})

it('a ping is answered', () => {
  expect(setUp().responder.answer({ type: 'ping' }, ASKER, 0)).toEqual([])
})
