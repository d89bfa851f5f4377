import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { IdentityError } from './errors.js'
import { stretchSecret } from './network-secret.js'
import type { PeerId } from './peer-id.js'
import { isPlainText } from './text.js'

/**
 * The keys that peers of one network share. An open network derives them from its name alone: its MAC keeps the
 * packets of other networks and noise out, and proves nothing about the sender. With a secret, whoever made a MAC, a
 * proof or a sealed record knows the secret.
 */
export interface Network {
  readonly name: string
  /** Whether the keys come from a secret, so that outsiders cannot make them. */
  readonly hasSecret: boolean
  /** Tells at a glance whether a packet belongs to this network: an unsigned 32-bit number. */
  readonly keyId: number
  /** 16 bytes: HMAC-SHA-256, truncated. */
  mac(bytes: Uint8Array): Uint8Array
  /** Whether `mac` belongs to `bytes`, in constant time; false for every wrong length. */
  verify(bytes: Uint8Array, mac: Uint8Array): boolean
  /**
   * 8 bytes that members who know the id recognise, and that change with the sender's own epoch counter (unsigned 32
   * bits, carried beside it).
   */
  blind(id: PeerId, epoch: number): Uint8Array
  /** 32 bytes to mix into a key exchange; zeros without a secret. Shared: do not write into it. Never shown by `console.log`. */
  readonly psk: Uint8Array
  /**
   * AES-256-GCM under a key of the network: the ciphertext and a 16-byte tag. `nonce` is 12 bytes (`BAD_ARGUMENT` otherwise),
   * and another one for each record that any member ever seals.
   */
  sealRecord(record: Uint8Array, nonce: Uint8Array): Uint8Array
  /** What was sealed; undefined, never an error, for anything else. */
  openRecord(sealed: Uint8Array, nonce: Uint8Array): Uint8Array | undefined
  /**
   * 32 bytes that only members can make: HMAC-SHA-256 over utf8(purpose) || 0x00 || bytes. `purpose` keeps a proof from being
   * valid elsewhere: 1 to 64 characters of a–z, 0–9, `.`, `/` and `-`, a letter first (`BAD_ARGUMENT` otherwise).
   */
  prove(purpose: string, bytes: Uint8Array): Uint8Array
  /** Whether `proof` belongs to `bytes` for that purpose, in constant time; false for every wrong length. */
  verifyProof(purpose: string, bytes: Uint8Array, proof: Uint8Array): boolean
}

export interface NetworkOptions {
  /**
   * What only members know: 8 to 1,024 bytes, or a text with that many in UTF-8 (`BAD_NETWORK_SECRET`). It is compared byte by
   * byte, and no longer needed once the network is open.
   * @default none: the network is open to everybody who knows its name
   */
  secret?: string | Uint8Array | undefined
}

const MAC_BYTES = 16
const BLIND_BYTES = 8
const KEY_BYTES = 32
const MAX_NAME_BYTES = 64
const NONCE_BYTES = 12
const TAG_BYTES = 16
const CIPHER = 'aes-256-gcm'
const PURPOSE = /^[a-z][a-z0-9./-]{0,63}$/
const MAX_U32 = 0xffff_ffff
const SALT = 'pc-network-v1'

/**
 * Opens the network of that name: 1 to 64 bytes of UTF-8, no control or direction characters, no space at either end
 * (`BAD_NETWORK_NAME`). Names are compared byte by byte: `Office` and `office` are two networks. So are two networks
 * of one name with different secrets.
 *
 * Every key is HKDF-SHA-256 (RFC 5869) with the salt `pc-network-v1`, of the name's UTF-8, or with a secret of the 64 bytes
 * scrypt(secret, salt = `pc-network-v1` || 0x00 || name, N = 2^15, r = 8, p = 1). The info strings are `mac` (32 bytes), `key-id`
 * (4 bytes, big endian), `blind`, `psk`, `record` and `proof` (32 bytes each).
 *
 * With a secret this call takes about 0.1 s and 32 MiB, during which the program does nothing else: that is what an outsider pays
 * for each guess.
 */
