/**
 * Noise_IKpsk0_25519_AESGCM_SHA256 once more, straight down the page of the specification and with the Diffie-Hellman results as
 * arguments: what the code must agree with, and what an attacker who knows a result without a private key could send.
 */
import { createCipheriv, createHash, hkdfSync } from 'node:crypto'

export interface Reference {
  readonly prologue: Uint8Array
  readonly psk: Uint8Array
  /** Public keys: of the responder, of the initiator, and of this exchange. */
  readonly responder: Uint8Array
  readonly initiator: Uint8Array
  readonly ephemeral1: Uint8Array
  readonly ephemeral2: Uint8Array
  readonly payload1: Uint8Array
  readonly payload2: Uint8Array
  readonly es: Uint8Array
  readonly ss: Uint8Array
  readonly ee: Uint8Array
  readonly se: Uint8Array
}

export interface ReferenceResult {
  readonly message1: Uint8Array
  readonly message2: Uint8Array
  readonly fromInitiator: Uint8Array
  readonly fromResponder: Uint8Array
}

export function noiseReference(given: Reference): ReferenceResult {
  const h0 = hash(hash(Buffer.from('Noise_IKpsk0_25519_AESGCM_SHA256'), given.prologue), given.responder)
  const [ck1, pskHash] = hkdf(Buffer.from('Noise_IKpsk0_25519_AESGCM_SHA256'), given.psk, 3)
  const h1 = hash(hash(h0, pskHash), given.ephemeral1)
  const [ck2] = hkdf(ck1, given.ephemeral1, 2)
  const [ck3, k3] = hkdf(ck2, given.es, 2)
  const sealedStatic = seal(k3, h1, given.initiator)
  const h2 = hash(h1, sealedStatic)
  const [ck4, k4] = hkdf(ck3, given.ss, 2)
  const sealed1 = seal(k4, h2, given.payload1)
  const h3 = hash(hash(h2, sealed1), given.ephemeral2)
  const [ck5] = hkdf(ck4, given.ephemeral2, 2)
  const [ck6] = hkdf(ck5, given.ee, 2)
  const [ck7, k7] = hkdf(ck6, given.se, 2)
  const sealed2 = seal(k7, h3, given.payload2)
  const [fromInitiator, fromResponder] = hkdf(ck7, new Uint8Array(0), 2)
  return {
    message1: Buffer.concat([given.ephemeral1, sealedStatic, sealed1]),
    message2: Buffer.concat([given.ephemeral2, sealed2]),
    fromInitiator,
    fromResponder,
  }
}

function hash(...parts: Uint8Array[]): Uint8Array {
  return createHash('sha256').update(Buffer.concat(parts)).digest()
}

/** §4.3 is RFC 5869 without info. */
function hkdf(chainingKey: Uint8Array, material: Uint8Array, outputs: number): [Uint8Array, Uint8Array, Uint8Array] {
  const all = Buffer.from(hkdfSync('sha256', material, chainingKey, '', 32 * outputs))
  return [all.subarray(0, 32), all.subarray(32, 64), all.subarray(64, 96)]
}

function seal(key: Uint8Array, associated: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12)).setAAD(associated)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}
