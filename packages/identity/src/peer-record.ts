/**
 * Peer records: what a peer says about itself, signed, so that anybody can pass it on.
 *
 *     record  = msgpack [payload: bin, signature: bin 64]
 *     payload = msgpack [id: bin 32, sequence: int, name: str, addresses: [address…], capabilities: [str…]]
 *     address = [ip: bin 4 | bin 16, port: int]
 *
 * The signature is over the payload's bytes in the domain `pc-peer-record`. A later version may append elements to
 * the payload: readers ignore those they do not know, and pass the record on with its signature intact because they
 * keep its bytes. Everything else is exact: the outer array has two elements in their shortest encoding (so that nobody
 * but the signer can make a second record out of one), an address has two.
 */
import { decodeValue, encodeValue, type Value } from '@pc/wire'
import { IdentityError } from './errors.js'
import { type Identity, verifySignature } from './identity.js'
import { bytesOfHost, type PeerAddress, unicastHost } from './peer-address.js'
import { PeerId, provedPeerId } from './peer-id.js'
import { isPlainText } from './text.js'

export interface PeerRecord {
  readonly id: PeerId
  /** Of two records of one peer the greater sequence counts: from 0 to 2^53 - 1, never to be read as a time. */
  readonly sequence: number
  /** For people, and not an identity; see `isPeerName`. */
  readonly name: string
  /**
   * At most 4, best first, no two the same. Loopback and link-local addresses are allowed; using them is the reader's
   * decision.
   */
  readonly addresses: readonly PeerAddress[]
  /** What the peer offers: at most 16, each 1 to 32 visible ASCII characters, no two the same. */
  readonly capabilities: readonly string[]
}

export interface SignedPeerRecord extends PeerRecord {
  /** The signed envelope as sent. Shared: do not write into it. */
  readonly bytes: Uint8Array
}

/** Greatest length of a record: with one it still fits a datagram beside a handshake. */
export const MAX_RECORD_BYTES = 300
const MAX_NAME_BYTES = 64
const MAX_ADDRESSES = 4
const MAX_CAPABILITIES = 16
const CAPABILITY = /^[!-~]{1,32}$/
const DOMAIN = 'pc-peer-record'
// The payload is the outer array, the address list and an address: three levels; later elements may nest a little.
const LIMITS = { maxDepth: 8, maxElements: MAX_RECORD_BYTES }

/**
 * Signs what this peer says about itself. Refuses with `BAD_RECORD` everything `readPeerRecord` would refuse, among it
 * a record over 300 bytes: leave out addresses or capabilities. The fields of the result are in canonical form (IPv6
 * as in RFC 5952).
 */
export function signPeerRecord(identity: Identity, fields: Omit<PeerRecord, 'id'>): SignedPeerRecord {
  const { sequence, name, addresses, capabilities } = fields
  const payload = encode([
    identity.id.bytes,
    sequence,
    name,
    addresses.map(({ host, port }) => [bytesOfHost(host) ?? refuse(`address ${host} is not an IP literal`), port]),
    [...capabilities],
  ])
  const bytes = encode([payload, identity.sign(DOMAIN, payload)])
  checkLength(bytes)
  return { ...readPayload(payload), bytes }
}

/**
 * Reads a record that somebody sent: length, shape, then signature; `BAD_RECORD` if anything is wrong. With `of` only that
 * peer's record will do, and another's is refused before its signature is looked at, which is what costs. The result owns its
 * bytes; `bytes` may be reused.
 */
export function readPeerRecord(bytes: Uint8Array, of?: PeerId): SignedPeerRecord {
  checkLength(bytes)
  const own = Uint8Array.from(bytes)
  const envelope = decode(own)
  const [payload, signature] = Array.isArray(envelope) && envelope.length === 2 ? envelope : []
  if (!(payload instanceof Uint8Array) || !(signature instanceof Uint8Array)) {
    return refuse('expected [payload, signature], both binary')
  }
  // One byte for the array; whatever else is longer than it need be makes the whole longer.
  if (own.length !== 1 + encodedLength(payload) + encodedLength(signature)) {
    refuse('its envelope is not in the shortest encoding')
  }
  const proves = (id: PeerId): boolean => verifySignature(id, DOMAIN, payload, signature)
  return { ...readPayload(payload, proves, of), bytes: own }
}

/**
 * The sequence for the next record: max(previous + 1, unixMs), so that it grows even after the old one was lost and
 * with a clock that went back. `BAD_ARGUMENT` when numbers are no integers of 53 bits or used up.
 */
