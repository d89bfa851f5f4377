/**
 * A rumor: what spreads, signed by the peer that made it.
 *
 *     signed part = kind u8 | topic length u8 | topic | origin 32 B | boot u48 | sequence u48 | created u48 | ttl u32 (ms) | body
 *     rumor       = signed part | signature 64 B
 *     id          = SHA-256(signed part)[0..16]
 *
 * The signature is over the signed part in the domain `pc-gossip-rumor`. The id follows from what is signed, so a false body under a known
 * id does not exist. How old a rumor is travels beside it, as elapsed time (see `messages.ts`); `created` is for people, and no rule reads it.
 * Kinds are only ever added. One that is not known is passed on as all are, and handed to nobody: so a newer peer's news cross older ones.
 */
import { hash } from 'node:crypto'
import { type Identity, PEER_ID_BYTES, type PeerId, verifySignature } from '@pc/identity'
import { keyOfBytes, MAX_U48, putU48, u48, viewOf } from '@pc/wire'
import { GossipError } from './errors.js'

export const RumorKind = {
  /** The body is the message. */
  DATA: 0,
  /** The body is SHA-256 and length (u32) of the message, which is fetched from whoever tells of it. */
  REFERENCE: 1,
  /** The body is a question: who has an answer sends it to the origin. */
  QUERY: 2,
  /** The body is the id of a query of the same origin: nobody need work on it any more. */
  CANCEL: 3,
} as const
export type RumorKind = (typeof RumorKind)[keyof typeof RumorKind]

export interface RumorFields {
  readonly kind: RumorKind
  /** 1 to 64 bytes of UTF-8. */
  readonly topic: string
  /** Which run of its origin made it: greater with each start. u48. */
  readonly boot: number
  /** Counts what a run has published, from 1. u48. */
  readonly sequence: number
  /** Unix ms by the origin's clock, for display. u48. */
  readonly createdAt: number
  /** After so many ms of age it is news no more: 1 to 600,000. */
  readonly ttlMs: number
  /** At most 900 bytes. */
  readonly body: Uint8Array
}

/** Its byte strings are shared: do not write into them. */
export interface Rumor extends Omit<RumorFields, 'kind'> {
  /** A {@link RumorKind}, or one that this version does not know. */
  readonly kind: number
  /** The 32 bytes of the peer id that signed it, once `verifyRumor` said so. */
  readonly origin: Uint8Array
  /** 16 bytes. */
  readonly id: Uint8Array
  /**
   * The first 8 bytes of the id, as a key of maps: what digests carry. Two rumors of one origin can be made to share it, which harms that origin
   * alone; to meet somebody else's takes 2^64 hashes within the few seconds that a rumor lives.
   */
  readonly key: string
  /** The encoded form. */
  readonly bytes: Uint8Array
}

export const MAX_TOPIC_BYTES = 64
/** What fits a datagram beside a topic of any length. */
export const MAX_INLINE_BODY = 900
/** Ten minutes: as long as a partition may last over which a rumor is remembered. */
export const MAX_TTL_MS = 600_000
export const ID_BYTES = 16
export const KEY_BYTES = 8
const HASH_BYTES = 32
const REFERENCE_BYTES: number = HASH_BYTES + 4
const SIGNATURE_BYTES = 64
const FIXED_BYTES: number = 2 + PEER_ID_BYTES + 6 + 6 + 6 + 4
const DOMAIN = 'pc-gossip-rumor'
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The greatest rumor, encoded. */
export const MAX_RUMOR_BYTES: number = FIXED_BYTES + MAX_TOPIC_BYTES + MAX_INLINE_BODY + SIGNATURE_BYTES

const KINDS: ReadonlySet<number> = new Set(Object.values(RumorKind))

/** Whether this version knows what to do with a rumor of that kind, beyond passing it on. */
export function isKnownKind(kind: number): kind is RumorKind {
  return KINDS.has(kind)
}

/** Makes and signs a rumor. @throws GossipError BAD_RUMOR for a field outside its range */
export function signRumor(identity: Pick<Identity, 'id' | 'sign'>, fields: RumorFields): Rumor {
  const topic = Buffer.from(fields.topic, 'utf8')
  // What is no valid text (half a surrogate pair) would come out as another topic on the other side.
  if (UTF8.decode(topic) !== fields.topic) refuse('its topic is no valid text')
  const bytes = new Uint8Array(FIXED_BYTES + topic.length + fields.body.length + SIGNATURE_BYTES)
  checkNumbers(fields)
  checkLengths(fields.kind, topic.length, fields.body.length)
  const view = viewOf(bytes)
  bytes[0] = fields.kind
  bytes[1] = topic.length
  bytes.set(topic, 2)
  let at = 2 + topic.length
  bytes.set(identity.id.bytes, at)
  at += PEER_ID_BYTES
  for (const value of [fields.boot, fields.sequence, fields.createdAt]) {
    putU48(view, at, value)
    at += 6
  }
  view.setUint32(at, fields.ttlMs)
  bytes.set(fields.body, at + 4)
  const signed = bytes.subarray(0, bytes.length - SIGNATURE_BYTES)
  bytes.set(identity.sign(DOMAIN, signed), signed.length)
  return readRumor(bytes)
}

