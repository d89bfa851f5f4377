/**
 * Reads LevelDB's log format, which its logs and its manifest share (doc/log_format.md of LevelDB): blocks of 32 KiB with records of
 * checksum u32 (masked) | length u16 | type u8 | data, numbers little-endian; a record that does not fit goes on in the next block.
 */
import { crc32c } from './crc32c.js'

const BLOCK = 32_768
const HEADER = 7
const FULL = 1
const FIRST = 2
const LAST = 4

export interface LevelLog {
  /** The whole records that LevelDB's own reader would accept. */
  readonly records: readonly Uint8Array[]
  /** What that reader drops without a word. A record cut by the end of the file is not among it: that is how a crash leaves it. */
  readonly problems: readonly string[]
}

export function readLevelLog(bytes: Uint8Array): LevelLog {
  const records: Uint8Array[] = []
  const problems: string[] = []
  let parts: Uint8Array[] | undefined
  for (let block = 0; block < bytes.length; block += BLOCK) {
    const end = Math.min(block + BLOCK, bytes.length)
    let at = block
    while (end - at >= HEADER) {
      const fragment = readFragment(bytes, at, end)
      if (typeof fragment === 'string') {
        const last = end === bytes.length && !goesOnAfter(bytes, at)
        if (last && (fragment === 'cut' || bytes.subarray(at).every((byte) => byte === 0))) return { records, problems }
        const what = `${end - at} bytes at ${at} do not match their checksum`
        problems.push(last ? `${what}, the last ones: a write that a power failure cut, or damage` : what)
        parts = undefined
        break
      }
      const { type, data } = fragment
      at += HEADER + data.length
      if (type === FULL || type === FIRST) {
        if (parts !== undefined) problems.push(`a record before ${at} has no end`)
        parts = type === FIRST ? [data] : undefined
        if (type === FULL) records.push(data)
      } else if (parts === undefined) {
        // The rest of a record whose beginning was reported.
        if (problems.length === 0) problems.push(`a record before ${at} has no beginning`)
      } else {
        parts.push(data)
        if (type === LAST) records.push(Buffer.concat(parts))
        if (type === LAST) parts = undefined
      }
    }
  }
  return { records, problems }
}

/** `'cut'`: it reaches beyond the block, which is what a crash leaves at the end of the file. Types are full, first, middle, last. */
function readFragment(bytes: Uint8Array, at: number, end: number): { type: number; data: Uint8Array } | 'cut' | 'bad' {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const data = bytes.subarray(at + HEADER, at + HEADER + view.getUint16(at + 4, true))
  if (at + HEADER + view.getUint16(at + 4, true) > end) return 'cut'
  const type = bytes[at + 6] as number
  if (type < FULL || type > LAST) return 'bad'
  if (unmask(view.getUint32(at, true)) !== crc32c(bytes.subarray(at + 6, at + HEADER + data.length))) return 'bad'
  return { type, data }
}

/**
 * Whether something follows that was written as a record, or the bytes to the end are the whole record: then it is not a crash that cut
 * the one at `at`, but its length that is wrong.
 */
function goesOnAfter(bytes: Uint8Array, at: number): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  if (unmask(view.getUint32(at, true)) === crc32c(bytes.subarray(at + 6))) return true
  for (let next = at + HEADER; bytes.length - next >= HEADER; next++) {
    if (typeof readFragment(bytes, next, bytes.length) !== 'string') return true
  }
  return false
}

/** LevelDB stores checksums rotated and shifted, because a checksum of bytes that hold their own checksum is weak. */
export function unmask(masked: number): number {
  const rotated = (masked - 0xa282ead8) >>> 0
  return ((rotated >>> 17) | (rotated << 15)) >>> 0
}
