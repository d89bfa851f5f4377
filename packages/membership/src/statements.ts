/**
 * What peers tell about peers: it travels from one to the next, so each is signed by who says it.
 *
 *     SUSPECT  0 | subject 32 B | incarnation u48 | accuser 32 B | signature 64 B of the accuser
 *     ALIVE    1 | subject 32 B | incarnation u48 | signature 64 B of the subject
 *     LEAVE    2 | subject 32 B | incarnation u48 | signature 64 B of the subject
 *
 * The signature is over all before it, in the domain `pc-membership`. There is no statement that a peer is offline: everybody finds that out alone.
 */
import { type Identity, PEER_ID_BYTES, type PeerId, verifySignature } from '@pc/identity'
import { keyOfBytes, MAX_U48, putU48, u48, viewOf } from '@pc/wire'
import { MembershipError } from './errors.js'

export const StatementKind = { SUSPECT: 0, ALIVE: 1, LEAVE: 2 } as const
export type StatementKind = (typeof StatementKind)[keyof typeof StatementKind]

export interface Statement {
  readonly kind: StatementKind
  /** Keys of maps (`keyOfBytes`) of ids. */
  readonly subject: string
  /** Who says it: the accuser, or the subject itself. */
  readonly signer: string
  readonly incarnation: number
  /** The encoded form, its own. Shared: do not write into it. */
  readonly bytes: Uint8Array
}

const SIGNATURE_BYTES = 64
const INCARNATION_AT: number = 1 + PEER_ID_BYTES
const ACCUSER_AT: number = INCARNATION_AT + 6
/** Of ALIVE and LEAVE. */
const OWN_WORD_BYTES: number = ACCUSER_AT + SIGNATURE_BYTES
/** Of SUSPECT, the longest. */
export const MAX_STATEMENT_BYTES: number = OWN_WORD_BYTES + PEER_ID_BYTES
const DOMAIN = 'pc-membership'

export function signStatement(
  identity: Pick<Identity, 'id' | 'sign'>,
  kind: StatementKind,
  subject: PeerId,
  incarnation: number,
): Statement {
  const length = kind === StatementKind.SUSPECT ? MAX_STATEMENT_BYTES : OWN_WORD_BYTES
  const bytes = new Uint8Array(length)
  bytes[0] = kind
  bytes.set(subject.bytes, 1)
  putU48(viewOf(bytes), INCARNATION_AT, Math.min(incarnation, MAX_U48))
  if (kind === StatementKind.SUSPECT) bytes.set(identity.id.bytes, ACCUSER_AT)
  const signed = bytes.subarray(0, length - SIGNATURE_BYTES)
  bytes.set(identity.sign(DOMAIN, signed), signed.length)
  return { kind, subject: keyOfBytes(subject.bytes), signer: keyOfBytes(identity.id.bytes), incarnation, bytes }
}

/** Reads the shape, not the signature. Undefined for a kind that a later version may have added. @throws MembershipError BAD_PACKET */
export function readStatement(encoded: Uint8Array): Statement | undefined {
  const kind = encoded[0]
  if (kind !== StatementKind.SUSPECT && kind !== StatementKind.ALIVE && kind !== StatementKind.LEAVE) return undefined
  const wanted = kind === StatementKind.SUSPECT ? MAX_STATEMENT_BYTES : OWN_WORD_BYTES
  if (encoded.length !== wanted) {
    throw new MembershipError('BAD_PACKET', `expected a statement of ${wanted} bytes, got ${encoded.length}`)
  }
  const bytes = new Uint8Array(encoded)
  const subject = keyOfBytes(bytes.subarray(1, INCARNATION_AT))
  const accuser = bytes.subarray(ACCUSER_AT, ACCUSER_AT + PEER_ID_BYTES)
  const signer = kind === StatementKind.SUSPECT ? keyOfBytes(accuser) : subject
  return { kind, subject, signer, incarnation: u48(viewOf(bytes), INCARNATION_AT), bytes }
}

/** Whether it is the word of who is said to say it. @param signer the peer of `statement.signer` */
export function verifyStatement({ bytes }: Statement, signer: PeerId): boolean {
  const at = bytes.length - SIGNATURE_BYTES
  return verifySignature(signer, DOMAIN, bytes.subarray(0, at), bytes.subarray(at))
}
