/**
 * The body of a discovery datagram (root code 0x01, under the network MAC), a msgpack array of six. Final: a later
 * version may give meaning to more flags, and only to flags.
 *
 *     0  flags       integer 0 to 255; bit 0: answers are wanted; the others are 0 when sent and ignored when read
 *     1  blinded id  8 bytes: `network.blind(id, epoch)`
 *     2  epoch       unsigned 32 bits: the sender's own counter, started at random
 *     3  port        1 to 65535: where the sender listens, TCP and UDP alike; its host is where the datagram came from
 *     4  estimate    unsigned 16 bits: how many peers the sender is connected to
 *     5  nonce       8 bytes: fresh in an announcement, repeated in its answers
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
const BLINDED_ID_BYTES = 8
const MAX_U32 = 0xffff_ffff
const MAX_U16 = 0xffff

export const NONCE_BYTES = 8

export function packAnnouncement(body: AnnouncementBody): Value {
  return [
    body.wantsAnswers ? WANTS_ANSWERS : 0,
    body.blindedId,
    body.epoch,
    body.port,
    Math.min(body.estimate, MAX_U16),
    body.nonce,
  ]
}

/** `undefined` for everything that is not exactly an announcement or an answer. Byte fields are copies. */
export function readAnnouncement(value: Value): AnnouncementBody | undefined {
  if (!Array.isArray(value) || value.length !== 6) return undefined
  const [flags, blindedId, epoch, port, estimate, nonce] = value
  if (!isInteger(flags, 0, 0xff) || !isInteger(epoch, 0, MAX_U32)) return undefined
  if (!isInteger(port, 1, MAX_U16) || !isInteger(estimate, 0, MAX_U16)) return undefined
  if (!isBytes(blindedId, BLINDED_ID_BYTES) || !isBytes(nonce, NONCE_BYTES)) return undefined
  return {
    wantsAnswers: (flags & WANTS_ANSWERS) !== 0,
    blindedId: Uint8Array.from(blindedId),
    epoch,
    port,
    estimate,
    nonce: Uint8Array.from(nonce),
  }
}

function isInteger(value: Value | undefined, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

function isBytes(value: Value | undefined, length: number): value is Uint8Array {
  return value instanceof Uint8Array && value.length === length
}
