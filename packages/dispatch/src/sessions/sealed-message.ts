/**
 * What a session seals, and what rides in the first message of a handshake.
 *
 *     sealed  kind u8 | id 8 B, of requests, replies and errors only | body: one value
 *     early   root code u8 | length u16 | a sealed message of that length | zeros
 *
 * Kinds are append-only.
 */
import { RootCode, type Value } from '@pc/wire'

export const MessageKind = { DATAGRAM: 0, REQUEST: 1, REPLY: 2, ERROR: 3, CONFIRM: 4 } as const

export const REQUEST_ID_BYTES = 8
/** Where the body of a request or reply begins. */
export const REQUEST_BODY_OFFSET: number = 1 + REQUEST_ID_BYTES
/** Where that of a datagram begins. */
export const DATAGRAM_BODY_OFFSET = 1
const EARLY_HEADER_BYTES = 3

/** Whether messages of that root code go sealed: all but announcements. 0x80 and above belong to applications. */
export function isSealedRootCode(rootCode: number): boolean {
  if (!Number.isInteger(rootCode) || rootCode === RootCode.DISCOVERY) return false
  return (rootCode >= 0 && rootCode <= RootCode.MEMBERSHIP) || (rootCode >= 0x80 && rootCode <= 0xff)
}

/** A message that is not sealed yet. */
export interface PlainMessage {
  readonly rootCode: number
  /** kind, id, body */
  readonly bytes: Uint8Array
}

export function packDatagram(body: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(DATAGRAM_BODY_OFFSET + body.length)
  bytes[0] = MessageKind.DATAGRAM
  bytes.set(body, DATAGRAM_BODY_OFFSET)
  return bytes
}

/** @param id 8 bytes */
export function packWithId(kind: 1 | 2 | 3, id: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(REQUEST_BODY_OFFSET + body.length)
  bytes[0] = kind
  bytes.set(id, 1)
  bytes.set(body, REQUEST_BODY_OFFSET)
  return bytes
}

/** The id of a request or reply as a key for maps: its first six bytes. The other two are compared where it matters. */
export function idKeyOf(message: Uint8Array): number {
  const [, a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = message
  return (a * 2 ** 16 + b * 2 ** 8 + c) * 2 ** 24 + (d * 2 ** 16 + e * 2 ** 8 + f)
}

/** The rest of the id. */
export function idTailOf(message: Uint8Array): number {
  return ((message[7] ?? 0) << 8) | (message[8] ?? 0)
}

/** Nothing for no message; else filled up with zeros to `length`, so that the answer to it may be as long. */
export function packEarly(message: PlainMessage | undefined, length: number): Uint8Array {
  if (message === undefined) return NOTHING
  // From Node's pool, which is several times faster than memory of its own.
  const bytes = Buffer.allocUnsafe(length)
  bytes[0] = message.rootCode
  bytes.writeUInt16BE(message.bytes.length, 1)
  bytes.set(message.bytes, EARLY_HEADER_BYTES)
  bytes.fill(0, EARLY_HEADER_BYTES + message.bytes.length)
  return bytes
}

/** Whether it fits into early data of `length`. */
export function fitsEarly(message: PlainMessage, length: number): boolean {
  return EARLY_HEADER_BYTES + message.bytes.length <= length
}

/** `undefined` for no message, and for everything that is not one. */
export function readEarly(bytes: Uint8Array): PlainMessage | undefined {
  if (bytes.length <= EARLY_HEADER_BYTES) return undefined
  const [rootCode = 0, high = 0, low = 0] = bytes
  const end = EARLY_HEADER_BYTES + ((high << 8) | low)
  if (end > bytes.length || end === EARLY_HEADER_BYTES) return undefined
  return { rootCode, bytes: bytes.subarray(EARLY_HEADER_BYTES, end) }
}

/** The body of an ERROR: a number of `ErrorNumber` and a text for people. */
export function errorBody(code: number, text: string): Value {
  // Half a character, whether it was there or is left by the cut, has no form on the wire.
  return [code, text.slice(0, MAX_ERROR_TEXT).replace(/\p{Surrogate}/gu, '\ufffd')]
}

/** What an ERROR says; anything that is not one is error 0. */
export function readErrorBody(body: Value): { code: number; text: string } {
  const [code, text] = Array.isArray(body) ? body : []
  if (typeof code !== 'number' || typeof text !== 'string') return { code: 0, text: 'an error that cannot be read' }
  return { code, text: text.slice(0, MAX_ERROR_TEXT) }
}

const NOTHING = new Uint8Array(0)
const MAX_ERROR_TEXT = 200
