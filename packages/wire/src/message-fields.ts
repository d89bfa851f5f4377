import type { WireErrorCode } from './errors.js'
import { HEADER_RULE, isHeader } from './header.js'
import { PROTOCOL_VERSION } from './limits.js'
import type { Value } from './value.js'

/** An integer from 0 to 2^53 - 1 on connections; 1 to 32 random bytes on datagrams. */
export type MessageId = number | Uint8Array

/** What travels in a frame or a datagram. */
export interface Message<Body = Value> {
  /** What the message is about and who handles it: 1 to 64 bytes of UTF-8 without control characters. */
  header: string
  id: MessageId
  /** PROTOCOL_VERSION. */
  version: number
  body: Body
  /** The 32 bytes of the sender's id, or null where the connection has proved it already. */
  peerId: Uint8Array | null
}

const MAX_ID_BYTES = 32
export const PEER_ID_BYTES = 32

type Fault = readonly [code: WireErrorCode, message: string]

/** The first fault of an envelope's fields, the body left out. */
export function findFault(header: unknown, id: unknown, version: unknown, peerId: unknown): Fault | undefined {
  if (version !== PROTOCOL_VERSION) return versionFault(version)
  if (!isHeader(header)) return ['BAD_HEADER', `a header must be ${HEADER_RULE}`]
  if (!isMessageId(id)) return ['BAD_ID', `an id must be an integer from 0 to 2^53 - 1, or 1 to ${MAX_ID_BYTES} bytes`]
  if (!isPeerId(peerId)) return ['BAD_PEER_ID', `a peer id must be ${PEER_ID_BYTES} bytes or nil`]
  return undefined
}

export function versionFault(version: unknown): Fault {
  const came = typeof version === 'number' ? `${version}` : 'no number'
  return ['VERSION_UNSUPPORTED', `protocol version ${PROTOCOL_VERSION} was expected, and ${came} came`]
}

export function isMessageId(id: unknown): boolean {
  if (id instanceof Uint8Array) return id.length >= 1 && id.length <= MAX_ID_BYTES
  return Number.isSafeInteger(id) && (id as number) >= 0
}

export function isPeerId(peerId: unknown): boolean {
  return peerId === null || (peerId instanceof Uint8Array && peerId.length === PEER_ID_BYTES)
}

/** -0 passes for an integer, but would be written as a float and is another key in some languages. */
export function withoutSign<T>(id: T): T | 0 {
  return id === 0 ? 0 : id
}
