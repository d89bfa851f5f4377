/** Writes LevelDB's files byte by byte, as its documentation says: what its own writer never writes can be tried too. */
import { crc32c } from '../../src/crc32c.js'

export const FULL = 1
export const FIRST = 2
export const MIDDLE = 3
export const LAST = 4

function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}

/** One fragment of a log; `length` is what its header says, when that shall be wrong. */
export function fragment(type: number, text: string, length: number = text.length): Buffer {
  const body = Buffer.from(`?${text}`, 'latin1')
  body[0] = type
  const head = Buffer.alloc(6)
  head.writeUInt32LE(masked(body))
  head.writeUInt16LE(length, 4)
  return Buffer.concat([head, body])
}

interface Block {
  readonly offset: number
  readonly size: number
}

/** A table from its blocks; every part can be made wrong by what is given. */
export class TableWriter {
  #bytes = Buffer.alloc(0)

  block(content: Uint8Array, type = 0): Block {
    const body = Buffer.concat([content, Buffer.of(type)])
    const trailer = Buffer.alloc(4)
    trailer.writeUInt32LE(masked(body))
    const offset = this.#bytes.length
    this.#bytes = Buffer.concat([this.#bytes, body, trailer])
    return { offset, size: content.length }
  }

  raw(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
  }

  finish(metaindex: Block, index: Block): Buffer {
    const footer = Buffer.alloc(48)
    Buffer.concat([handle(metaindex), handle(index)]).copy(footer)
    footer.writeBigUInt64LE(0xdb4775248b80fb57n, 40)
    return Buffer.concat([this.#bytes, footer])
  }
}

/** The content of an index: each block under a key, and where restarts are. */
export function directory(blocks: readonly Block[], restarts = 1): Buffer {
  const entries = blocks.map((block, index) => {
    const value = handle(block)
    return Buffer.concat([Buffer.of(0, 3, value.length), Buffer.from(`k${index}.`), value])
  })
  const end = Buffer.alloc(4 * restarts + 4)
  end.writeUInt32LE(restarts, 4 * restarts)
  return Buffer.concat([...entries, end])
}

function handle({ offset, size }: Block): Buffer {
  return Buffer.from([...varint(offset), ...varint(size)])
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}
