import {
  type DhtRecord,
  KademliaError,
  plainRecord,
  RecordStore,
  readRecord,
  signLeave,
  signRecord,
  verifyLeave,
  verifyRecord,
} from '@pc/kademlia'
import { SeededRandom } from '@pc/testkit'
import { encodeValue } from '@pc/wire'
import { msgpack, opaque } from '../mutate/shape.js'
import { encodeTree, type Tree } from '../mutate/tree.js'
import { errors, nothing, type Target } from '../target.js'
import { identity } from './seeds.js'

const ANNA = identity(1)
const [SALT, VALUE] = [Buffer.from('name:printer'), Buffer.from('upstairs')]

const RECORDS: readonly DhtRecord[] = [
  plainRecord(VALUE),
  plainRecord(new Uint8Array(1_000)),
  signRecord(ANNA, { salt: SALT, sequence: 1, value: VALUE }),
  signRecord(ANNA, { salt: new Uint8Array(15), sequence: 2 ** 41, value: new Uint8Array(1_000) }),
]

const recordBytes: Target = {
  name: 'kademlia/readRecord',
  about: 'a record to be stored, also with other contents under a right signature',
  covers: ['@pc/kademlia readRecord', '@pc/kademlia verifyRecord'],
  shape: msgpack({ seal: signAgain }),
  seeds: () => RECORDS.map(({ bytes }) => bytes),
  allows: errors(KademliaError, ['BAD_MESSAGE']),
  open: () => {
    const random = new SeededRandom('fuzz')
    const store = new RecordStore({ position: new Uint8Array(32), random, verify: (record) => verifyRecord(record) })
    return {
      handle: (input) => readRecord(input),
      verify(input, result) {
        const record = result as DhtRecord
        if (Buffer.compare(record.bytes, input) !== 0) return 'the bytes kept are not those that came'
        if (Buffer.compare(encodeValue(fieldsOf(record)), input) !== 0) return 'another form of a record is read'
        if (record.value.length > 1_000 || input.length > 1_130) return 'it is longer than allowed'
        const outcome = store.store(record, { from: 'fuzz', now: 0 })
        return outcome === 'stored' && !verifyRecord(record) ? 'what nobody signed is stored' : undefined
      },
      alive: () =>
        RECORDS.every(({ bytes }) => verifyRecord(readRecord(bytes))) ? undefined : 'a valid record is not read',
    }
  },
}

function fieldsOf(record: DhtRecord): Parameters<typeof encodeValue>[0] {
  if (record.type === 'plain') return [record.value]
  return [record.author, record.salt, record.sequence, record.value, record.signature]
}

/** A right signature by Anna over salt, sequence and value as they are now. */
function signAgain(tree: Tree): Tree {
  if (tree.kind !== 'array' || tree.items.length !== 5) return tree
  const [, salt, sequence, value] = tree.items
  if (salt === undefined || sequence === undefined || value === undefined) return tree
  const signed = encodeTree({ kind: 'array', items: [salt, sequence, value] })
  const author: Tree = { kind: 'binary', bytes: ANNA.id.bytes }
  const signature: Tree = { kind: 'binary', bytes: ANNA.sign('pc-dht-record', signed) }
  return { kind: 'array', items: [author, salt, sequence, value, signature] }
}

const leave: Target = {
  name: 'kademlia/verifyLeave',
  about: 'a signature by which a peer is to leave its list, of any length and content',
  covers: ['@pc/kademlia verifyLeave'],
  shape: opaque,
  seeds: () => [signLeave(ANNA, 7), signLeave(ANNA, 8)],
  allows: nothing,
  open: () => {
    const right = signLeave(ANNA, 7)
    return {
      handle: (input) => verifyLeave(ANNA.id, 7, input),
      verify: (input, result) =>
        result === (Buffer.compare(input, right) === 0)
          ? undefined
          : 'another signature passes, or the right one does not',
      alive: () => (verifyLeave(ANNA.id, 7, right) ? undefined : 'the right one does not pass'),
    }
  },
}

export const kademliaTargets: readonly Target[] = [recordBytes, leave]
