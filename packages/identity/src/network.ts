import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { IdentityError } from './errors.js'
import type { PeerId } from './peer-id.js'
import { isPlainText } from './text.js'

/**
 * The keys that peers of one network share. An open network derives them from its name alone: its MAC keeps the
 * packets of other networks and noise out, and proves nothing about the sender.
 */
export interface Network {
  readonly name: string
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
}

const MAC_BYTES = 16
const BLIND_BYTES = 8
const KEY_BYTES = 32
const MAX_NAME_BYTES = 64
const MAX_U32 = 0xffff_ffff
const SALT = 'pc-network-v1'

/**
 * Opens the network of that name: 1 to 64 bytes of UTF-8, no control or direction characters, no space at either end
 * (`BAD_NETWORK_NAME`). Names are compared byte by byte: `Office` and `office` are two networks.
 *
 * Every key is HKDF-SHA-256 (RFC 5869) of the name's UTF-8 with the salt `pc-network-v1`; the info strings are `mac`
 * (32 bytes), `key-id` (4 bytes, big endian) and `blind` (32 bytes).
 */
export function openNetwork(name: string): Network {
  if (!isPlainText(name, MAX_NAME_BYTES)) {
    throw new IdentityError(
      'BAD_NETWORK_NAME',
      `a network name is 1 to ${MAX_NAME_BYTES} bytes of UTF-8 without control characters or spaces at its ends; ` +
        `got ${typeof name === 'string' ? JSON.stringify(name.slice(0, MAX_NAME_BYTES)) : typeof name}`,
    )
  }
  const derive = (info: string, length: number) => Buffer.from(hkdfSync('sha256', name, SALT, info, length))
  const macKey = derive('mac', KEY_BYTES)
  const blindKey = derive('blind', KEY_BYTES)
  const mac = (bytes: Uint8Array) => hmac(macKey, MAC_BYTES, bytes)
  return {
    name,
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
  }
}

function hmac(key: Uint8Array, length: number, ...parts: Uint8Array[]): Uint8Array {
  const hash = createHmac('sha256', key)
  for (const part of parts) hash.update(part)
  return Uint8Array.from(hash.digest().subarray(0, length))
}
