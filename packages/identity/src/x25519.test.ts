import { ed25519 } from '@noble/curves/ed25519.js'
import { describe, expect, test } from 'vitest'
import { ANNA, BEN, otherSign, present, SMALL_ORDER_KEYS, withHighBit } from '../test/_util/sessions.js'
import { fromHex, toHex } from '../test/_util/vectors.js'
import { createIdentity } from './identity.js'
import { PeerId } from './peer-id.js'
import { agree, exchangeKeyOf, exchangeKeyPair, exchangeKeysOf } from './x25519.js'

test('RFC 7748 §6.1: Bob with the key of Alice', () => {
  const bob = exchangeKeyPair(fromHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb'))
  expect(toHex(bob.publicKey)).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
  const alice = fromHex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
  expect(toHex(present(agree(bob.privateKey, alice)))).toBe(
    '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  )
})

describe('the keys of an identity', () => {
  test('both halves fit, for any seed', () => {
    for (let seed = 0; seed < 50; seed++) {
      const identity = createIdentity(new Uint8Array(32).fill(seed))
      expect(toHex(exchangeKeysOf(identity).publicKey)).toBe(toHex(exchangeKeyOf(identity.id)))
    }
  })

  test('are made once for each object', () => {
    expect(exchangeKeysOf(ANNA)).toBe(exchangeKeysOf(ANNA))
    expect(exchangeKeyOf(ANNA.id)).toBe(exchangeKeyOf(ANNA.id))
    expect(exchangeKeyOf(PeerId.fromBytes(ANNA.id.bytes))).toEqual(exchangeKeyOf(ANNA.id))
  })

  test('agree on one secret', () => {
    const [anna, ben] = [exchangeKeysOf(ANNA), exchangeKeysOf(BEN)]
    expect(agree(anna.privateKey, ben.publicKey)).toEqual(agree(ben.privateKey, exchangeKeyOf(ANNA.id)))
  })

  test('both signs of x have one key', () => {
    expect(exchangeKeyOf(otherSign(ANNA.id))).toEqual(exchangeKeyOf(ANNA.id))
  })
})

describe('no secret comes of', () => {
  const { privateKey } = exchangeKeysOf(ANNA)

  test.each(SMALL_ORDER_KEYS.map((key) => [toHex(key), key]))('the small-order key %s', (_hex, key) => {
    expect(agree(privateKey, key)).toBeUndefined()
  })

  // u = 2 to 18, each of which is also u + p; 9 is the base point, with which the secret would be one's own public key.
  test.each(Array.from({ length: 17 }, (_, index) => index + 2))('p + %i', (u) => {
    const canonical = Uint8Array.of(u, ...new Uint8Array(31))
    const beyond = Uint8Array.of(0xed + u, ...new Uint8Array(30).fill(0xff), 0x7f)
    expect(agree(privateKey, canonical)).toHaveLength(32)
    expect(agree(privateKey, beyond)).toBeUndefined()
    expect(agree(privateKey, withHighBit(canonical))).toBeUndefined()
  })

  test('an honest key with its highest bit set', () => {
    expect(agree(privateKey, withHighBit(exchangeKeyOf(BEN.id)))).toBeUndefined()
  })

  test.each([0, 31, 33])('%i bytes', (length) => {
    expect(agree(privateKey, new Uint8Array(length).fill(9))).toBeUndefined()
  })

  test('but the keys next to p are good ones', () => {
    const belowP = fromHex(`eb${'ff'.repeat(30)}7f`)
    expect(agree(privateKey, belowP)).toHaveLength(32)
    for (let place = 1; place < 31; place++) {
      const smaller = fromHex(`${'ff'.repeat(31)}7f`)
      smaller[place] = 0xfe
      expect(agree(privateKey, smaller)).toHaveLength(32)
    }
  })
})

test('other errors are not taken for a bad key', () => {
  const wrongType = ed25519.utils.randomSecretKey()
  expect(() => agree(createIdentity(wrongType).privateKey, exchangeKeyOf(BEN.id))).toThrow()
})
