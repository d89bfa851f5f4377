/** Lists of peers without signatures: a record is an id, a sequence and as many zeros as wanted. */
import { createIdentity, type PeerId } from '@pc/identity'
import { keyOf } from '../../src/contact.js'
import { listOf } from '../../src/list-keys.js'
import { type ListedRecord, PeerLists, type PeerListsOptions } from '../../src/peer-list.js'
import { positionOf } from '../../src/position.js'

const ids: PeerId[] = []
const known = new Map<string, PeerId>()

/** The first peers that belong on that list, in an order that is always the same, and is not that of their ids. */
export function idsOfList(list: number, count: number): PeerId[] {
  const found: PeerId[] = []
  for (let index = 0; found.length < count; index++) {
    const id = ids[index] ?? newId(index)
    if (listOf(positionOf(id.bytes)) === list) found.push(id)
  }
  return found
}

export function fakeRecord(id: PeerId, sequence = 1, length = 34): Uint8Array {
  const bytes = Buffer.alloc(length)
  bytes.set(id.bytes)
  bytes.writeUInt16BE(sequence, 32)
  return bytes
}

export function readFakeRecord(bytes: Uint8Array): ListedRecord | undefined {
  const id = known.get(keyOf(bytes.subarray(0, 32)))
  if (id === undefined) return undefined
  return { id, sequence: Buffer.from(bytes).readUInt16BE(32), bytes: Buffer.from(bytes) }
}

export function listsOfFakes(options: Partial<PeerListsOptions> & { onRead?: () => void } = {}): PeerLists {
  const { onRead, ...others } = options
  return new PeerLists({
    readRecord: (bytes) => {
      onRead?.()
      return readFakeRecord(bytes)
    },
    verifyLeave: () => true,
    ...others,
  })
}

function newId(index: number): PeerId {
  const seed = Buffer.alloc(32)
  seed.writeUInt32BE(index)
  const { id } = createIdentity(seed)
  ids.push(id)
  known.set(keyOf(id.bytes), id)
  return id
}
