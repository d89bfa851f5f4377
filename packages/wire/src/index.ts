export { recycle } from './buffer-pool.js'
export { bytesOfKey, keyOfBytes, MAX_U48, putU48, u48, viewOf } from './bytes.js'
export type { Datagram, MacDatagram, MacDatagramFields, PlainDatagram, SessionDatagram } from './datagram.js'
export { Protection, packMacDatagram, RootCode, readDatagram } from './datagram.js'
export type { WireErrorCode, WireErrorOptions } from './errors.js'
export { InvalidPacketError, WireError } from './errors.js'
export type { FrameOptions } from './frame.js'
export { encodeFrame, FrameDecoder } from './frame.js'
export { FrameWriter } from './frame-writer.js'
export type { ValueLimits } from './limits.js'
export {
  DATAGRAM_LIMITS,
  MAX_BULK_FRAME,
  MAX_CONTROL_FRAME,
  MAX_DATAGRAM,
  MAX_FRAME,
  PROTOCOL_VERSION,
  STREAM_LIMITS,
} from './limits.js'
export { decodeMessage, encodeMessage } from './message.js'
export type { Message, MessageId } from './message-fields.js'
export { MessageReader } from './message-reader.js'
export type { Value } from './value.js'
export { decodeValue, encodeValue } from './value.js'
