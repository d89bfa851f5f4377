/**
 * Crockford base32 (no i, l, o, u) and the Luhn mod 32 check character, for ids that people read, type and say aloud.
 *
 * Bits are taken from the front, most significant first; a last group of fewer than five bits is filled with zeros.
 * The check character finds every single wrong character and every swap of two neighbours, except of `0` with `z`
 * (Luhn gives both the same weight at both places).
 */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

const VALUES: ReadonlyMap<string, number> = new Map([
  ...[...ALPHABET].map((character, value): [string, number] => [character, value]),
  // Crockford's aliases for what the eye confuses.
  ['i', 1],
  ['l', 1],
  ['o', 0],
])

export function encodeBase32(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let bits = 0
  for (const byte of bytes) {
    pending = (pending << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET.charAt((pending >> bits) & 31)
    }
    pending &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET.charAt((pending << (5 - bits)) & 31)
}

/** The bytes of a normalised text; `undefined` if the filling bits at the end are not zero. */
export function decodeBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let pending = 0
  let bits = 0
  let index = 0
  for (const character of text) {
    const value = VALUES.get(character)
    if (value === undefined) return undefined
    pending = (pending << 5) | value
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[index++] = pending >> bits
      pending &= (1 << bits) - 1
    }
  }
  return pending === 0 ? bytes : undefined
}

/** Lower case, without dashes, aliases replaced; `undefined` if another character is left. */
export function normaliseBase32(text: string): string | undefined {
  let normal = ''
  for (const character of text.toLowerCase()) {
    if (character === '-') continue
    const value = VALUES.get(character)
    if (value === undefined) return undefined
    normal += ALPHABET.charAt(value)
  }
  return normal
}

/** The Luhn mod 32 check character over a normalised text. */
export function checkCharacter(text: string): string {
  let sum = 0
  for (let index = 0; index < text.length; index++) {
    const value = VALUES.get(text.charAt(index)) ?? 0
    // Counted from the check character leftwards, every second value is doubled and its base-32 digits added.
    sum += (text.length - index) % 2 === 1 ? Math.floor(value / 16) + ((value * 2) % 32) : value
  }
  return ALPHABET.charAt((32 - (sum % 32)) % 32)
}
