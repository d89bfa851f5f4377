import { WireError, type WireErrorCode } from './errors.js'
import { formatPath } from './plain.js'

/** Where in a value: indexes and keys, from the outermost on. */
export type Path = readonly (string | number)[]

/** The value itself. */
export const WHOLE: Path = []

const LONE_SURROGATE = /\p{Surrogate}/u

/** @throws WireError UNENCODABLE */
export function checkNumber(value: number, path: Path): void {
  if (Number.isSafeInteger(value) || !Number.isInteger(value)) return
  throw unencodable('an integer beyond ±(2^53 - 1); send it as a string or as bytes,', path)
}

/**
 * @param length as `utf8Length` gives it
 * @throws WireError UNENCODABLE
 */
export function checkText(text: string, length: number, path: Path): void {
  if (length === text.length || !LONE_SURROGATE.test(text)) return
  throw unencodable('a string with half a surrogate pair; cut strings between characters,', path)
}

export function unencodable(what: string, path: Path): WireError {
  const allowed = 'null, booleans, numbers, strings, Uint8Array, arrays and plain objects can'
  return errorAt('UNENCODABLE', `${what} cannot be sent: ${allowed}`, path)
}

export function tooLarge(maxLength: number, path: Path): WireError {
  return errorAt('TOO_LARGE', `the encoded bytes may be ${maxLength} long; send large data in parts`, path)
}

export function errorAt(code: WireErrorCode, text: string, path: Path): WireError {
  const place = formatPath(path)
  return new WireError(code, `${text} (at ${place})`, { path: place })
}
