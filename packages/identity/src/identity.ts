import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { IdentityError } from './errors.js'
import { ownPeerId, type PeerId } from './peer-id.js'

/** A key pair: what lets this program speak as one peer. Holds a secret; never log `privateKey` exported. */
export interface Identity {
  readonly id: PeerId
  readonly privateKey: KeyObject
  /**
   * The 64-byte Ed25519 signature over utf8(domain) || 0x00 || bytes. `domain` names what is signed, so that a
   * signature made for one purpose is never valid for another: 1 to 64 characters of a–z, 0–9, `.`, `/` and `-`, a
   * letter first (`BAD_ARGUMENT` otherwise). Such bytes are never a TLS handshake (64 spaces first) nor a
   * certificate (0x30 first), which the same key signs too.
   */
  sign(domain: string, bytes: Uint8Array): Uint8Array
}

const SEED_BYTES = 32
const SIGNATURE_BYTES = 64
const DOMAIN = /^[a-z][a-z0-9./-]{0,63}$/

/** A new identity, or with a 32-byte seed always the same one: a seed is for tests and vectors. */
export function createIdentity(seed?: Uint8Array): Identity {
  if (seed === undefined) return identityOfKey(generateKeyPairSync('ed25519').privateKey)
  if (!(seed instanceof Uint8Array) || seed.length !== SEED_BYTES) {
    throw new IdentityError('BAD_ARGUMENT', `a seed is a Uint8Array of ${SEED_BYTES} bytes`)
  }
  // JWK imports ten times faster than PKCS #8. `x`, which a JWK must have (RFC 8037 §2), is found from `d`.
  const key = { kty: 'OKP', crv: 'Ed25519', d: Buffer.from(seed).toString('base64url'), x: '' }
  return identityOfKey(createPrivateKey({ key, format: 'jwk' }))
}

/**
 * Whether `signature` is the peer's over `bytes` in `domain`; see `Identity.sign`. False, never an error, for any
 * signature somebody else sent, whatever its length; `BAD_ARGUMENT` only for a domain outside the rules.
 */
export function verifySignature(id: PeerId, domain: string, bytes: Uint8Array, signature: Uint8Array): boolean {
  const signed = signedBytes(domain, bytes)
  return signature.length === SIGNATURE_BYTES && verify(null, signed, id.publicKey, signature)
}

/** The identity of an Ed25519 private key; the caller has checked the key's type. */
export function identityOfKey(privateKey: KeyObject): Identity {
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  return {
    id: ownPeerId(Buffer.from(x ?? '', 'base64url')),
    privateKey,
    sign: (domain, bytes) => Uint8Array.from(sign(null, signedBytes(domain, bytes), privateKey)),
  }
}

function signedBytes(domain: string, bytes: Uint8Array): Uint8Array {
  if (!DOMAIN.test(domain)) {
    throw new IdentityError(
      'BAD_ARGUMENT',
      `a signature domain is 1 to 64 characters of a-z, 0-9, '.', '/' and '-', a letter first; got ${JSON.stringify(domain)}`,
    )
  }
  return Buffer.concat([Buffer.from(domain), ZERO, bytes])
}

const ZERO = Uint8Array.of(0)
