/**
 * What is stored under a key, after BEP 44: a plain record, which its key alone proves, or a signed one, which its author can replace.
 *
 *     plain  = msgpack [value: bin]
 *     signed = msgpack [author: bin 32, salt: bin, sequence: int, value: bin, signature: bin 64]
 *     key    = SHA-256("pc-dht-value" || 0x00 || value)             of a plain one
 *            = SHA-256("pc-dht-author" || 0x00 || author || salt)   of a signed one
 *
 * The signature is over msgpack [salt, sequence, value] in the domain `pc-dht-record`. Everything is in its shortest encoding and nothing
 * is left over: of one record there is one form. Where we differ from BEP 44: the key does not travel, it follows from the record; and
 * salt and value share their room, because a datagram holds no author of 32 bytes beside both at their greatest.
 */
import { hash } from 'node:crypto'
import { type Identity, PEER_ID_BYTES, PeerId, verifySignature } from '@pc/identity'
import { decodeValue, encodeValue, type Value } from '@pc/wire'
import { KademliaError, type KademliaErrorCode } from './errors.js'
import type { Position } from './position.js'

interface RecordFields {
  readonly key: Position
  readonly value: Uint8Array
  /** The encoded form. Shared, as all bytes of a record: do not write into them. */
  readonly bytes: Uint8Array
}

export interface PlainRecord extends RecordFields {
  readonly type: 'plain'
}

export interface SignedRecord extends RecordFields {
  readonly type: 'signed'
  /** 32 bytes, to be proved a key by `verifyRecord`. */
  readonly author: Uint8Array
  /** Tells the records of one author apart, 0 to 32 bytes; what comes before its first `:` names who checks it (`namespaceOf`). */
  readonly salt: Uint8Array
  /** From 0 to 2^53 - 1. */
  readonly sequence: number
  /** 64 bytes. */
  readonly signature: Uint8Array
}

export type DhtRecord = PlainRecord | SignedRecord

export const MAX_VALUE_BYTES = 1_000
export const MAX_SALT_BYTES = 32
/** Salt and value of a signed record together: beside 1,000 bytes of value there is room for a salt of 15. */
export const MAX_SALT_AND_VALUE_BYTES = 1_015
/** The greatest encoded record: fits a sealed datagram of 1,200 bytes with a token, a sequence to compare with and the head of a message. */
export const MAX_RECORD = 1_130
const SIGNATURE_BYTES = 64
const DOMAIN = 'pc-dht-record'
const [VALUE_PREFIX, AUTHOR_PREFIX] = [Buffer.from('pc-dht-value\0'), Buffer.from('pc-dht-author\0')]
const COLON = 0x3a
const LIMITS = { maxDepth: 1, maxElements: 5 }

/** The record of a value that never changes. @throws KademliaError BAD_RECORD for more than 1,000 bytes */
export function plainRecord(value: Uint8Array): PlainRecord {
  checkLengths(NO_BYTES, value, 'BAD_RECORD')
  const own = new Uint8Array(value)
  return { type: 'plain', key: plainKey(own), value: own, bytes: encodeValue([own], LIMITS) }
}

/**
 * Signs a value as the author's latest of that salt.
 * @throws KademliaError BAD_RECORD for a value over 1,000 bytes, a salt over 32, both over 1,015, or a sequence that is no safe integer from 0
 */
export function signRecord(
  identity: Identity,
  fields: Pick<SignedRecord, 'salt' | 'sequence' | 'value'>,
): SignedRecord {
  const [author, salt, value] = [identity.id.bytes, new Uint8Array(fields.salt), new Uint8Array(fields.value)]
  const { sequence } = fields
  checkLengths(salt, value, 'BAD_RECORD')
  if (!isSequence(sequence)) refuse('BAD_RECORD', `its sequence is ${sequence}, not an integer from 0 to 2^53 - 1`)
  const signature = identity.sign(DOMAIN, signedBytes({ salt, sequence, value }))
  const bytes = encodeValue([author, salt, sequence, value, signature], LIMITS)
  return { type: 'signed', key: signedKey(author, salt), author, salt, sequence, value, signature, bytes }
}

/**
 * Reads a record that somebody sent: its shape, not its signature, which costs twenty times as much (`verifyRecord`). The result owns its
 * bytes. @throws KademliaError BAD_MESSAGE
 */
export function readRecord(bytes: Uint8Array): DhtRecord {
  if (bytes.length > MAX_RECORD) refuse('BAD_MESSAGE', `${bytes.length} bytes, the limit is ${MAX_RECORD}`)
  const own = new Uint8Array(bytes)
  const fields = decode(own)
  const record = readSigned(fields, own) ?? readPlain(fields, own)
  if (record === undefined)
    return refuse('BAD_MESSAGE', 'it is neither [value] nor [author, salt, sequence, value, signature]')
  // The decoder takes longer forms of lengths and numbers too; a second form would be another record with the same signature.
  if (!isShortest(record)) refuse('BAD_MESSAGE', 'it is not in the shortest encoding')
  return record
}

/**
 * Whether a record is its author's; of a plain one its key says so. False, never an error, for an author that is no key.
 * @param author the author's id if it is at hand: making one of the record's bytes costs as much as the signature
 */
