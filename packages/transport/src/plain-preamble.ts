import { IdentityError, PeerId } from '@pc/identity'

/** Names the protocol and its version. */
const MAGIC = Buffer.from('pcplain1')
/** What each side of a plain connection sends first: the magic, and the id it claims to have. */
export const PREAMBLE_BYTES = 40

export function encodePreamble(id: PeerId): Uint8Array {
  return Buffer.concat([MAGIC, id.bytes])
}

/** Undefined for what is no preamble, or names what no peer can have as its id. */
export function decodePreamble(bytes: Uint8Array): PeerId | undefined {
  if (bytes.length !== PREAMBLE_BYTES || MAGIC.compare(bytes, 0, MAGIC.length) !== 0) return undefined
  try {
    return PeerId.fromBytes(bytes.subarray(MAGIC.length))
  } catch (error) {
    if (error instanceof IdentityError) return undefined
    throw error
  }
}
