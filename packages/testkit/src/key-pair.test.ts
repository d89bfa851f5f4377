import { createPublicKey, sign, verify } from 'node:crypto'
import { expect, it } from 'vitest'
import { ed25519KeyPair } from './key-pair.js'
import { SeededRandom } from './seeded-random.js'

it('follows the test vectors of RFC 8032 §7.1', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
  const { publicKey } = ed25519KeyPair({ bytes: () => new Uint8Array(seed) })
  expect(Buffer.from(publicKey).toString('hex')).toBe(
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
  )
})

it('gives the same keys for the same seed, and keys that sign', () => {
  const [one, again, other] = [1, 1, 2].map((seed) => ed25519KeyPair(new SeededRandom(seed)))
  expect(again?.publicKey).toEqual(one?.publicKey)
  expect(other?.publicKey).not.toEqual(one?.publicKey)
  if (one === undefined) throw new Error('no pair')
  const message = Buffer.from('signed')
  expect(verify(null, message, createPublicKey(one.privateKey), sign(null, message, one.privateKey))).toBe(true)
  expect([one.seed.length, one.publicKey.length]).toEqual([32, 32])
})
