import { pack, unpack } from './codec.js'
import { InvalidPacketError, WireError, type WireErrorCode } from './errors.js'
import { checkValueLimits, MAX_FRAME, PROTOCOL_VERSION, STREAM_LIMITS, type ValueLimits } from './limits.js'
import type { Value } from './value.js'
import { ValueCheck } from './value-check.js'

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

const MAX_HEADER_BYTES = 64
const MAX_ID_BYTES = 32
const PEER_ID_BYTES = 32
// The envelope array itself is one level and five elements on top of the body's.
const ENVELOPE_LENGTH = 5
const CONTROL_CHARACTER = /\p{Cc}/u
/** What nearly all headers are: then nothing has to be encoded to be counted. */
const ASCII_HEADER = new RegExp(`^[ -~]{1,${MAX_HEADER_BYTES}}$`)

/**
 * A message to its envelope: msgpack [header, id, version, body, peerId]; the limits are those of the body.
 * @throws WireError BAD_HEADER, BAD_ID, VERSION_UNSUPPORTED, BAD_PEER_ID, and whatever `encodeValue` throws for the body
 */
export function encodeMessage(message: Message, limits: ValueLimits = STREAM_LIMITS): Uint8Array {
  checkValueLimits(limits)
  return encodeEnvelope(message, { limits, reserve: 0, maxLength: MAX_FRAME })
}

interface EnvelopeOptions {
  limits: ValueLimits
  /** Bytes before the envelope, which the caller fills. */
  reserve: number
  maxLength: number
}

/** `encodeMessage` for callers that put something before it. */
export function encodeEnvelope(message: Message, options: EnvelopeOptions): Uint8Array {
  const { header, id, version, body, peerId } = message
  const fault = findFault(header, id, version, peerId)
  if (fault) throw new WireError(...fault)
  const { limits, reserve, maxLength } = options
  // In errors each field is a value of its own; of the limits only the body can use anything up.
  const check = new ValueCheck(limits, maxLength)
  const fields = [
    check.copy(header),
    check.copy(withoutSign(id)),
    check.copy(version),
    check.copy(body),
    check.copy(peerId),
  ]
  return pack(fields, { maxLength, reserve })
}

/**
 * An envelope to its message; the limits are those of the body. Byte strings in it are views, as those of
 * `decodeValue`. The version is looked at before the rest of the shape, so a later protocol is named as such.
 * @throws InvalidPacketError, whatever `decodeValue` throws and BAD_ENVELOPE, VERSION_UNSUPPORTED, BAD_HEADER, BAD_ID,
 * BAD_PEER_ID; WireError BAD_LIMIT
 */
export function decodeMessage(bytes: Uint8Array, limits: ValueLimits = STREAM_LIMITS): Message {
  checkValueLimits(limits)
  const envelope = unpack(bytes, { maxDepth: limits.maxDepth + 1, maxElements: limits.maxElements + ENVELOPE_LENGTH })
  if (!Array.isArray(envelope)) throw new InvalidPacketError('BAD_ENVELOPE', 'an envelope must be an array')
  const [header, id, version, body, peerId] = envelope
  if (Number.isInteger(version) && version !== PROTOCOL_VERSION) throw new InvalidPacketError(...versionFault(version))
  if (envelope.length !== ENVELOPE_LENGTH || body === undefined) {
    throw new InvalidPacketError('BAD_ENVELOPE', `an envelope has ${ENVELOPE_LENGTH} fields, not ${envelope.length}`)
  }
  const fault = findFault(header, id, version, peerId)
  if (fault) throw new InvalidPacketError(...fault)
  return { header, id: withoutSign(id), version, body, peerId } as Message
}

type Fault = readonly [code: WireErrorCode, message: string]

function findFault(header: unknown, id: unknown, version: unknown, peerId: unknown): Fault | undefined {
  if (version !== PROTOCOL_VERSION) return versionFault(version)
  if (!isHeader(header)) {
    return ['BAD_HEADER', `a header must be text of 1 to ${MAX_HEADER_BYTES} bytes without control characters`]
  }
  if (!isMessageId(id)) return ['BAD_ID', `an id must be an integer from 0 to 2^53 - 1, or 1 to ${MAX_ID_BYTES} bytes`]
  if (peerId !== null && !(peerId instanceof Uint8Array && peerId.length === PEER_ID_BYTES)) {
    return ['BAD_PEER_ID', `a peer id must be ${PEER_ID_BYTES} bytes or nil`]
  }
  return undefined
}

function versionFault(version: unknown): Fault {
  const came = typeof version === 'number' ? `${version}` : 'no number'
  return ['VERSION_UNSUPPORTED', `protocol version ${PROTOCOL_VERSION} was expected, and ${came} came`]
}

// -0 passes for an integer, but would be written as a float and is another key in some languages.
function withoutSign<T>(id: T): T | 0 {
  return id === 0 ? 0 : id
}

function isHeader(header: unknown): boolean {
  if (typeof header !== 'string') return false
  if (ASCII_HEADER.test(header)) return true
  if (header.length === 0 || CONTROL_CHARACTER.test(header)) return false
  return header.length <= MAX_HEADER_BYTES && Buffer.byteLength(header) <= MAX_HEADER_BYTES
}

function isMessageId(id: unknown): boolean {
  if (id instanceof Uint8Array) return id.length >= 1 && id.length <= MAX_ID_BYTES
  return Number.isSafeInteger(id) && (id as number) >= 0
}
