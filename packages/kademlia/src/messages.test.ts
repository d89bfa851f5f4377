import { MAX_SEALED_PLAINTEXT } from '@pc/identity'
import { decodeValue, encodeValue, type Value } from '@pc/wire'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contactOf } from './contact.js'
import { KademliaError } from './errors.js'
import {
  encodeContacts,
  encodeRequest,
  type Request,
  readContacts,
  readFindNodeReply,
  readFindPeerReply,
  readGetReply,
  readListReply,
  readRequest,
  readStatus,
  readStoreReply,
} from './messages.js'
import { MAX_RECORD } from './value-record.js'

/** What a transport needs of a datagram beside the request or the answer: a kind and the number of the request. */
const HEAD = 9
const ROOM = MAX_SEALED_PLAINTEXT - HEAD

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const integer = fc.oneof(fc.maxSafeNat(), fc.nat(300))
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const list = fc.integer({ min: 0, max: 19 })
const token = bytes(8)
const record = fc.uint8Array({ maxLength: MAX_RECORD })
const ageMs = fc.nat(7_200).map((seconds) => seconds * 1_000)
const of = <Type extends Request['type']>(type: Type) => fc.constant(type)

const request: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ type: of('ping') }),
  fc.record({ type: of('find-node'), target: bytes(32) }),
  fc.record({ type: of('get'), key: bytes(32), known: optional(integer) }),
  fc.record({ type: of('store'), record, token, ageMs, expected: optional(integer) }),
  fc.record({ type: of('get-list'), list, cursor: optional(bytes(32)) }),
  fc.record({ type: of('add-to-list'), list, record, token }),
  fc.record({ type: of('leave-list'), id: bytes(32), sequence: integer, signature: bytes(64) }),
  fc.record({ type: of('find-peer'), id: bytes(32) }),
)

const sent = (value: Value): Value => decodeValue(encodeValue(value))
const BAD = expect.objectContaining({ name: 'KademliaError', code: 'BAD_MESSAGE' })

describe('requests', () => {
  it('come out as they went in, also with elements that a later version adds', () => {
    fc.assert(
      fc.property(request, fc.array(fc.nat()), (each, more) => {
        const value = encodeRequest(each) as readonly Value[]
        expect(plain(readRequest(sent([...value])))).toEqual(plain(each))
        if (each.type !== 'store' && each.type !== 'get' && each.type !== 'get-list') {
          expect(plain(readRequest(sent([...value, ...more])))).toEqual(plain(each))
        }
      }),
    )
  })

  it('with anything missing, too short, too long or of another type are bad', () => {
    const wrong: Value[] = [null, true, 'x', -1, 1.5, [], {}, new Uint8Array(0), new Uint8Array(33), 2 ** 60]
    fc.assert(
      fc.property(request, fc.nat(), fc.constantFrom(...wrong), (each, where, instead) => {
        const value = encodeRequest(each) as readonly Value[]
        const index = where % value.length
        const changed = value.with(index, instead)
        let read: Request
        try {
          read = readRequest(changed)
        } catch (error) {
          expect(error).toEqual(BAD)
          return
        }
        // What is read all the same says exactly that, with what may be left out left out.
        expect(plain(encodeRequest(read))).toEqual(plain(changed))
      }),
      { numRuns: 1_000 },
    )
    fc.assert(
      fc.property(request, (each) => {
        const value = encodeRequest(each) as readonly Value[]
        const needed = value.findLastIndex((element) => element !== null) + 1
        for (let length = 0; length < needed; length++) {
          if (each.type === 'get' || each.type === 'get-list' || (each.type === 'store' && length >= 4)) continue
          expect(() => readRequest(value.slice(0, length))).toThrow(BAD)
        }
      }),
    )
  })

  it('that are none at all are bad', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 64 }), fc.string(), fc.nat(), fc.constant(null)), (value) => {
        expect(() => readRequest(value)).toThrow(BAD)
      }),
    )
    for (const type of [8, -1, 255, '0', null]) expect(() => readRequest([type, new Uint8Array(32)])).toThrow(BAD)
    expect(() => readRequest([4, 20, null])).toThrow(BAD)
  })

  it('fit a sealed datagram, the largest of each', () => {
    const largest: readonly Request[] = [
      { type: 'find-node', target: new Uint8Array(32) },
      { type: 'get', key: new Uint8Array(32), known: Number.MAX_SAFE_INTEGER },
      {
        type: 'store',
        record: new Uint8Array(MAX_RECORD),
        token: new Uint8Array(8),
        ageMs: 7_200_000,
        expected: Number.MAX_SAFE_INTEGER,
      },
      { type: 'get-list', list: 19, cursor: new Uint8Array(32) },
      { type: 'add-to-list', list: 19, record: new Uint8Array(300), token: new Uint8Array(8) },
      { type: 'leave-list', id: new Uint8Array(32), sequence: Number.MAX_SAFE_INTEGER, signature: new Uint8Array(64) },
      { type: 'find-peer', id: new Uint8Array(32) },
    ]
    for (const each of largest) expect(encodeValue(encodeRequest(each)).length, each.type).toBeLessThanOrEqual(ROOM)
  })

  it('say how old a record is in whole seconds, never less than it is', () => {
    const store = { type: 'store', record: new Uint8Array(1), token: new Uint8Array(8), expected: undefined } as const
    const read = (ageMs: number): unknown => readRequest(encodeRequest({ ...store, ageMs }))
    expect([-5, 0, 1, 1_000, 1_001].map(read)).toMatchObject([0, 0, 1_000, 1_000, 2_000].map((ageMs) => ({ ageMs })))
  })
})

