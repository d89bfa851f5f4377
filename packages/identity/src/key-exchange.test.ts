import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import {
  ANNA,
  ANNAS_INDEX,
  BEN,
  BENS_INDEX,
  CARL,
  counted,
  exchangeOf,
  NOTHING,
  OFFICE,
  otherSign,
  pairOf,
  present,
} from '../test/_util/sessions.js'
import { codeOf, fromHex } from '../test/_util/vectors.js'
import { createKeyExchange } from './key-exchange.js'
import { openNetwork } from './network.js'
import { initiate } from './noise.js'
import { PeerId } from './peer-id.js'
import { type ExchangeKeyPair, exchangeKeyOf, exchangeKeyPair, exchangeKeysOf } from './x25519.js'

const TEXT = Buffer.from('who has the printer?')
const SECRET = openNetwork('office', { secret: 'only members know this' })
const begin = (early: Uint8Array = NOTHING) => present(exchangeOf(ANNA).initiate(BEN.id, early, ANNAS_INDEX))

/** Message 1 to Ben by whoever holds `keys` and says that he is `claimed`. */
function messageBy(keys: ExchangeKeyPair, claimed: Uint8Array, to: PeerId = BEN.id): Uint8Array {
  const index = Buffer.alloc(4)
  index.writeUInt32BE(ANNAS_INDEX)
  const prologue = Buffer.concat([Buffer.from('pc-session-v1'), to.bytes, index, Buffer.from('office')])
  const ephemeral = exchangeKeyPair(new Uint8Array(32).fill(0xee))
  return present(initiate({ prologue, psk: OFFICE.psk }, keys, ephemeral, exchangeKeyOf(to), claimed)).message
}

describe('an exchange', () => {
  test('tells each side who the other is and where he looks for the session', () => {
    const pending = begin(TEXT)
    const received = present(exchangeOf(BEN).respond(pending.message, ANNAS_INDEX))
    expect([received.remoteId.equals(ANNA.id), received.early]).toEqual([true, TEXT])
    const { message, session } = present(received.accept(BENS_INDEX))
    const answered = present(pending.finish(message))
    expect([answered.remoteId, answered.remoteIndex, session.remoteIndex]).toEqual([BEN.id, BENS_INDEX, ANNAS_INDEX])
    expect(session.open(answered.seal(4, TEXT))).toEqual(TEXT)
    expect(answered.open(session.seal(4, TEXT))).toEqual(TEXT)
  })

  test('works on a network with a secret, and not across', () => {
    const { anna, ben } = pairOf(1, SECRET)
    expect(ben.open(anna.seal(4, TEXT))).toEqual(TEXT)
    const inside = present(exchangeOf(ANNA, SECRET).initiate(BEN.id, NOTHING, 1)).message
    expect(exchangeOf(BEN).respond(inside, 1)).toBeUndefined()
    expect(exchangeOf(BEN, SECRET).respond(begin().message, ANNAS_INDEX)).toBeUndefined()
    const sameSecret = openNetwork('home', { secret: 'only members know this' })
    expect(exchangeOf(BEN, sameSecret).respond(inside, 1)).toBeUndefined()
  })

  test('of another open network is nothing here, though both have the same psk', () => {
    expect(exchangeOf(BEN, openNetwork('officf')).respond(begin().message, ANNAS_INDEX)).toBeUndefined()
  })

  test('asks `known` for the id, and looks at the bytes itself if nobody knows them', () => {
    const asked: Uint8Array[] = []
    const known = (id: Uint8Array) => {
      asked.push(Uint8Array.from(id))
      return asked.length === 1 ? ANNA.id : undefined
    }
    const ben = createKeyExchange({ identity: BEN, network: OFFICE, random: counted(), known })
    const first = present(ben.respond(begin().message, ANNAS_INDEX))
    const second = present(ben.respond(begin().message, ANNAS_INDEX))
    expect(first.remoteId).toBe(ANNA.id)
    expect([second.remoteId === ANNA.id, second.remoteId.equals(ANNA.id)]).toEqual([false, true])
    expect(asked).toEqual([ANNA.id.bytes, ANNA.id.bytes])
  })

  test('asks `known` about nothing shorter than an id', () => {
    const known = () => expect.unreachable('it was asked')
    const ben = createKeyExchange({ identity: BEN, network: OFFICE, random: counted(), known })
    for (const length of [0, 31]) {
      expect(
        ben.respond(messageBy(exchangeKeysOf(ANNA), ANNA.id.bytes.subarray(0, length)), ANNAS_INDEX),
      ).toBeUndefined()
    }
  })

  test('an index that is no u32 is a fault of the caller', () => {
    for (const index of [-1, 2 ** 32, 0.5]) {
      expect(codeOf(() => exchangeOf(ANNA).initiate(BEN.id, NOTHING, index))).toBe('BAD_ARGUMENT')
      expect(codeOf(() => exchangeOf(BEN).respond(begin().message, index))).toBe('BAD_ARGUMENT')
    }
  })
})

