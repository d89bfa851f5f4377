import { pack, unpack } from './codec.js'
import { checkValueLimits, MAX_FRAME, STREAM_LIMITS, type ValueLimits } from './limits.js'
import { ValueCopy } from './value-copy.js'

/**
 * What can be sent: JSON and byte strings. A number that is whole is an integer and must lie within ±(2^53 - 1);
 * any other number, -0, NaN and the infinities included, travels as a float64. Decoded maps are plain objects.
 */
export type Value = null | boolean | number | string | Uint8Array | Value[] | { [key: string]: Value }

/**
 * One value to msgpack, in its shortest form, into bytes that belong to the caller. Members that are `undefined` are
 * left out; whatever else `decodeValue` would refuse or bring back changed is refused.
 * @throws WireError UNENCODABLE, FORBIDDEN_KEY, TOO_DEEP, TOO_MANY_ELEMENTS, TOO_LARGE (over MAX_FRAME bytes), BAD_LIMIT
 */
export function encodeValue(value: Value, limits: ValueLimits = STREAM_LIMITS): Uint8Array {
  checkValueLimits(limits)
  return pack(new ValueCopy(limits, MAX_FRAME).copy(value), { maxLength: MAX_FRAME })
}

/**
 * Exactly one msgpack value, which must fill `bytes`. Byte strings in it are views of `bytes` (of a copy, if there is a
 * text of more than 64 bytes that begins with U+FEFF): copy what outlives them.
 * The structure is checked whole before the first object is made, so a refusal costs no memory.
 * @throws InvalidPacketError, with the code that names the first thing refused; WireError BAD_LIMIT
 */
export function decodeValue(bytes: Uint8Array, limits: ValueLimits = STREAM_LIMITS): Value {
  checkValueLimits(limits)
  return unpack(bytes, limits) as Value
}
