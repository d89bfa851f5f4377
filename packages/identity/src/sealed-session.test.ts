import { describe, expect, test } from 'vitest'
import { ANNA, BEN, keyOf, NOTHING, pairOf, sealedDatagram } from '../test/_util/sessions.js'
import { codeOf, toHex } from '../test/_util/vectors.js'
import { MAX_SEALED_PLAINTEXT, SESSION_OVERHEAD, SealedSession, sessionIndexOf } from './sealed-session.js'

const keys = { send: keyOf(1), receive: keyOf(2) }
const TEXT = Buffer.from('the printer is free')
const session = (limit?: number) => new SealedSession(BEN.id, 0xfedcba98, keys, limit)
/** What the other side of `session` would send. */
const incoming = (counter: bigint, plaintext: Uint8Array = TEXT) =>
  sealedDatagram(keys.receive, { index: 5, counter }, plaintext)

describe('seal', () => {
  test('is what §15 of the protocol says, counted from 0', () => {
    const sealing = session()
    for (const counter of [0n, 1n, 2n]) {
      expect(sealing.sealed).toBe(Number(counter))
      const expected = sealedDatagram(keys.send, { rootCode: 0x80, index: 0xfedcba98, counter }, TEXT)
      expect(toHex(sealing.seal(0x80, TEXT))).toBe(toHex(expected))
    }
  })

  test('fills a datagram exactly', () => {
    expect([MAX_SEALED_PLAINTEXT, SESSION_OVERHEAD]).toEqual([1_170, 30])
    expect(session().seal(4, new Uint8Array(1_170))).toHaveLength(1_200)
    expect(session().seal(4, NOTHING)).toHaveLength(30)
  })

  test('refuses what is too long or no root code, and no counter is lost by that', () => {
    const sealing = session()
    for (const [rootCode, length] of [
      [4, 1_171],
      [256, 1],
      [-1, 1],
      [0.5, 1],
    ] as const) {
      expect(codeOf(() => sealing.seal(rootCode, new Uint8Array(length)))).toBe('BAD_ARGUMENT')
    }
    expect(sealing.seal(4, NOTHING)).toEqual(session().seal(4, NOTHING))
  })

  test('refuses once the limit is reached, for ever', () => {
    const sealing = session(3)
    for (let count = 0; count < 3; count++) sealing.seal(4, TEXT)
    for (let time = 0; time < 2; time++) expect(codeOf(() => sealing.seal(4, TEXT))).toBe('SESSION_EXHAUSTED')
    expect(sealing.sealed).toBe(3)
  })

  test('an index is a u32', () => {
    for (const index of [0, 2 ** 32 - 1]) expect(new SealedSession(BEN.id, index, keys).remoteIndex).toBe(index)
    for (const index of [-1, 2 ** 32, 0.5, Number.NaN]) {
      expect(codeOf(() => new SealedSession(BEN.id, index, keys))).toBe('BAD_ARGUMENT')
    }
  })
})

describe('open', () => {
  test('gives what was sealed, once', () => {
    const opening = session()
    expect(opening.open(incoming(0n))).toEqual(TEXT)
    expect(opening.open(incoming(0n))).toBe('replay')
    expect(opening.open(incoming(1n, NOTHING))).toEqual(Buffer.alloc(0))
  })

  test('knows every counter of 32 bits and none above', () => {
    const opening = session()
    expect(opening.open(incoming(2n ** 31n))).toEqual(TEXT)
    for (const counter of [2n ** 32n, 2n ** 32n + 2n ** 31n + 5n, 2n ** 63n, 2n ** 64n - 1n]) {
      expect(opening.open(incoming(counter))).toBe('replay')
    }
    expect(opening.open(incoming(2n ** 32n - 1n))).toEqual(TEXT)
  })

  test('a forged counter neither uses up the real one nor moves the window', () => {
    const opening = session()
    const forged = Buffer.from(incoming(0n))
    for (const counter of [0, 1, 5_000, 2 ** 32 - 1]) {
      forged.writeUInt32BE(counter, 10)
      if (counter > 0) expect(opening.open(forged)).toBe('seal')
    }
    expect([opening.open(incoming(1n)), opening.open(incoming(0n))]).toEqual([TEXT, TEXT])
  })

  test('a datagram that is seen twice costs no second opening: the window is read first', () => {
    const opening = session()
    opening.open(incoming(3n))
    const spoiled = Buffer.from(incoming(3n))
    spoiled[20] = (spoiled[20] ?? 0) ^ 1
    expect(opening.open(spoiled)).toBe('replay')
  })

  test('every length below the least is refused', () => {
    const opening = session()
    for (let length = 0; length < 30; length++) expect(opening.open(incoming(0n).subarray(0, length))).toBe('seal')
    expect(opening.open(incoming(0n))).toEqual(TEXT)
  })

  test('a tag that begins inside the header is none, even where the bytes of both are the same', () => {
    const overlapping = Array.from({ length: 2_000 }, (_, counter) => incoming(BigInt(counter), NOTHING)).filter(
      (datagram) => datagram[13] === datagram[14],
    )
    expect(overlapping.length).toBeGreaterThan(0)
    for (const datagram of overlapping) {
      expect(session().open(Buffer.concat([datagram.subarray(0, 14), datagram.subarray(15)]))).toBe('seal')
    }
  })

  test('what is sealed for one direction is nothing in the other', () => {
    const { anna, ben } = pairOf()
    const datagram = anna.seal(4, TEXT)
    expect(anna.open(datagram)).toBe('seal')
    expect(ben.open(datagram)).toEqual(TEXT)
    expect(anna.open(ben.seal(4, TEXT))).toEqual(TEXT)
    expect([anna.remoteId.equals(BEN.id), ben.remoteId.equals(ANNA.id)]).toEqual([true, true])
  })
})

test.each([0, 1, 0x7fffffff, 0x80000000, 0xfedcba98, 0xffffffff])('sessionIndexOf reads %i', (index) => {
  expect(sessionIndexOf(new SealedSession(BEN.id, index, keys).seal(4, NOTHING))).toBe(index)
})
