/**
 * How a value is stored: version u8 = 1 | CRC32C u32, big-endian | the value.
 *
 * The checksum covers: version u8 | key length u32, big-endian | key | value. With the key in it, bytes that turn up under another key
 * are found as well. Later versions keep the first five bytes and what they cover, so that an unknown version can be told from a
 * damaged one. vectors/values.txt has examples.
 */
import { crc32c } from './crc32c.js'
import { describeKey, StoreError } from './errors.js'

const VERSION = 1
/** Bytes that are stored beside each value. */
export const VALUE_OVERHEAD = 5

/** The bytes to store under `key`; a copy. */
export function sealValue(key: Uint8Array, value: Uint8Array): Uint8Array {
  const stored = new Uint8Array(VALUE_OVERHEAD + value.length)
  stored[0] = VERSION
  stored.set(value, VALUE_OVERHEAD)
  new DataView(stored.buffer).setUint32(1, checksum(VERSION, key, value))
  return stored
}

/**
 * The value in bytes that were stored under `key`: a view of their memory.
 * @throws StoreError STORE_CORRUPT, STORE_VERSION
 */
export function openValue(key: Uint8Array, stored: Uint8Array): Uint8Array {
  const version = stored[0]
  if (version === undefined || stored.length < VALUE_OVERHEAD) {
    const problem = `has ${stored.length} bytes where at least ${VALUE_OVERHEAD} were expected`
    throw new StoreError('STORE_CORRUPT', corrupt(key, problem), { key })
  }
  // A plain Uint8Array even where the backend gives Buffers: their slice() would share memory.
  const value = new Uint8Array(stored.buffer, stored.byteOffset + VALUE_OVERHEAD, stored.length - VALUE_OVERHEAD)
  const expected = new DataView(stored.buffer, stored.byteOffset).getUint32(1)
  if (checksum(version, key, value) !== expected) {
    throw new StoreError('STORE_CORRUPT', corrupt(key, 'does not match its checksum'), { key })
  }
  if (version !== VERSION) {
    throw new StoreError(
      'STORE_VERSION',
      `the value of key ${describeKey(key)} has format ${version}, expected ${VERSION}: a later version of this program wrote it`,
      { key },
    )
  }
  return value
}

function corrupt(key: Uint8Array, problem: string): string {
  return `the stored value of key ${describeKey(key)} ${problem}: the disk or file is damaged, restore or delete the entry`
}

function checksum(version: number, key: Uint8Array, value: Uint8Array): number {
  const head = Uint8Array.of(version, key.length >>> 24, key.length >>> 16, key.length >>> 8, key.length)
  return crc32c(value, crc32c(key, crc32c(head)))
}
