/**
 * A peer takes itself off its list: its signature in the domain `pc-dht-leave` over msgpack [sequence], the sequence of the latest record
 * that is to be listed no more. It says nothing of the list, because a peer is on one only, and can be passed on by anybody.
 */
import { type Identity, type PeerId, verifySignature } from '@pc/identity'
import { encodeValue } from '@pc/wire'
import { KademliaError } from './errors.js'

const DOMAIN = 'pc-dht-leave'

/** 64 bytes. @throws KademliaError BAD_RECORD for a sequence that is no integer from 0 to 2^53 - 1 */
export function signLeave(identity: Identity, sequence: number): Uint8Array {
  if (isSequence(sequence)) return identity.sign(DOMAIN, encodeValue([sequence]))
  throw new KademliaError('BAD_RECORD', `a peer leaves with a sequence from 0 to 2^53 - 1, got ${sequence}`)
}

/** False, never an error, for whatever somebody sent. */
export function verifyLeave(id: PeerId, sequence: number, signature: Uint8Array): boolean {
  return isSequence(sequence) && verifySignature(id, DOMAIN, encodeValue([sequence]), signature)
}

function isSequence(sequence: number): boolean {
  return Number.isSafeInteger(sequence) && sequence >= 0 && !Object.is(sequence, -0)
}