export function openNetwork(name: string, options: NetworkOptions = {}): Network {
  const { secret } = options
  requireName(name)
  const hasSecret = secret !== undefined
  const material = hasSecret ? stretchSecret(secret, SALT, name) : name
  const derive = (info: string, length = KEY_BYTES) => Buffer.from(hkdfSync('sha256', material, SALT, info, length))
  const macKey = derive('mac')
  const blindKey = derive('blind')
  const recordKey = derive('record')
  const proofKey = derive('proof')
  const psk = hasSecret ? Uint8Array.from(derive('psk')) : new Uint8Array(KEY_BYTES)
  const mac = (bytes: Uint8Array) => hmac(macKey, MAC_BYTES, bytes)
  const prove = (purpose: string, bytes: Uint8Array) => hmac(proofKey, KEY_BYTES, prefixOf(purpose), bytes)
  const shown: Omit<Network, 'psk'> = {
    name,
    hasSecret,
    keyId: derive('key-id', 4).readUInt32BE(),
    mac,
    verify: (bytes, candidate) => candidate.length === MAC_BYTES && timingSafeEqual(mac(bytes), candidate),
    blind(id, epoch) {
      if (!Number.isInteger(epoch) || epoch < 0 || epoch > MAX_U32) {
        throw new IdentityError('BAD_ARGUMENT', `an epoch is an integer from 0 to ${MAX_U32}, got ${epoch}`)
      }
      const counter = Buffer.alloc(4)
      counter.writeUInt32BE(epoch)
      return hmac(blindKey, BLIND_BYTES, id.bytes, counter)
    },
    sealRecord: (record, nonce) => seal(recordKey, record, nonce),
    openRecord: (sealed, nonce) => open(recordKey, sealed, nonce),
    prove,
    verifyProof: (purpose, bytes, proof) => {
      const expected = prove(purpose, bytes)
      return proof.length === KEY_BYTES && timingSafeEqual(expected, proof)
    },
  }
  // A key must not end up in a log because somebody printed what holds it.
  return Object.defineProperty(shown, 'psk', { get: () => psk, enumerable: false }) as Network
}

function requireName(name: string): void {
  if (isPlainText(name, MAX_NAME_BYTES)) return
  throw new IdentityError(
    'BAD_NETWORK_NAME',
    `a network name is 1 to ${MAX_NAME_BYTES} bytes of UTF-8 without control characters or spaces at its ends; ` +
      `got ${typeof name === 'string' ? JSON.stringify(name.slice(0, MAX_NAME_BYTES)) : typeof name}`,
  )
}

function prefixOf(purpose: string): Uint8Array {
  if (PURPOSE.test(purpose)) return Buffer.from(`${purpose}\0`)
  throw new IdentityError(
    'BAD_ARGUMENT',
    `a purpose is 1 to 64 characters of a-z, 0-9, '.', '/' and '-', a letter first; got ${JSON.stringify(purpose)}`,
  )
}

function seal(key: Uint8Array, plain: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (nonce.length !== NONCE_BYTES) {
    throw new IdentityError('BAD_ARGUMENT', `a nonce is ${NONCE_BYTES} bytes, got ${nonce.length}`)
  }
  const cipher = createCipheriv(CIPHER, key, nonce)
  return Uint8Array.from(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]))
}

function open(key: Uint8Array, sealed: Uint8Array, nonce: Uint8Array): Uint8Array | undefined {
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) return undefined
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(sealed.subarray(end))
  const plain = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
  } catch {
    return undefined
  }
  return Uint8Array.from(plain)
}

function hmac(key: Uint8Array, length: number, ...parts: Uint8Array[]): Uint8Array {
  const hash = createHmac('sha256', key)
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest().subarray(0, length))
}