describe('an answer', () => {
  test('that is wrong does not spoil the right one', () => {
    const [pending, other] = [begin(), begin(TEXT)]
    const wrong = present(exchangeOf(BEN).respond(other.message, ANNAS_INDEX)?.accept(BENS_INDEX)).message
    const right = present(exchangeOf(BEN).respond(pending.message, ANNAS_INDEX)?.accept(BENS_INDEX)).message
    expect([pending.finish(wrong), pending.finish(NOTHING), pending.finish(pending.message)]).toEqual(
      Array(3).fill(undefined),
    )
    expect(pending.finish(right)?.remoteId).toBe(BEN.id)
  })

  test('that comes again makes no second session with the same keys', () => {
    const pending = begin()
    const received = present(exchangeOf(BEN).respond(pending.message, ANNAS_INDEX))
    const { message } = present(received.accept(BENS_INDEX))
    expect(pending.finish(message)).toBeDefined()
    expect(pending.finish(message)).toBeUndefined()
    expect(pending.finish(present(received.accept(BENS_INDEX)).message)).toBeUndefined()
  })

  test('can be made again: another session with other keys, which the initiator may take instead', () => {
    const pending = begin()
    const received = present(exchangeOf(BEN).respond(pending.message, ANNAS_INDEX))
    const [lost, taken] = [present(received.accept(7)), present(received.accept(8))]
    const session = present(pending.finish(taken.message))
    expect(session.remoteIndex).toBe(8)
    const datagram = session.seal(4, TEXT)
    expect([lost.session.open(datagram), taken.session.open(datagram)]).toEqual(['seal', TEXT])
  })

  test('without an index, or with more behind it, is none', () => {
    const pending = begin()
    // Message 2 is 52 bytes, and its payload is sealed: no other length can be made without Ben.
    const { message } = present(exchangeOf(BEN).respond(pending.message, ANNAS_INDEX)?.accept(BENS_INDEX))
    expect(message).toHaveLength(52)
    for (let length = 0; length < 52; length++) expect(pending.finish(message.subarray(0, length))).toBeUndefined()
    expect(pending.finish(Buffer.concat([message, new Uint8Array(1)]))).toBeUndefined()
  })
})

describe('nobody is taken for another', () => {
  test('message 1 under another index, which everybody on an open network can write on it', () => {
    for (const index of [0, ANNAS_INDEX + 1, ANNAS_INDEX - 1, BENS_INDEX]) {
      expect(exchangeOf(BEN).respond(begin().message, index)).toBeUndefined()
    }
  })

  test('message 1 for Ben, passed on to Carl or come back to Anna', () => {
    for (const other of [CARL, ANNA]) expect(exchangeOf(other).respond(begin().message, ANNAS_INDEX)).toBeUndefined()
  })

  test('message 1 for the id with the other sign of x, whose X25519 key is that of Ben', () => {
    const pending = present(exchangeOf(ANNA).initiate(otherSign(BEN.id), NOTHING, ANNAS_INDEX))
    expect(exchangeOf(BEN).respond(pending.message, ANNAS_INDEX)).toBeUndefined()
  })

  test('message 1 to oneself', () => {
    const pending = present(exchangeOf(ANNA).initiate(ANNA.id, NOTHING, ANNAS_INDEX))
    expect(exchangeOf(ANNA).respond(pending.message, ANNAS_INDEX)).toBeUndefined()
  })

  test('Carl who says that he is Anna, with his own key or with hers', () => {
    const carl = exchangeKeysOf(CARL)
    const herKeyHisSecret = { publicKey: exchangeKeyOf(ANNA.id), privateKey: carl.privateKey }
    for (const keys of [carl, herKeyHisSecret]) {
      for (const claimed of [ANNA.id, otherSign(ANNA.id)]) {
        expect(exchangeOf(BEN).respond(messageBy(keys, claimed.bytes), ANNAS_INDEX)).toBeUndefined()
      }
    }
    // What he was measured by: the same message with his own name on it.
    expect(exchangeOf(BEN).respond(messageBy(carl, CARL.id.bytes), ANNAS_INDEX)?.remoteId.equals(CARL.id)).toBe(true)
  })

  test('Anna under the other fifteen ids of her secret is a stranger each time, never Anna', () => {
    const { Point } = ed25519
    const eighth = Point.fromBytes(fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'))
    const hers = Point.fromBytes(ANNA.id.bytes)
    const seen = new Set<string>()
    for (const base of [hers, hers.negate()]) {
      for (let turn = 0; turn < 8; turn++) {
        const added = turn === 0 ? base : base.add(eighth.multiplyUnsafe(BigInt(turn)))
        const alias = PeerId.fromBytes(added.toBytes())
        const keys = { publicKey: exchangeKeyOf(alias), privateKey: exchangeKeysOf(ANNA).privateKey }
        const received = present(exchangeOf(BEN).respond(messageBy(keys, alias.bytes), ANNAS_INDEX))
        expect(received.remoteId.equals(alias)).toBe(true)
        seen.add(received.remoteId.toString())
      }
    }
    expect(seen.size).toBe(16)
  })

  test.each([
    ['that is no point', '02'.padEnd(64, '0')],
    ['of small order', '01'.padEnd(64, '0')],
    ['of small order, with the other sign', `${'00'.repeat(31)}80`],
    ['that is not canonical', `ed${'ff'.repeat(30)}7f`],
    ['of 31 bytes', '8a'.repeat(31)],
    ['of no bytes', '-'],
  ])('an id %s', (_what, hex) => {
    const message = messageBy(exchangeKeysOf(CARL), fromHex(hex))
    expect(exchangeOf(BEN).respond(message, ANNAS_INDEX)).toBeUndefined()
  })
})

test('printing what holds keys shows none', async () => {
  const { inspect } = await import('node:util')
  const shown = inspect([exchangeOf(ANNA, SECRET), pairOf(1, SECRET)], { depth: 8, showHidden: true })
  expect(shown).not.toMatch(/KeyObject|psk/)
})
