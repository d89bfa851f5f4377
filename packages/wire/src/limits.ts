import { WireError } from './errors.js'

/** The protocol version this package speaks, in envelopes and in the datagram header. */
export const PROTOCOL_VERSION = 1

/** Bytes of one envelope on a control connection: short enough that a ping never waits long behind it. */
export const MAX_CONTROL_FRAME = 65_536
/** Bytes of one envelope on a bulk connection. */
export const MAX_BULK_FRAME = 1_048_576
/** Bytes of one envelope anywhere, whatever limit is asked for. */
export const MAX_FRAME = 16_777_216
/** Bytes of one datagram: fits the smallest IPv6 MTU (1,280) with its headers, so it is never fragmented. */
export const MAX_DATAGRAM = 1_200

/** How much structure one value may have. Both bound the work and memory a stranger's bytes can cause. */
export interface ValueLimits {
  /** Nested arrays and maps: a number has depth 0, `[]` 1, `[[]]` 2. From 0 to 64. */
  readonly maxDepth: number
  /** Array items and map members, all levels together; keys are not counted. */
  readonly maxElements: number
}

/** For whatever comes by a connection. */
export const STREAM_LIMITS: ValueLimits = Object.freeze({ maxDepth: 16, maxElements: 4_096 })
/** For whatever comes by datagram. */
export const DATAGRAM_LIMITS: ValueLimits = Object.freeze({ maxDepth: 8, maxElements: 4_096 })

// Encoder, scan and reader recurse once per level: 64 levels fit any stack.
const MAX_DEPTH = 64

/** @throws WireError BAD_LIMIT */
export function checkValueLimits(limits: ValueLimits): void {
  const { maxDepth, maxElements } = limits
  if (!(Number.isSafeInteger(maxDepth) && maxDepth >= 0 && maxDepth <= MAX_DEPTH)) {
    throw new WireError('BAD_LIMIT', `maxDepth must be an integer from 0 to ${MAX_DEPTH}, not ${maxDepth}`)
  }
  if (!(Number.isSafeInteger(maxElements) && maxElements >= 0)) {
    throw new WireError('BAD_LIMIT', `maxElements must be an integer from 0 up, not ${maxElements}`)
  }
}

/** @throws WireError BAD_LIMIT */
export function checkFrameLimit(maxLength: number): void {
  if (!(Number.isSafeInteger(maxLength) && maxLength >= 1 && maxLength <= MAX_FRAME)) {
    throw new WireError('BAD_LIMIT', `maxLength must be an integer from 1 to ${MAX_FRAME}, not ${maxLength}`)
  }
}
