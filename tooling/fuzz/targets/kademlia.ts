import { signPeerRecord } from '@pc/identity'
import {
  contactOf,
  type DhtRecord,
  Kademlia,
  KademliaError,
  plainRecord,
  positionOf,
  RecordStore,
  type Rpc,
  readRecord,
  signLeave,
  signRecord,
  verifyLeave,
  verifyRecord,
} from '@pc/kademlia'
import { SeededRandom, VirtualClock } from '@pc/testkit'
import { decodeValue, encodeValue, type Value, WireError } from '@pc/wire'
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

const BERT = identity(2)
const BERT_AT = { host: '10.0.0.2', port: 4_000 }
const RECORD = signPeerRecord(ANNA, { sequence: 1, name: 'anna', addresses: [BERT_AT], capabilities: [] })
const [ID, TOKEN, KEY] = [BERT.id.bytes, new Uint8Array(8), plainRecord(VALUE).key]

/** One peer, who asks only whoever `rpc` reaches. */
function peer(rpc: Rpc): Kademlia {
  const parts = { clock: new VirtualClock(), random: new SeededRandom('fuzz') }
  return Kademlia.create({ identity: ANNA, record: () => RECORD, rpc, ...parts })
}

const REQUESTS: readonly Value[] = [
  [0],
  [1, new Uint8Array(32)],
  [2, KEY, 7],
  [2, KEY, null],
  [3, plainRecord(VALUE).bytes, TOKEN, 60, null],
  [3, signRecord(ANNA, { salt: SALT, sequence: 1, value: VALUE }).bytes, TOKEN, 0, 4],
  [4, 7, null],
  [4, 7, ID],
  [5, 7, RECORD.bytes, TOKEN],
  [6, ANNA.id.bytes, 7, signLeave(ANNA, 7)],
  [7, ID],
]

const requests: Target = {
  name: 'kademlia/Kademlia.handle',
  about: 'what a proved peer asks of a directory',
  covers: ['@pc/kademlia Kademlia'],
  shape: msgpack({}),
  seeds: () => REQUESTS.map((request) => encodeValue(request)),
  allows: (error) => errors(KademliaError, ['BAD_MESSAGE'])(error) || error instanceof WireError,
  open: () => {
    const kademlia = peer(() => Promise.reject(new Error('nobody answers')))
    const ask = (request: Value): Value => kademlia.handle(request, { id: BERT.id, address: BERT_AT })
    return {
      handle: (input) => ask(decodeValue(input)),
      verify: (_, result) => {
        const { contacts, records, listed } = kademlia.status()
        if (contacts > 1) return 'somebody else than the asker got into the table'
        if (records + listed > 0) return 'something was stored without a token'
        return encodeValue(result as Value).length > 1_161 ? 'the answer does not fit a datagram' : undefined
      },
      alive: () => (Array.isArray(ask([1, new Uint8Array(32)])) ? undefined : 'a valid request is not answered'),
      close: () => kademlia.close(),
    }
  },
}

const HINT = Buffer.concat([ID, Buffer.from([15, 160, 10, 0, 0, 3])])
const ANSWERS: readonly Value[] = [
  [],
  [[HINT]],
  [null, TOKEN, [HINT]],
  [plainRecord(VALUE).bytes, TOKEN, []],
  [signRecord(ANNA, { salt: SALT, sequence: 3, value: VALUE }).bytes, TOKEN, [HINT]],
  [0, null],
  [RECORD.bytes, [HINT]],
]

const answers: Target = {
  name: 'kademlia/answers',
  about: 'what a peer answers to whoever looks for peers, for a record and for a peer',
  covers: [],
  shape: msgpack({}),
  seeds: () => ANSWERS.map((answer) => encodeValue(answer)),
  allows: errors(KademliaError, ['NOT_FOUND']),
  conversation: true,
  open: () => {
    let answer: Value = []
    const kademlia = peer((to) =>
      to.key === bert.key ? Promise.resolve(answer) : Promise.reject(new Error('no answer')),
    )
    const bert = contactOf(ID, BERT_AT)
    kademlia.prove(bert)
    const found: DhtRecord[] = []
    return {
      prepare: () => {
        kademlia.remove(ANNA.id.bytes)
        found.length = 0
      },
      async handle(input) {
        try {
          answer = decodeValue(input)
        } catch {
          return
        }
        await kademlia.lookup(positionOf(ID))
        await kademlia.findPeer(ANNA.id).catch(() => {})
        for await (const record of kademlia.find(KEY)) found.push(record)
      },
      verify: () => {
        if (found.some((record) => !verifyRecord(record))) return 'a record that nobody signed is found'
        return kademlia.status().contacts > 1 ? 'somebody who was only named got into the table' : undefined
      },
      alive: () => (kademlia.status().lookups === 0 ? undefined : 'a lookup does not end'),
      close: () => kademlia.close(),
    }
  },
}

export const kademliaTargets: readonly Target[] = [recordBytes, leave, requests, answers]
