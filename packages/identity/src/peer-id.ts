import { createPublicKey, type KeyObject } from 'node:crypto'
import { ed25519 } from '@noble/curves/ed25519.js'
import { checkCharacter, decodeBase32, encodeBase32, normaliseBase32 } from './base32.js'
import { IdentityError } from './errors.js'

/** Bytes of a peer id. */
export const PEER_ID_BYTES = 32
// 256 bits in 5-bit characters; the last character carries one bit and four zeros.
const BODY_CHARACTERS = 52
const SHORT_CHARACTERS = 7
// Longer input is refused before it is looked at; dashes are allowed, so a little more than 53.
const MAX_TEXT = 128

/** Makes an id of bytes that were checked, and are shared with nobody. */
let newPeerId: (bytes: Uint8Array) => PeerId

/**
 * Who a peer is: its Ed25519 public key. Whoever knows an id can check a signature of that peer.
 *
 * A `PeerId` is immutable and always a point that signatures can be trusted under: encodings that are not canonical
 * (RFC 8032 §5.1.3), that are no point of the curve and the small-order points are refused when it is made, because
 * node:crypto accepts them and anybody can forge signatures for the latter.
 *
 * Two `PeerId` objects of the same peer are different objects: compare with `equals`, key maps with `toString()`.
 */
export class PeerId {
  /** The 32 bytes of the public key. Shared: do not write into it. */
  readonly bytes: Uint8Array
  #text: string | undefined
  #publicKey: KeyObject | undefined

  private constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  /** Copies and checks 32 bytes; `BAD_PEER_ID` if they are not an acceptable public key. */
  static fromBytes(bytes: Uint8Array): PeerId {
    checkLength(bytes)
    const copy = Uint8Array.from(bytes)
    checkPoint(copy)
    return new PeerId(copy)
  }

  /**
   * Reads the text form: 52 Crockford base32 characters and a check character. Upper case, dashes anywhere and the
   * look-alikes i, l (1) and o (0) are accepted; everything else, and a check character that does not fit, is
   * `BAD_PEER_ID`.
   */
  static parse(text: string): PeerId {
    const body = checkedBody(text, BODY_CHARACTERS)
    if (body === undefined) {
      throw new IdentityError(
        'BAD_PEER_ID',
        `a peer id in text is ${BODY_CHARACTERS + 1} characters of Crockford base32, the last one a check character; ` +
          `got ${describe(text)}: compare it with the original`,
      )
    }
    const bytes = decodeBase32(body)
    if (bytes === undefined) {
      throw new IdentityError('BAD_PEER_ID', `the last character before the check character must be 0 or g: ${text}`)
    }
    return PeerId.fromBytes(bytes)
  }

  /** Orders by bytes, as `Array.prototype.sort` wants it. */
  static compare(a: PeerId, b: PeerId): number {
    return Buffer.compare(a.bytes, b.bytes)
  }

  /**
   * Eight characters for people: the first seven of the text form and a check character over those seven. It names a
   * peer among those already known; 35 bits can be searched for, so it proves nothing.
   */
  get short(): string {
    const prefix = this.toString().slice(0, SHORT_CHARACTERS)
    return prefix + checkCharacter(prefix)
  }

  /** The key for node:crypto; made at first use and kept. */
  get publicKey(): KeyObject {
    // JWK imports about five times faster than DER.
    this.#publicKey ??= createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(this.bytes).toString('base64url') },
      format: 'jwk',
    })
    return this.#publicKey
  }

  equals(other: PeerId): boolean {
    return Buffer.compare(this.bytes, other.bytes) === 0
  }

  /** The full text form, lower case, without dashes; computed once. `PeerId.parse` reads it. */
  toString(): string {
    if (this.#text === undefined) {
      const body = encodeBase32(this.bytes)
      this.#text = body + checkCharacter(body)
    }
    return this.#text
  }

  toJSON(): string {
    return this.toString()
  }

  static {
    newPeerId = (bytes) => new PeerId(bytes)
    // What console.log shows; as a method it could not be declared under isolatedDeclarations.
    Object.defineProperty(PeerId.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: PeerId) {
        return `PeerId(${this.toString()})`
      },
    })
  }
}

