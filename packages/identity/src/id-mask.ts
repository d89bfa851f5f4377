import { createHmac } from 'node:crypto'
import { IdentityError } from './errors.js'
import type { PeerId } from './peer-id.js'

/** Names for ids where they are not to be recognised: in logs. */
export interface IdMask {
  /** `id-` and 12 hexadecimal digits: the same for the same id and key, and nothing that leads back to the id without the key. */
  of(id: PeerId): string
}

export interface IdMaskOptions {
  /** At least 16 secret bytes, kept as a copy. Two processes with one key show an id by the same name. */
  readonly key: Uint8Array
}

const MIN_KEY_BYTES = 16
const DOMAIN = 'pc-log-id'
/** A log with more peers than 2^24 would show two of them by one name. */
const SHOWN_BYTES = 6
/** Masks that are kept; hashing anew costs microseconds. */
const CACHED = 4_096

/**
 * The name of an id is HMAC-SHA-256(key, `pc-log-id` || id), its first 6 bytes.
 * @throws IdentityError BAD_ARGUMENT for a key that is too short
 */
export function createIdMask(options: IdMaskOptions): IdMask {
  if (!(options.key instanceof Uint8Array) || options.key.length < MIN_KEY_BYTES) {
    const got = options.key instanceof Uint8Array ? `${options.key.length} bytes` : typeof options.key
    throw new IdentityError('BAD_ARGUMENT', `the key of an id mask has at least ${MIN_KEY_BYTES} bytes, got ${got}`)
  }
  const key = Uint8Array.from(options.key)
  const names = new Map<string, string>()
  return {
    of(id) {
      const text = id.toString()
      const known = names.get(text)
      if (known !== undefined) return known
      const hash = createHmac('sha256', key).update(DOMAIN).update(id.bytes).digest('hex')
      const name = `id-${hash.slice(0, 2 * SHOWN_BYTES)}`
      if (names.size >= CACHED) names.clear()
      names.set(text, name)
      return name
    },
  }
}