export function nextSequence(previous: number, unixMs: number): number {
  const next = Math.max(previous + 1, Math.floor(unixMs))
  if (Number.isSafeInteger(previous) && Number.isSafeInteger(next) && next > 0) return next
  throw new IdentityError('BAD_ARGUMENT', `no sequence follows ${previous} at ${unixMs}: expected integers below 2^53`)
}

/**
 * Whether a text may be a peer's name: 1 to 64 bytes of UTF-8; no control, direction or zero-width-space characters; no
 * space at either end; no `~` (it sets the short id apart in `anna~7k2`) and no `/` (it separates in paths and commands).
 */
export function isPeerName(name: string): boolean {
  return isPlainText(name, MAX_NAME_BYTES) && !/[~/]/.test(name)
}

/** `proves`: whether the signature is by that peer; without it the payload is our own. Asked last, as it is what costs. */
function readPayload(payload: Uint8Array, proves?: (id: PeerId) => boolean, of?: PeerId): PeerRecord {
  const fields = decode(payload)
  if (!Array.isArray(fields) || fields.length < 5) {
    return refuse('the payload is not [id, sequence, name, addresses, capabilities]')
  }
  const [id = null, sequence = null, name = null, addresses = null, capabilities = null] = fields
  const others = {
    sequence: readInteger(sequence, 0, Number.MAX_SAFE_INTEGER, 'sequence'),
    name: typeof name === 'string' && isPeerName(name) ? name : refuse(`${JSON.stringify(name)} cannot be a peer name`),
    addresses: readList(addresses, MAX_ADDRESSES, 'addresses', readAddress, ({ host, port }) => `${host} ${port}`),
    capabilities: readList(capabilities, MAX_CAPABILITIES, 'capabilities', readCapability, (text) => text),
  }
  return { id: readId(id, proves, of), ...others }
}

function readId(value: Value, proves: ((id: PeerId) => boolean) | undefined, of: PeerId | undefined): PeerId {
  if (!(value instanceof Uint8Array)) return refuse('the id is not binary')
  if (of !== undefined && Buffer.compare(value, of.bytes) !== 0) {
    return refuse(`it is that of ${Buffer.from(value).toString('hex')}, not of ${of}`)
  }
  let id: PeerId | undefined
  try {
    if (of !== undefined) id = proves?.(of) ? of : undefined
    else id = proves === undefined ? PeerId.fromBytes(value) : provedPeerId(value, proves)
  } catch (cause) {
    return refuse('its id is no peer id', cause)
  }
  return id ?? refuse(`the signature is not by ${Buffer.from(value).toString('hex')}`)
}

function readAddress(value: Value): PeerAddress {
  const [ip, port = null] = Array.isArray(value) && value.length === 2 ? value : []
  if (!(ip instanceof Uint8Array)) return refuse('an address is not [ip, port]')
  const host = unicastHost(ip) ?? refuse(`${Buffer.from(ip).toString('hex')} is no unicast IP address`)
  return { host, port: readInteger(port, 1, 65_535, 'port') }
}

function readCapability(value: Value): string {
  return typeof value === 'string' && CAPABILITY.test(value)
    ? value
    : refuse('a capability is not 1 to 32 visible ASCII characters')
}

function readInteger(value: Value, min: number, max: number, what: string): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max
    ? value
    : refuse(`${what} is not an integer from ${min} to ${max}`)
}

function readList<T>(value: Value, max: number, what: string, read: (item: Value) => T, key: (item: T) => string): T[] {
  if (!Array.isArray(value) || value.length > max) return refuse(`${what} is not a list of at most ${max}`)
  const items = value.map(read)
  return new Set(items.map(key)).size === items.length ? items : refuse(`${what} holds the same twice`)
}

/** Of a byte string in its shortest form, up to 65,535 bytes. */
function encodedLength({ length }: Uint8Array): number {
  return length + (length <= 0xff ? 2 : 3)
}

function checkLength(bytes: Uint8Array): void {
  if (bytes.length > MAX_RECORD_BYTES) refuse(`${bytes.length} bytes, the limit is ${MAX_RECORD_BYTES}`)
}

function encode(value: Value): Uint8Array {
  try {
    return encodeValue(value, LIMITS)
  } catch (cause) {
    return refuse('it cannot be encoded', cause)
  }
}

function decode(bytes: Uint8Array): Value {
  try {
    return decodeValue(bytes, LIMITS)
  } catch (cause) {
    return refuse('it is not valid msgpack', cause)
  }
}

function refuse(why: string, cause?: unknown): never {
  throw new IdentityError('BAD_RECORD', `bad peer record: ${why}`, cause === undefined ? {} : { cause })
}
