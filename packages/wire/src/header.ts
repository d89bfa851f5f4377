import { putText, textLength, utf8Length } from './put.js'
import { checkText, WHOLE } from './value-check.js'

const MAX_HEADER_BYTES = 64
const CONTROL_CHARACTER = /\p{Cc}/u
/** What nearly all headers are: then nothing has to be encoded to be counted. */
const ASCII_HEADER = new RegExp(`^[ -~]{1,${MAX_HEADER_BYTES}}$`)

export const HEADER_RULE: string = `text of 1 to ${MAX_HEADER_BYTES} bytes without control characters`

export function isHeader(header: unknown): boolean {
  if (typeof header !== 'string') return false
  if (ASCII_HEADER.test(header)) return true
  if (header.length === 0 || CONTROL_CHARACTER.test(header)) return false
  return header.length <= MAX_HEADER_BYTES && Buffer.byteLength(header) <= MAX_HEADER_BYTES
}

// A program sends and receives few headers, again and again: what is remembered of one need not be checked again. A stranger may
// send any, and have replies name them: so there is a bound, and what is not remembered costs no more than it would anyway.
const REMEMBERED = 256

const encodings = new Map<string, Buffer>()

/** The encoding of a header that was encoded before, unless it is forgotten. */
export function rememberedEncoding(header: string): Buffer | undefined {
  return encodings.get(header)
}

/**
 * @param header for which `isHeader` holds
 * @throws WireError UNENCODABLE
 */
export function encodeHeader(header: string): Buffer {
  const length = utf8Length(header)
  checkText(header, length, WHOLE)
  const encoding = Buffer.allocUnsafeSlow(textLength(length))
  putText(encoding, 0, header, length)
  if (encodings.size === REMEMBERED) encodings.clear()
  encodings.set(header, encoding)
  return encoding
}

/** Each at the place that `placeOf` gives its bytes; of those that share a place the latest stays. */
const texts: string[] = new Array(REMEMBERED).fill('')

/** The header that these bytes are; undefined if they are none, or not all ASCII. */
export function readHeader(bytes: Uint8Array, start: number, length: number): string | undefined {
  if (length < 1 || length > MAX_HEADER_BYTES) return undefined
  const place = placeOf(bytes, start, length)
  const known = texts[place] as string
  if (isText(known, bytes, start, length)) return known
  for (let index = start; index < start + length; index++) {
    const byte = bytes[index] as number
    if (byte < 0x20 || byte > 0x7e) return undefined
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString('latin1')
  texts[place] = text
  return text
}

function placeOf(bytes: Uint8Array, start: number, length: number): number {
  const last = start + length - 1
  const sum = (bytes[start] as number) + (bytes[last] as number) * 7 + (bytes[(start + last) >> 1] as number) * 31
  return (sum + length * 127) % REMEMBERED
}

function isText(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false
  }
  return true
}
