/**
 * What peers tell each other by datagram, under the root code of gossip. The first byte says which; numbers are only ever added, and a number that is
 * not known is ignored.
 *
 *     RUMOR  0 | hops u8 | age u32 (ms) | rumor
 *     IHAVE  1 | key 8 B …          0 to 137 of them
 *     IWANT  2 | key 8 B …          1 to 137 of them
 *     HIT    3 | query id 16 B | answer        at most 900 bytes
 *     ACK    4 | query id 16 B
 *
 * The hop part is unsigned: each hop adds the time that a rumor spent with it, by a clock that only counts, and half a round trip. Nobody's date matters.
 */
import { bytesOfKey, keyOfBytes, viewOf } from '@pc/wire'
import { GossipError } from './errors.js'
import { ID_BYTES, KEY_BYTES, MAX_RUMOR_BYTES, type Rumor, RumorKind, readRumor } from './rumor.js'

const Type = { RUMOR: 0, IHAVE: 1, IWANT: 2, HIT: 3, ACK: 4 } as const

/** A rumor under way. */
export interface Hop {
  readonly rumor: Rumor
  /** Links that it has crossed when it arrives: 1 straight from its origin. */
  readonly hops: number
  /** Since it was published, ms. */
  readonly ageMs: number
}

export type Packet =
  | ({ readonly type: 'rumor' } & Hop)
  | { readonly type: 'ihave'; readonly keys: readonly string[] }
  | { readonly type: 'iwant'; readonly keys: readonly string[] }
  | { readonly type: 'hit'; readonly query: Uint8Array; readonly answer: Uint8Array }
  | { readonly type: 'ack'; readonly query: Uint8Array }
  | { readonly type: 'unknown' }

/** So that a sealed datagram of 1,200 bytes has room for it, and for what a transport puts around. */
export const MAX_PACKET_BYTES = 1_100
export const MAX_KEYS: number = Math.floor((MAX_PACKET_BYTES - 1) / KEY_BYTES)
export const MAX_ANSWER_BYTES = 900
export const MAX_HOPS = 255
const HOP_BYTES = 5
const MAX_U32 = 2 ** 32 - 1

export function packRumor(hop: Hop): Uint8Array {
  const bytes = new Uint8Array(1 + HOP_BYTES + hop.rumor.bytes.length)
  bytes[0] = Type.RUMOR
  putHop(bytes, 1, hop)
  return bytes
}

export function packKeys(type: 'ihave' | 'iwant', keys: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(1 + KEY_BYTES * keys.length)
  bytes[0] = type === 'ihave' ? Type.IHAVE : Type.IWANT
  for (const [index, key] of keys.entries()) bytes.set(bytesOfKey(key), 1 + KEY_BYTES * index)
  return bytes
}

/** @throws GossipError BAD_RUMOR for an answer over 900 bytes */
export function packHit(query: Uint8Array, answer: Uint8Array): Uint8Array {
  if (answer.length > MAX_ANSWER_BYTES) {
    throw new GossipError('BAD_RUMOR', `an answer may have ${MAX_ANSWER_BYTES} bytes, not ${answer.length}`)
  }
  return Buffer.concat([new Uint8Array([Type.HIT]), query, answer])
}

export function packAck(query: Uint8Array): Uint8Array {
  return Buffer.concat([new Uint8Array([Type.ACK]), query])
}

/** Reads a datagram of another peer. @throws GossipError BAD_PACKET, BAD_RUMOR */
export function readPacket(bytes: Uint8Array): Packet {
  if (bytes.length < 1 || bytes.length > MAX_PACKET_BYTES) bad(`${bytes.length} bytes, not 1 to ${MAX_PACKET_BYTES}`)
  switch (bytes[0]) {
    case Type.RUMOR:
      return { type: 'rumor', ...readHop(bytes.subarray(1)) }
    case Type.IHAVE:
      return { type: 'ihave', keys: bytes.length === 1 ? [] : readKeys(bytes) }
    case Type.IWANT:
      return { type: 'iwant', keys: readKeys(bytes) }
    case Type.HIT:
      return { type: 'hit', query: readQuery(bytes), answer: readAnswer(bytes) }
    case Type.ACK:
      if (bytes.length !== 1 + ID_BYTES) bad('an acknowledgement is one query id')
      return { type: 'ack', query: readQuery(bytes) }
    default:
      return { type: 'unknown' }
  }
}

/** Whether a datagram brings a question: work that spreads. Looks, and checks nothing. */
export function isQueryPacket(bytes: Uint8Array): boolean {
  return bytes[0] === Type.RUMOR && bytes[1 + HOP_BYTES] === RumorKind.QUERY
}

/** The hop part and the rumor, as datagrams and exchanges carry them. */
export function putHop(bytes: Uint8Array, at: number, { rumor, hops, ageMs }: Hop): void {
  bytes[at] = Math.min(hops, MAX_HOPS)
  viewOf(bytes).setUint32(at + 1, Math.min(Math.round(ageMs), MAX_U32))
  bytes.set(rumor.bytes, at + HOP_BYTES)
}

export function hopLength({ rumor }: Hop): number {
  return HOP_BYTES + rumor.bytes.length
}

/** @throws GossipError BAD_PACKET, BAD_RUMOR */
export function readHop(bytes: Uint8Array): Hop {
  if (bytes.length < HOP_BYTES || bytes.length > HOP_BYTES + MAX_RUMOR_BYTES) bad(`a rumor in ${bytes.length} bytes`)
  return {
    hops: bytes[0] as number,
    ageMs: viewOf(bytes).getUint32(1),
    rumor: readRumor(bytes.subarray(HOP_BYTES)),
  }
}

function readKeys(bytes: Uint8Array): string[] {
  const length = bytes.length - 1
  if (length === 0 || length % KEY_BYTES !== 0) bad(`keys in ${length} bytes, not a multiple of ${KEY_BYTES}`)
  const keys = new Set<string>()
  for (let at = 1; at < bytes.length; at += KEY_BYTES) keys.add(keyOfBytes(bytes.subarray(at, at + KEY_BYTES)))
  return [...keys]
}

function readQuery(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 1 + ID_BYTES) bad('a query id that ends early')
  // A copy: of a Buffer, `slice` would be a view.
  return new Uint8Array(bytes.subarray(1, 1 + ID_BYTES))
}

function readAnswer(bytes: Uint8Array): Uint8Array {
  if (bytes.length - 1 - ID_BYTES > MAX_ANSWER_BYTES) bad(`an answer in ${bytes.length} bytes`)
  return new Uint8Array(bytes.subarray(1 + ID_BYTES))
}

function bad(why: string): never {
  throw new GossipError('BAD_PACKET', `bad packet: ${why}`)
}
