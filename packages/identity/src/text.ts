/**
 * Which names may travel. The lists are fixed here instead of taken from Unicode properties, which grow: two peers
 * with different Unicode versions must agree about every record.
 */

// Control characters (C0, DEL, C1), line and paragraph separators, direction marks and overrides, zero-width space and
// byte order mark: what hides or reorders the text around it in a terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/
const SPACE_AT_AN_END =
  /^[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]|[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]$/

const LONE_SURROGATE = /\p{Surrogate}/u

/** 1 to `maxBytes` bytes of UTF-8, well-formed, nothing hidden, no space at either end. */
export function isPlainText(text: string, maxBytes: number): boolean {
  if (typeof text !== 'string' || text === '' || text.length > maxBytes || Buffer.byteLength(text) > maxBytes)
    return false
  return !LONE_SURROGATE.test(text) && !HIDDEN.test(text) && !SPACE_AT_AN_END.test(text)
}
