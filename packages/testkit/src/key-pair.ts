import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { SeededRandom } from './seeded-random.js'

const SEED_BYTES = 32
/** RFC 8410 §7: a PKCS #8 wrapping of an Ed25519 seed is this header and the seed. */
const PKCS8_HEADER = Buffer.from('302e020100300506032b657004220420', 'hex')

export interface Ed25519KeyPair {
  /** The 32 bytes both keys follow from (RFC 8032 §5.1.5). */
  seed: Uint8Array
  privateKey: KeyObject
  /** 32 bytes. */
  publicKey: Uint8Array
}

/** A key pair drawn from `random`: the same generator gives the same keys. For tests only, never for real identities. */
export function ed25519KeyPair(random: Pick<SeededRandom, 'bytes'>): Ed25519KeyPair {
  const seed = random.bytes(SEED_BYTES)
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return { seed, privateKey, publicKey: new Uint8Array(spki.subarray(-SEED_BYTES)) }
}