export function verifyRecord(record: DhtRecord, author?: PeerId): boolean {
  if (record.type === 'plain') return true
  const id = author === undefined ? peerIdOf(record.author) : author
  if (id === undefined || Buffer.compare(id.bytes, record.author) !== 0) return false
  return verifySignature(id, DOMAIN, signedBytes(record), record.signature)
}

/**
 * Which of two records of one key counts (`Select` of libp2p): above zero when it is `a`, below zero when `b`, zero when both say the
 * same. The greater sequence wins; of two with one sequence, which an author should never sign, the value whose bytes are the greater, a
 * longer one beating its beginning: then all holders agree, in whatever order the two came.
 */
export function compareRecords(a: DhtRecord, b: DhtRecord): number {
  if (a.type === 'plain' || b.type === 'plain') return 0
  return a.sequence - b.sequence || Buffer.compare(a.value, b.value)
}

/** Where the record of that author and salt is stored. */
export function signedKey(author: Uint8Array, salt: Uint8Array): Position {
  return hash('sha256', Buffer.concat([AUTHOR_PREFIX, author, salt]), 'buffer')
}

/** Where the record of a value that never changes is stored. */
export function plainKey(value: Uint8Array): Position {
  return hash('sha256', Buffer.concat([VALUE_PREFIX, value]), 'buffer')
}

/** The salt up to its first `:`, or all of it, each byte as one character: what validators are chosen by. */
export function namespaceOf(salt: Uint8Array): string {
  const end = salt.indexOf(COLON)
  return Buffer.from(end < 0 ? salt : salt.subarray(0, end)).toString('latin1')
}

function readPlain(fields: Value, bytes: Uint8Array): PlainRecord | undefined {
  const [value] = Array.isArray(fields) && fields.length === 1 ? fields : []
  if (!(value instanceof Uint8Array)) return undefined
  checkLengths(NO_BYTES, value, 'BAD_MESSAGE')
  return { type: 'plain', key: plainKey(value), value, bytes }
}

function readSigned(fields: Value, bytes: Uint8Array): SignedRecord | undefined {
  if (!Array.isArray(fields) || fields.length !== 5) return undefined
  const [author, salt, sequence, value, signature] = fields
  if (!isBytes(author, PEER_ID_BYTES) || !isBytes(signature, SIGNATURE_BYTES) || !isBytes(salt) || !isBytes(value)) {
    return undefined
  }
  if (!isSequence(sequence)) return undefined
  checkLengths(salt, value, 'BAD_MESSAGE')
  return { type: 'signed', key: signedKey(author, salt), author, salt, sequence, value, signature, bytes }
}

/** By lengths: what is not in its shortest form makes the whole longer, but for numbers, which have several forms of one length. */
function isShortest(record: DhtRecord): boolean {
  const { bytes, value } = record
  if (record.type === 'plain') return bytes.length === 1 + binLength(value)
  const { author, salt, sequence, signature } = record
  const before = 1 + binLength(author) + binLength(salt)
  const tag = bytes[before] ?? 0
  const isUnsigned = tag < 0x80 || (tag >= 0xcc && tag <= 0xcf)
  return isUnsigned && bytes.length === before + numberLength(sequence) + binLength(value) + binLength(signature)
}

/** Of a byte string in msgpack, up to 65,535 bytes. */
function binLength({ length }: Uint8Array): number {
  return length + (length < 0x100 ? 2 : 3)
}

/** Of a number from 0 in msgpack. */
function numberLength(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x100) return 2
  if (value < 0x1_0000) return 3
  return value < 2 ** 32 ? 5 : 9
}

function signedBytes({ salt, sequence, value }: Pick<SignedRecord, 'salt' | 'sequence' | 'value'>): Uint8Array {
  return encodeValue([salt, sequence, value], LIMITS)
}

function isBytes(value: Value | undefined, length?: number): value is Uint8Array {
  return value instanceof Uint8Array && (length === undefined || value.length === length)
}

/** -0 is no integer on the wire. */
function isSequence(value: Value | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)
}

function checkLengths(salt: Uint8Array, value: Uint8Array, code: KademliaErrorCode): void {
  if (salt.length > MAX_SALT_BYTES) refuse(code, `its salt has ${salt.length} bytes, the limit is ${MAX_SALT_BYTES}`)
  if (value.length > MAX_VALUE_BYTES)
    refuse(code, `its value has ${value.length} bytes, the limit is ${MAX_VALUE_BYTES}`)
  const both = salt.length + value.length
  if (both > MAX_SALT_AND_VALUE_BYTES) {
    refuse(code, `its salt and value have ${both} bytes, the limit for both is ${MAX_SALT_AND_VALUE_BYTES}`)
  }
}

function decode(bytes: Uint8Array): Value {
  try {
    return decodeValue(bytes, LIMITS)
  } catch (cause) {
    return refuse('BAD_MESSAGE', 'it is not valid msgpack', cause)
  }
}

function peerIdOf(bytes: Uint8Array): PeerId | undefined {
  try {
    return PeerId.fromBytes(bytes)
  } catch {
    return undefined
  }
}

function refuse(code: KademliaErrorCode, why: string, cause?: unknown): never {
  throw new KademliaError(code, `bad record: ${why}`, cause === undefined ? {} : { cause })
}

const NO_BYTES = new Uint8Array(0)
