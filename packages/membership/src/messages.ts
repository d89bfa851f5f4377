/**
 * What peers tell each other under the root code of membership, each in one datagram of at most 1,100 bytes. Numbers are only ever added, and one
 * that is not known is ignored.
 *
 *     PING        0 | incarnation u48 | sequence u32 | statements
 *     ACK         1 | incarnation u48 | sequence u32 | statements
 *     PING_REQ    2 | incarnation u48 | sequence u32 | target 32 B | statements
 *     NACK        3 | incarnation u48 | sequence u32 | statements
 *     STATEMENTS  4 | incarnation u48 | statements
 *     statements  = up to 6 of: length u8 | statement
 *
 * The incarnation is the sender's own: its word, which the transport proves.
 */
import { PEER_ID_BYTES } from '@pc/identity'
import { keyOfBytes, putU48, u48, viewOf } from '@pc/wire'
import { MembershipError } from './errors.js'
import { readStatement, type Statement } from './statements.js'

const TYPES = ['ping', 'ack', 'ping-req', 'nack', 'statements'] as const

export type Message =
  | { readonly type: 'ping' | 'ack' | 'nack'; readonly sequence: number }
  /** `target` is the key of an id. */
  | { readonly type: 'ping-req'; readonly sequence: number; readonly target: string }
  | { readonly type: 'statements' }

export interface Packet {
  /** Of its sender. */
  readonly incarnation: number
  /** Undefined for one that a later version added. */
  readonly message: Message | undefined
  readonly statements: readonly Statement[]
}

export const MAX_PACKET_BYTES = 1_100
export const MAX_STATEMENTS = 6
const HEADER_BYTES = 7

export function packMessage(
  message: Message,
  incarnation: number,
  statements: readonly Pick<Statement, 'bytes'>[],
): Uint8Array {
  const head = HEADER_BYTES + ('sequence' in message ? 4 : 0) + ('target' in message ? PEER_ID_BYTES : 0)
  const carried = statements.slice(0, MAX_STATEMENTS)
  const packet = new Uint8Array(carried.reduce((length, { bytes }) => length + 1 + bytes.length, head))
  packet[0] = TYPES.indexOf(message.type)
  putU48(viewOf(packet), 1, incarnation)
  if ('sequence' in message) viewOf(packet).setUint32(HEADER_BYTES, message.sequence)
  if ('target' in message) packet.set(Buffer.from(message.target, 'latin1'), HEADER_BYTES + 4)
  let at = head
  for (const { bytes } of carried) {
    packet[at] = bytes.length
    packet.set(bytes, at + 1)
    at += 1 + bytes.length
  }
  return packet
}

/** Reads a packet of another peer. @throws MembershipError BAD_PACKET */
export function readPacket(bytes: Uint8Array): Packet {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_PACKET_BYTES) bad(`of ${bytes.length} bytes`)
  const type = TYPES[bytes[0] as number]
  const incarnation = u48(viewOf(bytes), 1)
  if (type === undefined) return { incarnation, message: undefined, statements: [] }
  if (type === 'statements') {
    return { incarnation, message: { type }, statements: readStatements(bytes.subarray(HEADER_BYTES)) }
  }
  const head = HEADER_BYTES + 4 + (type === 'ping-req' ? PEER_ID_BYTES : 0)
  if (bytes.length < head) bad(`a ${type} that ends early`)
  const sequence = viewOf(bytes).getUint32(HEADER_BYTES)
  const statements = readStatements(bytes.subarray(head))
  if (type !== 'ping-req') return { incarnation, message: { type, sequence }, statements }
  return { incarnation, message: { type, sequence, target: keyOfBytes(bytes.subarray(head - 32, head)) }, statements }
}

function readStatements(bytes: Uint8Array): Statement[] {
  const statements: Statement[] = []
  let count = 0
  for (let at = 0; at < bytes.length; count++) {
    const length = bytes[at] as number
    const end = at + 1 + length
    if (length === 0 || end > bytes.length) bad('a statement that ends early')
    if (count === MAX_STATEMENTS) bad(`more than ${MAX_STATEMENTS} statements`)
    const statement = readStatement(bytes.subarray(at + 1, end))
    if (statement !== undefined) statements.push(statement)
    at = end
  }
  return statements
}

function bad(what: string): never {
  throw new MembershipError('BAD_PACKET', `bad packet: ${what}`)
}