/**
 * Reads a rumor that somebody sent: its shape and id, not its signature, which costs seventy times as much (`verifyRumor`). The result owns its
 * bytes. @throws GossipError BAD_RUMOR
 */
export function readRumor(encoded: Uint8Array): Rumor {
  if (encoded.length > MAX_RUMOR_BYTES) refuse(`it has ${encoded.length} bytes, the limit is ${MAX_RUMOR_BYTES}`)
  const topicLength = encoded[1] ?? 0
  const bodyLength = encoded.length - FIXED_BYTES - topicLength - SIGNATURE_BYTES
  if (bodyLength < 0) refuse(`it ends early, after ${encoded.length} bytes`)
  const kind = encoded[0] as number
  checkLengths(kind, topicLength, bodyLength)
  const bytes = new Uint8Array(encoded)
  const view = viewOf(bytes)
  const at = 2 + topicLength + PEER_ID_BYTES
  const fields = {
    kind,
    topic: textOf(bytes.subarray(2, 2 + topicLength)),
    boot: u48(view, at),
    sequence: u48(view, at + 6),
    createdAt: u48(view, at + 12),
    ttlMs: view.getUint32(at + 18),
    body: bytes.subarray(at + 22, bytes.length - SIGNATURE_BYTES),
  }
  checkNumbers(fields)
  const id = hash('sha256', signedPart(bytes), 'buffer').subarray(0, ID_BYTES)
  const origin = bytes.subarray(2 + topicLength, at)
  return { ...fields, origin, id: new Uint8Array(id), key: keyOfBytes(id.subarray(0, KEY_BYTES)), bytes }
}

/** Whether a rumor is its origin's. @param origin of the same bytes as `rumor.origin` */
export function verifyRumor(rumor: Rumor, origin: PeerId): boolean {
  if (Buffer.compare(origin.bytes, rumor.origin) !== 0) return false
  const { bytes } = rumor
  return verifySignature(origin, DOMAIN, signedPart(bytes), bytes.subarray(bytes.length - SIGNATURE_BYTES))
}

/** What stands for a body that does not fit a datagram. */
export interface BodyReference {
  /** SHA-256 of the body: 32 bytes. */
  readonly hash: Uint8Array
  /** Of the body, in bytes. */
  readonly size: number
}

/** The body of a REFERENCE. */
export function packReference(body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(REFERENCE_BYTES)
  bytes.set(hash('sha256', body, 'buffer'))
  viewOf(bytes).setUint32(HASH_BYTES, body.length)
  return bytes
}

/** @param body of a rumor of the kind REFERENCE */
export function referenceOf({ body }: Rumor): BodyReference {
  return { hash: body.subarray(0, HASH_BYTES), size: viewOf(body).getUint32(HASH_BYTES) }
}

/** Whether these bytes are the ones that were meant. */
export function fitsReference(body: Uint8Array, reference: BodyReference): boolean {
  if (body.length !== reference.size) return false
  return Buffer.compare(hash('sha256', body, 'buffer'), reference.hash) === 0
}

function signedPart(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(0, bytes.length - SIGNATURE_BYTES)
}

function textOf(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    return refuse('its topic is no UTF-8', cause)
  }
}

function checkLengths(kind: number, topic: number, body: number): void {
  if (topic < 1 || topic > MAX_TOPIC_BYTES) refuse(`its topic has ${topic} bytes, not 1 to ${MAX_TOPIC_BYTES}`)
  if (body > MAX_INLINE_BODY) refuse(`its body has ${body} bytes, the limit is ${MAX_INLINE_BODY}`)
  const exact = kind === RumorKind.REFERENCE ? REFERENCE_BYTES : kind === RumorKind.CANCEL ? ID_BYTES : body
  if (body !== exact) refuse(`its body has ${body} bytes, not the ${exact} of its kind`)
}

function checkNumbers({ boot, sequence, createdAt, ttlMs }: Omit<RumorFields, 'body' | 'topic' | 'kind'>): void {
  checkInteger('boot', boot, 0, MAX_U48)
  checkInteger('sequence', sequence, 1, MAX_U48)
  checkInteger('creation', createdAt, 0, MAX_U48)
  checkInteger('time to live', ttlMs, 1, MAX_TTL_MS)
}

function checkInteger(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return
  refuse(`its ${name} is ${value}, not an integer from ${least} to ${most}`)
}

function refuse(why: string, cause?: unknown): never {
  throw new GossipError('BAD_RUMOR', `bad rumor: ${why}`, cause === undefined ? {} : { cause })
}
