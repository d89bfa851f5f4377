/**
 * The body of a discovery datagram (root code 0x01, under the network MAC), a msgpack array of four. Final: a later
 * version may give meaning to more flags, and only to flags. Every announcement and every answer has the same length, so that
 * an answer never has more bytes than what it answers.
 *
 *     0  flags       integer 0 to 127; bit 0: answers are wanted; the others are 0 when sent and ignored when read
 *     1  blinded id  8 bytes: `network.blind(id, epoch)`
 *     2  numbers     8 bytes, big-endian: epoch u32 | port u16 | estimate u16
 *                    epoch     the sender's own counter, started at random
 *                    port      1 to 65535: where the sender listens, TCP and UDP alike; its host is where it came from
 *                    estimate  how many peers the sender is connected to
 *     3  nonce       8 bytes: fresh in an announcement, repeated in its answers
 */
import type { Value } from '@pc/wire'

export interface AnnouncementBody {
  /** True for announcements, false for answers. */
  readonly wantsAnswers: boolean
  readonly blindedId: Uint8Array
  readonly epoch: number
  readonly port: number
  readonly estimate: number
  readonly nonce: Uint8Array
}

const WANTS_ANSWERS = 1
/** One byte in msgpack, whatever is set. */
const MAX_FLAGS = 0x7f
const BLINDED_ID_BYTES = 8
const NUMBERS_BYTES = 8
const MAX_U16 = 0xffff

export const NONCE_BYTES = 8

export function packAnnouncement(body: AnnouncementBody): Value {
  const numbers = new DataView(new ArrayBuffer(NUMBERS_BYTES))
  numbers.setUint32(0, body.epoch)
  numbers.setUint16(4, body.port)
  numbers.setUint16(6, Math.min(body.estimate, MAX_U16))
  return [body.wantsAnswers ? WANTS_ANSWERS : 0, body.blindedId, new Uint8Array(numbers.buffer), body.nonce]
}

/** `undefined` for everything that is not exactly an announcement or an answer. Byte fields are copies. */
export function readAnnouncement(value: Value): AnnouncementBody | undefined {
  if (!Array.isArray(value) || value.length !== 4) return undefined
  const [flags, blindedId, numbers, nonce] = value
  if (typeof flags !== 'number' || !Number.isInteger(flags) || flags < 0 || flags > MAX_FLAGS) return undefined
  if (!isBytes(blindedId, BLINDED_ID_BYTES) || !isBytes(numbers, NUMBERS_BYTES) || !isBytes(nonce, NONCE_BYTES)) {
    return undefined
  }
  const view = new DataView(numbers.buffer, numbers.byteOffset, NUMBERS_BYTES)
  const port = view.getUint16(4)
  if (port === 0) return undefined
  return {
    wantsAnswers: (flags & WANTS_ANSWERS) !== 0,
    blindedId: Uint8Array.from(blindedId),
    epoch: view.getUint32(0),
    port,
    estimate: view.getUint16(6),
    nonce: Uint8Array.from(nonce),
  }
}

function isBytes(value: Value | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length
}
