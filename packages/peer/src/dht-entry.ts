/** Values of the directory and their keys, as programs see them. */
import { PeerId } from '@pc/identity'
import type { DhtRecord, Position } from '@pc/kademlia'
import { DATAGRAM_LIMITS, decodeValue, type Value } from '@pc/wire'
import { PeerError } from './errors.js'

export interface DhtEntry {
  /** 64 hexadecimal digits. */
  readonly key: string
  readonly value: Value
  /** Whose value it is; absent from one that never changes and belongs to nobody. */
  readonly author?: PeerId
  /** Of the author's name for it. */
  readonly name?: string
  /** Rises with each value under that name. */
  readonly sequence?: number
}

/** @throws WireError for a value that somebody published in another encoding */
export function entryOf(record: DhtRecord): DhtEntry {
  const entry = { key: keyText(record.key), value: decodeValue(record.value, DATAGRAM_LIMITS) }
  if (record.type === 'plain') return entry
  const { author, salt, sequence } = record
  return { ...entry, author: PeerId.fromBytes(author), name: Buffer.from(salt).toString(), sequence }
}

export function keyText(key: Position): string {
  return Buffer.from(key).toString('hex')
}

/** @throws PeerError BAD_OPTIONS */
export function readKey(text: string): Position {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex')
  throw new PeerError(
    'BAD_OPTIONS',
    `A key of the directory has 64 hexadecimal digits, got ${JSON.stringify(text.slice(0, 70))}.`,
  )
}
