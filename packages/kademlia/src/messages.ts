/**
 * What peers ask each other, as arrays of msgpack under the root code of Kademlia; the transport matches answers with questions, and proves who
 * asks and who answers. Numbers are only ever added, never given another meaning. Of a request, elements that this version does not know are
 * ignored; whatever else is wrong with it is BAD_MESSAGE.
 *
 *     PING         [0]                                    → []
 *     FIND_NODE    [1, target: bin 32]                    → [contacts: [bin…]]
 *     GET          [2, key: bin 32, known: int | nil]     → [record: bin | nil, token: bin 8, contacts: [bin…]]
 *     STORE        [3, record: bin, token: bin 8, age: int (s), expected: int | nil]
 *                                                         → [status: int, newer: bin | nil]
 *     GET_LIST     [4, list: int, cursor: bin 32 | nil]   → [entries: [[record: bin, age: int (s)]…], cursor: bin 32 | nil]
 *     ADD_TO_LIST  [5, list: int, record: bin, token: bin 8] → [status: int]
 *     LEAVE_LIST   [6, id: bin 32, sequence: int, signature: bin 64] → [status: int]
 *     FIND_PEER    [7, id: bin 32]                        → [record: bin | nil, contacts: [bin…]]
 *
 * `known` is a sequence that the asker has: a record that is no newer does not come back. `expected` makes of a store a compare-and-set.
 */
import type { Value } from '@pc/wire'
import {
  type Contact,
  HINT_BYTES_IPV6,
  MAX_HINTS,
  MAX_HINTS_WITH_IPV6,
  packContact,
  type ReadContacts,
  readContact,
} from './contact.js'
import { KademliaError } from './errors.js'
import { LIST_COUNT } from './list-keys.js'
import { POSITION_BYTES, type Position } from './position.js'
import { TOKEN_BYTES } from './tokens.js'

const Type = {
  PING: 0,
  FIND_NODE: 1,
  GET: 2,
  STORE: 3,
  GET_LIST: 4,
  ADD_TO_LIST: 5,
  LEAVE_LIST: 6,
  FIND_PEER: 7,
} as const

export type Request =
  | { readonly type: 'ping' }
  | { readonly type: 'find-node'; readonly target: Position }
  | { readonly type: 'get'; readonly key: Position; readonly known: number | undefined }
  | {
      readonly type: 'store'
      readonly record: Uint8Array
      readonly token: Uint8Array
      readonly ageMs: number
      readonly expected: number | undefined
    }
  | { readonly type: 'get-list'; readonly list: number; readonly cursor: Uint8Array | undefined }
  | { readonly type: 'add-to-list'; readonly list: number; readonly record: Uint8Array; readonly token: Uint8Array }
  | {
      readonly type: 'leave-list'
      readonly id: Uint8Array
      readonly sequence: number
      readonly signature: Uint8Array
    }
  | { readonly type: 'find-peer'; readonly id: Uint8Array }

/** Whether it was taken, and if not, why. Numbers are only ever added. */
export const Status = {
  /** It is there now. */
  OK: 0,
  /** A newer one is there, and comes with the answer. */
  OLDER: 1,
  /** Another one is there than was expected, and comes with the answer. */
  CONFLICT: 2,
  /** There is no room for it here: the quota of its author or of its giver, or everything held is nearer. */
  NO_ROOM: 3,
  /** It breaks a rule: its form, length, age, signature or validator. */
  INVALID: 4,
  /** The token is not one that was issued to this asker, at this address, for this key, lately. */
  BAD_TOKEN: 5,
} as const
export type Status = (typeof Status)[keyof typeof Status]

export function encodeRequest(request: Request): Value {
  switch (request.type) {
    case 'ping':
      return [Type.PING]
    case 'find-node':
      return [Type.FIND_NODE, request.target]
    case 'get':
      return [Type.GET, request.key, request.known ?? null]
    case 'store':
      return [Type.STORE, request.record, request.token, seconds(request.ageMs), request.expected ?? null]
    case 'get-list':
      return [Type.GET_LIST, request.list, request.cursor ?? null]
    case 'add-to-list':
      return [Type.ADD_TO_LIST, request.list, request.record, request.token]
    case 'leave-list':
      return [Type.LEAVE_LIST, request.id, request.sequence, request.signature]
    case 'find-peer':
      return [Type.FIND_PEER, request.id]
    default:
      return request satisfies never
  }
}

/** Reads what somebody asks. Byte strings are views of it. @throws KademliaError BAD_MESSAGE */
export function readRequest(value: Value): Request {
  const [type = null, a = null, b = null, c = null, d = null] = listOf(value, 'a request')
  switch (type) {
    case Type.PING:
      return { type: 'ping' }
    case Type.FIND_NODE:
      return { type: 'find-node', target: bytesOf(a, POSITION_BYTES, 'target') }
    case Type.GET:
      return {
        type: 'get',
        key: bytesOf(a, POSITION_BYTES, 'key'),
        known: b === null ? undefined : integerOf(b, 'known'),
      }
    case Type.STORE:
      return {
        type: 'store',
        record: bytesOf(a, undefined, 'record'),
        token: bytesOf(b, TOKEN_BYTES, 'token'),
        ageMs: integerOf(c, 'age') * 1_000,
        expected: d === null ? undefined : integerOf(d, 'expected'),
      }
    case Type.GET_LIST:
      return { type: 'get-list', list: listNumberOf(a), cursor: b === null ? undefined : bytesOf(b, 32, 'cursor') }
    case Type.ADD_TO_LIST: {
      const [record, token] = [bytesOf(b, undefined, 'record'), bytesOf(c, TOKEN_BYTES, 'token')]
      return { type: 'add-to-list', list: listNumberOf(a), record, token }
    }
    case Type.LEAVE_LIST: {
      const [id, signature] = [bytesOf(a, 32, 'id'), bytesOf(c, 64, 'signature')]
      return { type: 'leave-list', id, sequence: integerOf(b, 'sequence'), signature }
    }
    case Type.FIND_PEER:
      return { type: 'find-peer', id: bytesOf(a, 32, 'id') }
    default:
      throw bad('a known type of request', type)
  }
}

