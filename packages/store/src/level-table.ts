/**
 * Checks a LevelDB table (doc/table_format.md of LevelDB): data blocks, filter, metaindex and index, each followed by a type byte and a
 * masked CRC32C, and a footer that says where metaindex and index are.
 */
import { crc32c } from './crc32c.js'
import { LevelBytes } from './level-bytes.js'
import { unmask } from './level-log.js'

const FOOTER = 48
const TRAILER = 5
/** The last eight bytes of every table. */
const MAGIC = 0xdb4775248b80fb57n
const UNCOMPRESSED = 0

interface Handle {
  readonly offset: number
  readonly size: number
}

/** What is wrong with the table, in words; `undefined` when every block matches its checksum. */
export function checkLevelTable(table: Uint8Array): string | undefined {
  const view = new DataView(table.buffer, table.byteOffset, table.length)
  if (table.length < FOOTER || view.getBigUint64(table.length - 8, true) !== MAGIC)
    return 'the end of the table is damaged'
  const footer = new LevelBytes(table.subarray(table.length - FOOTER))
  const metaindex = readHandle(footer)
  const index = readHandle(footer)
  if (footer.failed) return 'the footer of the table is damaged'
  // Every byte of the file belongs to the footer or to a block, so their sizes must add up.
  let covered = FOOTER
  for (const directory of [metaindex, index]) {
    const problem = checkBlock(table, view, directory)
    if (problem !== undefined) return problem
    covered += directory.size + TRAILER
    const handles = readDirectory(
      table.subarray(directory.offset, directory.offset + directory.size),
      table[directory.offset + directory.size],
    )
    if (handles === undefined) return `the block at ${directory.offset} has an unknown form`
    for (const handle of handles) {
      const wrong = checkBlock(table, view, handle)
      if (wrong !== undefined) return wrong
      covered += handle.size + TRAILER
    }
  }
  return covered === table.length ? undefined : `${table.length - covered} bytes of the table belong to no block`
}

function checkBlock(table: Uint8Array, view: DataView, { offset, size }: Handle): string | undefined {
  if (offset + size + TRAILER > table.length - FOOTER) return `the block at ${offset} reaches beyond the table`
  const stored = unmask(view.getUint32(offset + size + 1, true))
  if (crc32c(table.subarray(offset, offset + size + 1)) === stored) return undefined
  return `the block of ${size} bytes at ${offset} does not match its checksum`
}

/** The blocks that an index names: entries of shared u, unshared u, value length u (varints) | key rest | value; then the restart points. */
function readDirectory(block: Uint8Array, type: number | undefined): Handle[] | undefined {
  if (type !== UNCOMPRESSED || block.length < 4) return undefined
  const restarts = new DataView(block.buffer, block.byteOffset).getUint32(block.length - 4, true)
  const bytes = new LevelBytes(block.subarray(0, Math.max(0, block.length - 4 - 4 * restarts)))
  const handles: Handle[] = []
  while (!bytes.done) {
    bytes.varint()
    const keyRest = bytes.varint()
    const valueLength = bytes.varint()
    bytes.take(keyRest)
    const handle = new LevelBytes(bytes.take(valueLength))
    handles.push(readHandle(handle))
    if (handle.failed) return undefined
  }
  return bytes.failed ? undefined : handles
}

function readHandle(bytes: LevelBytes): Handle {
  return { offset: bytes.varint(), size: bytes.varint() }
}
