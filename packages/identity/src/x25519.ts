/** X25519 (RFC 7748) over node:crypto, with the keys as bytes, as they travel. */
import { createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import type { Identity } from './identity.js'
import type { PeerId } from './peer-id.js'

export const X25519_BYTES = 32

/** A key pair for agreeing on secrets; the public half is what travels. */
export interface ExchangeKeyPair {
  readonly publicKey: Uint8Array
  readonly privateKey: KeyObject
}

/** Of 32 random bytes, which nobody may use again. */
export function exchangeKeyPair(secret: Uint8Array): ExchangeKeyPair {
  // As JWK, which Node imports many times faster than PKCS #8. It asks for the public half without looking at it.
  const key = { kty: 'OKP', crv: 'X25519', d: Buffer.from(secret).toString('base64url'), x: ANY_PUBLIC_KEY }
  const privateKey = createPrivateKey({ key, format: 'jwk' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { publicKey: Buffer.from(x, 'base64url'), privateKey }
}

/** The X25519 pair that belongs to an identity's Ed25519 key: the standard conversion, so that an id names both. */
export function exchangeKeysOf(identity: Identity): ExchangeKeyPair {
  const known = ofIdentity.get(identity)
  if (known !== undefined) return known
  const { d = '' } = identity.privateKey.export({ format: 'jwk' })
  const pair = exchangeKeyPair(ed25519.utils.toMontgomerySecret(Buffer.from(d, 'base64url')))
  ofIdentity.set(identity, pair)
  return pair
}

/** The public half of {@link exchangeKeysOf}, from the id alone. Costs two field exponentiations, once per `PeerId` object. */
export function exchangeKeyOf(id: PeerId): Uint8Array {
  const known = ofPeer.get(id)
  if (known !== undefined) return known
  const key = ed25519.utils.toMontgomery(id.bytes)
  ofPeer.set(id, key)
  return key
}

/**
 * The shared secret, or `undefined` for a public key that nobody makes honestly: of small order, where the secret would be zero
 * for everybody (RFC 7748 §6.1; OpenSSL refuses those), or not canonical, which is a second spelling of another key.
 *
 * @param publicKey not to be written into while anybody holds it
 */
export function agree(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array | undefined {
  if (!isCanonical(publicKey)) return undefined
  try {
    return diffieHellman({ privateKey, publicKey: imported(publicKey) })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_OSSL_FAILED_DURING_DERIVATION') return undefined
    throw error
  }
}

/** A handshake agrees with each key twice, and to import one costs a tenth of agreeing. */
function imported(publicKey: Uint8Array): KeyObject {
  const known = ofBytes.get(publicKey)
  if (known !== undefined) return known
  const x = Buffer.from(publicKey).toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' })
  ofBytes.set(publicKey, key)
  return key
}

/** u < 2^255 - 19, little-endian, the highest bit 0. */
function isCanonical(key: Uint8Array): boolean {
  if (key.length !== X25519_BYTES) return false
  const last = key[31] as number
  if (last !== 0x7f) return last < 0x7f
  for (let index = 30; index > 0; index--) if (key[index] !== 0xff) return true
  return (key[0] as number) < 0xed
}

const ANY_PUBLIC_KEY = Buffer.alloc(X25519_BYTES, 9).toString('base64url')
const ofIdentity = new WeakMap<Identity, ExchangeKeyPair>()
const ofPeer = new WeakMap<PeerId, Uint8Array>()
const ofBytes = new WeakMap<Uint8Array, KeyObject>()
