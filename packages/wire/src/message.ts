import { unpack } from './codec.js'
import { EnvelopeEncoder } from './envelope-encoder.js'
import { EnvelopeReader } from './envelope-reader.js'
import { InvalidPacketError, WireError } from './errors.js'
import { checkValueLimits, MAX_FRAME, PROTOCOL_VERSION, STREAM_LIMITS, type ValueLimits } from './limits.js'
import { findFault, type Message, versionFault, withoutSign } from './message-fields.js'

// The envelope array itself is one level and five elements on top of the body's.
const ENVELOPE_LENGTH = 5
// Arrays of up to this many bytes lie in V8's own heap, and a copy of one costs less than any buffer.
const short = Buffer.allocUnsafeSlow(64)

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
export function encodeEnvelope(message: Message, { limits, reserve, maxLength }: EnvelopeOptions): Uint8Array {
  const { header, id, version, body, peerId } = message
  if (version !== PROTOCOL_VERSION) throw new WireError(...versionFault(version))
  const envelope = new EnvelopeEncoder(limits, maxLength)
  const length = reserve + envelope.measure(header, id, body, peerId)
  const bytes = length <= short.length ? short : Buffer.allocUnsafeSlow(length)
  envelope.put(bytes, reserve)
  return bytes === short ? new Uint8Array(short.subarray(0, length)) : new Uint8Array(bytes.buffer)
}

/**
 * An envelope to its message; the limits are those of the body. Byte strings in it are views, as those of
 * `decodeValue`. The version is looked at before the rest of the shape, so a later protocol is named as such.
 * @throws InvalidPacketError, whatever `decodeValue` throws and BAD_ENVELOPE, VERSION_UNSUPPORTED, BAD_HEADER, BAD_ID,
 * BAD_PEER_ID; WireError BAD_LIMIT
 */
export function decodeMessage(bytes: Uint8Array, limits: ValueLimits = STREAM_LIMITS): Message {
  checkValueLimits(limits)
  return new EnvelopeReader().read(bytes, 0, bytes.length) ?? decodeAny(bytes, limits)
}

/** What `decodeMessage` gives, without its short cut. */
export function decodeAny(bytes: Uint8Array, limits: ValueLimits): Message {
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
