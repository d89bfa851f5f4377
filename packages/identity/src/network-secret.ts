import { scryptSync } from 'node:crypto'
import { IdentityError } from './errors.js'

const MIN_BYTES = 8
const MAX_BYTES = 1_024
const KEY_MATERIAL_BYTES = 64
// RFC 7914: 32 MiB and about 0.1 s for each guess at a secret that people can say to each other.
const COST = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1_024 * 1_024 }

const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * What the keys of a network with a secret are made of: scrypt of the secret, salted with utf8(label) || 0x00 || utf8(name).
 * No error of it tells anything about the secret but its length.
 */
export function stretchSecret(secret: string | Uint8Array, label: string, name: string): Uint8Array {
  const salt = Buffer.from(`${label}\0${name}`)
  return scryptSync(bytesOf(secret), salt, KEY_MATERIAL_BYTES, COST)
}

function bytesOf(secret: string | Uint8Array): Uint8Array {
  if (typeof secret !== 'string' && !(secret instanceof Uint8Array)) throw refused(`got ${typeof secret}`)
  // Two texts that are no Unicode would be the same secret once they are UTF-8.
  if (typeof secret === 'string' && LONE_SURROGATE.test(secret)) throw refused('got half of a surrogate pair')
  const length = typeof secret === 'string' ? Buffer.byteLength(secret) : secret.length
  if (length < MIN_BYTES || length > MAX_BYTES) throw refused(`got ${length} bytes`)
  return Buffer.from(secret)
}

function refused(got: string): IdentityError {
  return new IdentityError(
    'BAD_NETWORK_SECRET',
    `a network secret is ${MIN_BYTES} to ${MAX_BYTES} bytes, or a text with that many in UTF-8; ${got}`,
  )
}