/** Whether a request would have something kept: such a one is worth more than a question, which can be asked of another peer. */
export function wantsToStore(request: Value): boolean {
  const type = Array.isArray(request) ? request[0] : undefined
  return type === Type.STORE || type === Type.ADD_TO_LIST
}

/** As many contacts as fit one datagram, the nearest first: 20, or 16 if one of those has an IPv6 address. */
export function encodeContacts(contacts: readonly Contact[], most: number = MAX_HINTS): Value {
  const packed = contacts.flatMap((contact) => packContact(contact) ?? []).slice(0, most)
  const wide = packed.some(({ length }) => length === HINT_BYTES_IPV6)
  return wide ? packed.slice(0, MAX_HINTS_WITH_IPV6) : packed
}

/** Reads contacts that somebody named. One that is none spoils all: a peer that sends it has not understood the rest either. @throws KademliaError BAD_MESSAGE */
export function readContacts(value: Value, known?: ReadContacts): Contact[] {
  const list = listOf(value, 'contacts')
  if (list.length > MAX_HINTS) throw bad(`at most ${MAX_HINTS} contacts`, list.length)
  return list.map((each) => readContact(bytesOf(each, undefined, 'contact'), known))
}

export interface GetReply {
  readonly record: Uint8Array | undefined
  readonly token: Uint8Array
  readonly contacts: readonly Contact[]
}

/** @throws KademliaError BAD_MESSAGE, as all that read replies */
export function readGetReply(value: Value, known?: ReadContacts): GetReply {
  const [record = null, token = null, contacts = null] = listOf(value, 'an answer')
  return {
    record: record === null ? undefined : bytesOf(record, undefined, 'record'),
    token: bytesOf(token, TOKEN_BYTES, 'token'),
    contacts: readContacts(contacts, known),
  }
}

export function readFindNodeReply(value: Value, known?: ReadContacts): Contact[] {
  const [contacts = null] = listOf(value, 'an answer')
  return readContacts(contacts, known)
}

export function readFindPeerReply(
  value: Value,
  known?: ReadContacts,
): { record: Uint8Array | undefined; contacts: readonly Contact[] } {
  const [record = null, contacts = null] = listOf(value, 'an answer')
  return {
    record: record === null ? undefined : bytesOf(record, undefined, 'record'),
    contacts: readContacts(contacts, known),
  }
}

export function readStoreReply(value: Value): { status: number; newer: Uint8Array | undefined } {
  const [status = null, newer = null] = listOf(value, 'an answer')
  return { status: integerOf(status, 'status'), newer: newer === null ? undefined : bytesOf(newer, undefined, 'newer') }
}

/** Of `add-to-list` and `leave-list`. */
export function readStatus(value: Value): number {
  const [status = null] = listOf(value, 'an answer')
  return integerOf(status, 'status')
}

export interface ListReply {
  readonly entries: readonly { readonly record: Uint8Array; readonly ageMs: number }[]
  readonly cursor: Uint8Array | undefined
}

/** More than go into a datagram, for those who read by other ways. */
const MAX_READ_ENTRIES = 20

export function readListReply(value: Value): ListReply {
  const [entries = null, cursor = null] = listOf(value, 'an answer')
  const list = listOf(entries, 'entries')
  if (list.length > MAX_READ_ENTRIES) throw bad(`at most ${MAX_READ_ENTRIES} entries`, list.length)
  return {
    entries: list.map((entry) => {
      const [record = null, age = null] = listOf(entry, 'an entry')
      return { record: bytesOf(record, undefined, 'record'), ageMs: integerOf(age, 'age') * 1_000 }
    }),
    cursor: cursor === null ? undefined : bytesOf(cursor, 32, 'cursor'),
  }
}

/** Whole seconds, rounded up: nothing gets younger on its way. */
export function seconds(ms: number): number {
  return Math.max(0, Math.ceil(ms / 1_000))
}

function listOf(value: Value, what: string): readonly Value[] {
  if (Array.isArray(value)) return value
  throw bad(`a list as ${what}`, value)
}

function bytesOf(value: Value, length: number | undefined, what: string): Uint8Array {
  if (value instanceof Uint8Array && (length === undefined || value.length === length)) return value
  throw bad(`${length === undefined ? '' : `${length} `}bytes as ${what}`, value)
}

function integerOf(value: Value, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
  throw bad(`an integer from 0 as ${what}`, value)
}

function listNumberOf(value: Value): number {
  const list = integerOf(value, 'list')
  if (list < LIST_COUNT) return list
  throw bad(`a list from 0 to ${LIST_COUNT - 1}`, value)
}

function bad(expected: string, got: Value): KademliaError {
  const what = got instanceof Uint8Array ? `${got.length} bytes` : typeof got === 'number' ? String(got) : typeof got
  return new KademliaError('BAD_MESSAGE', `expected ${expected}, got ${what}`)
}