describe('contacts in answers', () => {
  const v4 = (index: number) => contactOf(new Uint8Array(32).fill(index), { host: `10.0.0.${index + 1}`, port: 1 })
  const v6 = (index: number) => contactOf(new Uint8Array(32).fill(index), { host: `fd00::${index + 1}`, port: 1 })
  const scoped = contactOf(new Uint8Array(32), { host: 'fe80::1%eth0', port: 1 })
  const many = Array.from({ length: 30 }, (_, index) => v4(index))

  it('are the nearest 20, or 16 with an IPv6 address among those', () => {
    expect(readContacts(encodeContacts(many))).toEqual(many.slice(0, 20))
    const mixed = many.with(19, v6(19))
    expect(readContacts(encodeContacts(mixed))).toEqual(mixed.slice(0, 16))
    expect(readContacts(encodeContacts(many.with(20, v6(20))))).toHaveLength(20)
    expect(readContacts(encodeContacts(many, 3))).toEqual(many.slice(0, 3))
    expect(
      readContacts(
        encodeContacts(
          many.map((_, index) => v6(index)),
          3,
        ),
      ),
    ).toHaveLength(3)
  })

  it('leave out those that mean nothing to others, and not those behind them', () => {
    expect(readContacts(encodeContacts([scoped, ...many], 4))).toEqual(many.slice(0, 4))
  })

  it('spoil the answer when one is none, or there are more than 20', () => {
    const good = encodeContacts(many) as readonly Value[]
    const [first = null] = good
    for (const value of [[...good, first], [new Uint8Array(37)], [first, null], null, first]) {
      expect(() => readFindNodeReply([value])).toThrow(BAD)
    }
    expect(readFindNodeReply([[]])).toEqual([])
  })
})

describe('answers', () => {
  const TOKEN = new Uint8Array(8).fill(1)
  const RECORD = new Uint8Array(20).fill(2)
  const entry = [RECORD, 3]

  it('come out as they went in', () => {
    expect(readGetReply(sent([RECORD, TOKEN, []]))).toEqual({ record: RECORD, token: TOKEN, contacts: [] })
    expect(readGetReply([null, TOKEN, []]).record).toBeUndefined()
    expect(readFindPeerReply([null, [], 'more'])).toEqual({ record: undefined, contacts: [] })
    expect(readFindPeerReply([RECORD, []]).record).toEqual(RECORD)
    expect(readStoreReply([1, RECORD])).toEqual({ status: 1, newer: RECORD })
    expect(readStoreReply([99])).toEqual({ status: 99, newer: undefined })
    expect(readStatus([0])).toBe(0)
    const cursor = new Uint8Array(32)
    expect(readListReply([[entry], cursor])).toEqual({ entries: [{ record: RECORD, ageMs: 3_000 }], cursor })
    expect(readListReply([[], null])).toEqual({ entries: [], cursor: undefined })
  })

  it.each<[string, (value: Value) => unknown, readonly Value[]]>([
    ['get', readGetReply, [null, [], [null, TOKEN.subarray(1), []], [null, TOKEN, null], [1, TOKEN, []]]],
    ['find-node', readFindNodeReply, [null, [], [TOKEN], [[TOKEN]]]],
    ['find-peer', readFindPeerReply, [null, [], [null], [1, []], [null, [RECORD]]]],
    ['store', readStoreReply, [null, [], ['0'], [-1], [1, 'x']]],
    ['status', readStatus, [null, [], [null], [0.5]]],
    ['list', readListReply, [null, [], [[RECORD], null], [[[RECORD]], null], [[[RECORD, -1]], null], [[], TOKEN]]],
    ['more entries than any page has', readListReply, [[Array.from({ length: 21 }, () => entry), null]]],
  ])('that are malformed are bad: %s', (_, read, values) => {
    for (const value of values) expect(() => read(value)).toThrow(BAD)
  })

  it('throw nothing else, whatever comes', () => {
    const anything: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.nat(),
        fc.constant(null),
        fc.string(),
        fc.uint8Array({ maxLength: 40 }),
        fc.array(tie('value'), { maxLength: 4 }),
      ),
    })).value
    const readers = [readGetReply, readFindNodeReply, readFindPeerReply, readStoreReply, readStatus, readListReply]
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 4 }), fc.constantFrom(...readers, readRequest), (value, read) => {
        try {
          read(value)
        } catch (error) {
          expect(error).toBeInstanceOf(KademliaError)
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

/** Bytes compare as bytes, whatever class they are of. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? Buffer.from(each).toString('hex') : each)),
  )
}