/**
 * As `PeerId.fromBytes`, for who is about to check a signature of that peer anyway: `proves` does, and a signature that passes
 * shows that the bytes are a point of the curve, as OpenSSL verifies none under others. That spares looking for the point,
 * which is most of the work. `undefined`: it does not pass. For this package only.
 */
export function provedPeerId(bytes: Uint8Array, proves: (id: PeerId) => boolean): PeerId | undefined {
  checkLength(bytes)
  const copy = Uint8Array.from(bytes)
  checkEncoding(copy)
  const id = newPeerId(copy)
  return proves(id) ? id : undefined
}

/**
 * As `PeerId.fromBytes`, for a public key that node:crypto has made of a private one: a multiple of the base point by a number that is neither 0
 * nor a multiple of the order (RFC 8032 §5.1.5), so it is a point of the curve, and not one of small order. For this package only.
 */
export function ownPeerId(bytes: Uint8Array): PeerId {
  checkLength(bytes)
  return newPeerId(Uint8Array.from(bytes))
}

/**
 * The seven characters with which the text form of the meant peer begins, or `undefined` if the text is no short id or
 * its check character does not fit. Accepts what `PeerId.parse` accepts: upper case, dashes, look-alikes.
 */
export function parseShortId(text: string): string | undefined {
  return checkedBody(text, SHORT_CHARACTERS)
}

function checkedBody(text: string, length: number): string | undefined {
  if (typeof text !== 'string' || text.length > MAX_TEXT) return undefined
  const normal = normaliseBase32(text)
  if (normal === undefined || normal.length !== length + 1) return undefined
  const body = normal.slice(0, length)
  return checkCharacter(body) === normal.slice(length) ? body : undefined
}

function checkLength(bytes: Uint8Array): void {
  if (bytes instanceof Uint8Array && bytes.length === PEER_ID_BYTES) return
  const found = bytes instanceof Uint8Array ? `${bytes.length} bytes` : typeof bytes
  throw new IdentityError('BAD_PEER_ID', `a peer id is ${PEER_ID_BYTES} bytes, got ${found}`)
}

/** The y of the small-order points, little-endian: 1, p - 1, 0 and the two of order 8. Each belongs to two encodings, by the sign of x. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  `01${'00'.repeat(31)}`,
  `ec${'ff'.repeat(30)}7f`,
  '00'.repeat(32),
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
])

/** What of `checkPoint` can be seen without looking for the point: small order, y below p, no sign on x = 0 (whose y are in the list). */
function checkEncoding(bytes: Uint8Array): void {
  const y = Uint8Array.from(bytes)
  y[31] = (y[31] ?? 0) & 0x7f
  if (SMALL_ORDER.has(hex(y))) {
    throw new IdentityError('BAD_PEER_ID', `a small-order Ed25519 key, for which anybody can sign: ${hex(bytes)}`)
  }
  const high = y[31] === 0x7f && y.subarray(1, 31).every((byte) => byte === 0xff)
  if (high && (y[0] ?? 0) >= 0xed) {
    throw new IdentityError('BAD_PEER_ID', `not a canonical Ed25519 public key: ${hex(bytes)}`)
  }
}

function checkPoint(bytes: Uint8Array): void {
  let smallOrder: boolean
  try {
    // The second argument asks for RFC 8032 decoding: y below p, and no sign on x = 0.
    smallOrder = ed25519.Point.fromBytes(bytes, false).isSmallOrder()
  } catch (cause) {
    throw new IdentityError('BAD_PEER_ID', `not a canonical Ed25519 public key: ${hex(bytes)}`, { cause })
  }
  if (smallOrder) {
    throw new IdentityError('BAD_PEER_ID', `a small-order Ed25519 key, for which anybody can sign: ${hex(bytes)}`)
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function describe(text: unknown): string {
  if (typeof text !== 'string') return typeof text
  return text.length > MAX_TEXT ? `${text.length} characters` : JSON.stringify(text)
}
