/**
 * CRC32C (Castagnoli): RFC 3720 section 12.1 and appendix B.4. Finds every burst of up to 32 wrong bits, and every three
 * flipped bits in a value of this package's size.
 *
 * "Slicing by 8" (Kounavis and Berry, 2005): eight bytes per step with eight tables, about 1 GB/s in V8, where one table gives 0.4.
 */

/** The polynomial 0x1EDC6F41, bits reversed. */
const POLYNOMIAL = 0x82f63b78

const [T0, T1, T2, T3, T4, T5, T6, T7] = makeTables()

/** The checksum of `bytes`, an unsigned 32-bit number. Pass the checksum of what goes before to continue it. */
export function crc32c(bytes: Uint8Array, previous = 0): number {
  const length = bytes.length
  const wholeSteps = length - 7
  let crc = ~previous
  let at = 0
  // Every index below is within its table of 256 or within `bytes`: the casts only say so to the compiler.
  for (; at < wholeSteps; at += 8) {
    crc ^=
      byteAt(bytes, at) | (byteAt(bytes, at + 1) << 8) | (byteAt(bytes, at + 2) << 16) | (byteAt(bytes, at + 3) << 24)
    crc =
      (T7[crc & 255] as number) ^
      (T6[(crc >>> 8) & 255] as number) ^
      (T5[(crc >>> 16) & 255] as number) ^
      (T4[crc >>> 24] as number) ^
      (T3[byteAt(bytes, at + 4)] as number) ^
      (T2[byteAt(bytes, at + 5)] as number) ^
      (T1[byteAt(bytes, at + 6)] as number) ^
      (T0[byteAt(bytes, at + 7)] as number)
  }
  for (; at < length; at++) crc = (T0[(crc ^ byteAt(bytes, at)) & 255] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}

function byteAt(bytes: Uint8Array, index: number): number {
  return bytes[index] as number
}

type Tables = [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array]

/** Table n holds the checksum of each byte followed by n zero bytes. */
function makeTables(): Tables {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256)) as Tables
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[0][byte] = crc
  }
  for (let step = 1; step < 8; step++) {
    for (let byte = 0; byte < 256; byte++) {
      const shorter = (tables[step - 1] as Int32Array)[byte] as number
      const table = tables[step] as Int32Array
      table[byte] = (shorter >>> 8) ^ (tables[0][shorter & 255] as number)
    }
  }
  return tables
}
