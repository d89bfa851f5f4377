/**
 * Text of strangers (peer names, messages) on a person's terminal: shown, never obeyed. Control characters could move
 * the cursor, retitle the window or paste commands; direction marks could make a name look like another.
 */

// C0 and C1 controls, DEL, line and paragraph separators, bidirectional embeddings, overrides and isolates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const HOSTILE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

// JSON.stringify escapes C0 by itself.
const HOSTILE_IN_JSON = /[\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** One line, nothing invisible that acts. Replaced characters become U+FFFD, line ends and tabs a space. */
export function safeLine(text: string): string {
  return text.replace(HOSTILE, (character) => (/[\n\r\t]/.test(character) ? ' ' : '\ufffd'))
}

/** Keeps line ends, indents what follows them. */
export function safeText(text: string, indent: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .map(safeLine)
    .join(`\n${indent}`)
}

/** JSON in one line, with every acting character escaped. Bytes become {"base64": "…"}. */
export function safeJson(value: unknown, space?: number): string {
  const json = JSON.stringify(value, bytesAsBase64, space) ?? 'null'
  return json.replace(HOSTILE_IN_JSON, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function bytesAsBase64(_key: string, value: unknown): unknown {
  // Buffers arrive here after their own toJSON: the wire never gives Buffers, so plain views are all there is.
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString('base64') } : value
}

// Grapheme clusters are looked at one by one only when there is something to look at.
const ASCII = /^[\u0020-\u007e]*$/
const WIDE =
  /\p{Emoji_Presentation}|\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u
const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}]+$/u

/** Columns that `text` takes in a terminal; East Asian and emoji as most terminals draw them. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    if (!INVISIBLE.test(segment)) width += WIDE.test(segment) ? 2 : 1
  }
  return width
}
