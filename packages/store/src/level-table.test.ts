import { expect, test } from 'vitest'
import { directory, TableWriter } from '../test/_util/level-files.js'
import { checkLevelTable } from './level-table.js'

const DATA = [Buffer.from('first block'), Buffer.alloc(300, 7)]

/** A table with two data blocks, and what `change` does to its parts. */
function table({
  indexType = 0,
  indexed = 2,
  restarts = 1,
  gap = 0,
  shift = 0,
}: {
  indexType?: number
  indexed?: number
  restarts?: number
  gap?: number
  shift?: number
} = {}): Buffer {
  const writer = new TableWriter()
  const blocks = DATA.map((content) => writer.block(content, 1))
  writer.raw(Buffer.alloc(gap))
  const metaindex = writer.block(directory([]))
  const index = writer.block(directory(blocks.slice(0, indexed), restarts), indexType)
  return writer.finish(metaindex, { ...index, offset: index.offset + shift })
}

test('a healthy table has nothing wrong, compressed blocks and any number of restarts included', () => {
  expect(checkLevelTable(table())).toBeUndefined()
  expect(checkLevelTable(table({ restarts: 3 }))).toBeUndefined()
  const empty = new TableWriter()
  expect(checkLevelTable(empty.finish(empty.block(directory([])), empty.block(directory([]))))).toBeUndefined()
})

test.each<[string, Uint8Array, string]>([
  ['bytes that no block has', table({ gap: 3 }), '3 bytes of the table belong to no block'],
  ['a block that the index does not name', table({ indexed: 1 }), `${300 + 5} bytes of the table belong to no block`],
  ['a compressed index', table({ indexType: 1 }), 'has an unknown form'],
  ['an index beyond the end', table({ shift: 200 }), 'reaches beyond the table'],
  ['an index by one byte too far', table({ shift: 1 }), 'reaches beyond the table'],
  ['an index that begins before it does', table({ shift: -1 }), 'does not match its checksum'],
  ['another end', Buffer.concat([table().subarray(0, -1), Buffer.of(0)]), 'the end of the table is damaged'],
  ['fewer bytes than a footer', table().subarray(-47), 'the end of the table is damaged'],
  ['a footer alone', table().subarray(-48), 'reaches beyond the table'],
])('a table with %s is damaged', (_what, bytes, problem) => {
  expect(checkLevelTable(bytes)).toContain(problem)
})

test('an index whose inside is no list of blocks is damaged', () => {
  for (const content of [
    Buffer.alloc(0),
    Buffer.alloc(3),
    // An entry whose key, value or numbers go on beyond the end.
    Buffer.concat([Buffer.of(0, 9, 1, 0x61), Buffer.from('0000000001000000', 'hex')]),
    Buffer.concat([Buffer.of(0, 1, 9, 0x61), Buffer.from('0000000001000000', 'hex')]),
    Buffer.concat([Buffer.of(0, 1, 1, 0x61, 0x05), Buffer.from('0000000001000000', 'hex')]),
    Buffer.concat([Buffer.of(0x80), Buffer.from('0000000001000000', 'hex')]),
  ]) {
    const writer = new TableWriter()
    const metaindex = writer.block(directory([]))
    expect(checkLevelTable(writer.finish(metaindex, writer.block(content))), content.toString('hex')).toContain(
      'has an unknown form',
    )
  }
})

test('every flipped bit of a block is found, wherever the table lies in memory', () => {
  const healthy = Buffer.concat([Buffer.alloc(3), table()]).subarray(3)
  expect(checkLevelTable(healthy)).toBeUndefined()
  for (let at = 0; at < healthy.length - 48; at++) {
    const copy = Buffer.from(healthy)
    copy[at] = (copy[at] ?? 0) ^ 4
    expect(checkLevelTable(copy), `byte ${at}`).toBeDefined()
  }
})
