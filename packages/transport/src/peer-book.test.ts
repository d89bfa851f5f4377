import { createIdentity, signPeerRecord } from '@pc/identity'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ADDRESSES_PER_PEER, PeerBook } from './peer-book.js'

const identities = Array.from({ length: 6 }, (_, index) => createIdentity(new Uint8Array(32).fill(index + 1)))
const identity = identities[0] ?? expect.fail()
const id = identity.id
const at = (last: number) => ({ host: `10.0.0.${last}`, port: 3485 })
const record = (sequence: number, ...hosts: number[]) =>
  signPeerRecord(identity, { sequence, name: `v${sequence}`, addresses: hosts.map(at), capabilities: [] })

describe('addresses', () => {
  test('come best first: proved most recently, then the record’s, then hints', () => {
    const book = new PeerBook()
    book.noteHint(id, at(1))
    book.upsert(record(1, 2, 3), at(4))
    book.noteProof(id, at(5), 100)
    book.noteProof(id, at(3), 200)
    expect(book.addressesOf(id)).toEqual([at(3), at(5), at(2), at(4), at(1)])
    expect(book.get(id)?.lastProofAt).toBe(200)
  })

  test('that are only claimed never take the place of proved ones', () => {
    const book = new PeerBook()
    for (const host of [1, 2, 3]) book.noteProof(id, at(host), host)
    for (let host = 10; host < 60; host += 1) book.noteHint(id, at(host))
    book.upsert(record(1, 4, 5, 6, 7), at(99))
    expect(book.addressesOf(id)).toHaveLength(ADDRESSES_PER_PEER)
    expect(book.addressesOf(id).slice(0, 7)).toEqual([3, 2, 1, 4, 5, 6, 7].map(at))
  })

  test('that were proved long ago do not crowd out what the record says', () => {
    const book = new PeerBook()
    for (let host = 1; host < 50; host += 1) book.noteProof(id, at(host), host)
    book.upsert(record(1, 100))
    expect(book.addressesOf(id)).toEqual([49, 48, 47, 100].map(at))
  })

  test('that are proved or said again and again leave room for the others', () => {
    const book = new PeerBook()
    for (const host of [1, 2, 3, 3, 3, 3]) book.noteProof(id, at(host), host)
    for (const host of [4, 5, 6, 7, 7, 7, 7]) book.noteHint(id, at(host))
    expect(book.addressesOf(id)).toEqual([3, 2, 1, 7, 6, 5, 4].map(at))
  })

  test('are either proved or hints', () => {
    const book = new PeerBook()
    book.noteHint(id, at(1))
    book.noteHint(id, at(2))
    book.noteProof(id, at(1), 10)
    expect(book.get(id)?.hints).toEqual([at(2)])
    book.noteHint(id, at(1))
    expect(book.get(id)?.hints).toEqual([at(2)])
    expect(book.get(id)?.proved).toEqual([{ address: at(1), at: 10 }])
  })

  test('of somebody unknown are none', () => {
    expect(new PeerBook().addressesOf(id)).toEqual([])
  })
})

test('a record is replaced by a higher sequence only', () => {
  const book = new PeerBook()
  expect([book.upsert(record(2)), book.upsert(record(1)), book.upsert(record(2)), book.upsert(record(3))]).toEqual([
    true,
    false,
    false,
    true,
  ])
  expect(book.get(id)?.record?.name).toBe('v3')
})

test('round-trip times are smoothed as RFC 6298 §2 does', () => {
  const book = new PeerBook()
  book.noteRoundTrip(id, 10)
  book.noteRoundTrip(id, 18)
  expect(book.get(id)?.roundTripMs).toBe(11)
})

describe('when full', () => {
  test('the least recently touched is forgotten', () => {
    const book = new PeerBook({ limit: 3 })
    for (const { id } of identities.slice(0, 3)) book.noteHint(id, at(1))
    book.noteRoundTrip(id, 5)
    book.noteHint(identities[3]?.id ?? id, at(1))
    expect(identities.map(({ id }) => book.get(id) !== undefined)).toEqual([true, false, true, true, false, false])
  })

  test('those never proved go first, however recent: claims cost nothing', () => {
    const book = new PeerBook({ limit: 3 })
    book.noteProof(id, at(1), 1)
    for (const { id } of identities.slice(1)) book.noteHint(id, at(2))
    expect(book.size).toBe(3)
    expect(book.get(id)).toBeDefined()
  })

  test('bounds hold for any sequence of calls', () => {
    const call = fc.tuple(
      fc.integer({ min: 0, max: 5 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 0, max: 2 }),
    )
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
        const book = new PeerBook({ limit: 4 })
        for (const [now, [who, where, what]] of calls.entries()) {
          const other = identities[who]?.id ?? id
          if (what === 0) book.noteHint(other, at(where))
          else if (what === 1) book.noteProof(other, at(where), now)
          else book.noteProof(other, undefined, now)
          expect(book.size).toBeLessThanOrEqual(4)
          const addresses = book.addressesOf(other).map(({ host }) => host)
          expect(new Set(addresses).size).toBe(addresses.length)
          if (what === 1) expect(addresses[0]).toBe(at(where).host)
        }
        expect([...book.entries()]).toHaveLength(book.size)
      }),
    )
  })
})
